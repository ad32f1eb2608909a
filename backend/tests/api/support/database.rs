//! The database and Redis of a server under test.

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
};

use backend::store::Db;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

/// A database, with a Redis if the test command provides one.
#[derive(Clone, Debug)]
pub(crate) struct TestDatabase {
    database_url: Option<String>,
    redis_url: Option<String>,
}

impl TestDatabase {
    /// An empty database for one test: a new schema of the PostgreSQL under test, or SQLite if there is none.
    #[expect(clippy::disallowed_methods, reason = "the test command says so by these variables")]
    pub(crate) async fn fresh() -> Self {
        let database_url = match env::var("MFTPLUS_TEST_DATABASE_URL") {
            Ok(url) => Some(schema(&url).await),
            Err(_) => None,
        };
        Self { database_url, redis_url: env::var("MFTPLUS_TEST_REDIS_URL").ok() }
    }

    /// A database and Redis that several servers can share: a schema of the PostgreSQL under test, and the Redis under
    /// test. Tests that use it have `#[ignore = "needs PostgreSQL and Redis"]`.
    pub(crate) async fn shared() -> Self {
        let database = Self::fresh().await;
        let how =
            "set MFTPLUS_TEST_DATABASE_URL and MFTPLUS_TEST_REDIS_URL, as `cargo xtask test --only postgres` does";
        assert!(database.is_shared(), "{how}");
        database
    }

    /// SQLite in the folder of the server, whatever database is under test.
    pub(crate) const fn sqlite() -> Self {
        Self { database_url: None, redis_url: None }
    }

    /// Whether several servers can share the database.
    pub(crate) const fn is_shared(&self) -> bool {
        self.database_url.is_some() && self.redis_url.is_some()
    }

    /// The same database with another Redis, or without Redis.
    pub(crate) fn with_redis(&self, redis_url: Option<&str>) -> Self {
        Self { database_url: self.database_url.clone(), redis_url: redis_url.map(ToOwned::to_owned) }
    }

    /// The URL of the PostgreSQL database; `None` for SQLite.
    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    /// The same database under another URL.
    pub(crate) fn with_database_url(&self, url: String) -> Self {
        Self { database_url: Some(url), redis_url: self.redis_url.clone() }
    }

    /// A database filled from a dump, without Redis, since the servers of other tests may use the same dump.
    #[expect(clippy::disallowed_methods, reason = "the test command says so by this variable")]
    pub(crate) async fn holding(dump: &str) -> Self {
        let Ok(url) = env::var("MFTPLUS_TEST_DATABASE_URL") else {
            return Self::sqlite();
        };
        let name = name();
        let mut connection = PgConnection::connect(&url).await.expect("the PostgreSQL under test");
        let dump = AssertSqlSafe(dump.replace("mftplus_frozen", &name));
        sqlx::raw_sql(dump).execute(&mut connection).await.expect("a dump is read");
        connection.close().await.expect("an end");
        Self { database_url: Some(within(&url, &name)), redis_url: None }
    }

    /// The URL and the name of the schema on PostgreSQL.
    pub(crate) fn schema(&self) -> Option<(&str, &str)> {
        let url = self.database_url.as_deref()?;
        Some((url, url.rsplit_once("%3D")?.1))
    }

    /// The flags of `mftplus serve` for this database and Redis.
    pub(crate) fn flags(&self) -> Vec<String> {
        let flag = |name: &str, value: &Option<String>| {
            value.clone().map(|value| vec![name.to_owned(), value]).unwrap_or_default()
        };
        [flag("--database-url", &self.database_url), flag("--redis-url", &self.redis_url)].concat()
    }
}

/// A file of SQLite with the current schema and no rows. All tests begin with a copy, since a copy takes less time than the
/// migrations; `contracts.rs` and `earlier_release_data/` test these.
pub(crate) async fn migrated_sqlite() -> &'static [u8] {
    static FILE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let migrate = || async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("mftplus.db");
        let db = Db::open_sqlite(&path).await.expect("a database");
        db.migrate().await.expect("a schema");
        db.close().await;
        std::fs::read(&path).expect("the database without a write-ahead log")
    };
    FILE.get_or_init(migrate).await
}

/// Creates a schema and returns its URL. It is removed with the PostgreSQL server that the test command started.
async fn schema(url: &str) -> String {
    let name = name();
    let mut connection = PgConnection::connect(url).await.expect("the PostgreSQL under test");
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&mut connection).await.expect("a schema");
    connection.close().await.expect("an end");
    within(url, &name)
}

fn name() -> String {
    format!("test_{}_{}", std::process::id(), seed())
}

/// The URL of a schema.
fn within(url: &str, name: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20search_path%3D{name}")
}

/// A number that differs for each server of each run, so that no two have the same secrets, and so the same tokens or messages.
pub(crate) fn seed() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    (u64::from(std::process::id()) << 32) | COUNTER.fetch_add(1, Ordering::Relaxed)
}
