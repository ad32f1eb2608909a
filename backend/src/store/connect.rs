//! Opens the database of each engine.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection, Executor, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::timeout;

use super::db::{DatabaseLimits, Db, Readers, Wal, timed_out};
use crate::error::{Error, Result};

/// The number of connections that read the SQLite file.
const SQLITE_READERS: u32 = 4;
/// How long truncating SQLite's write-ahead log may keep writers waiting.
const TRUNCATE_TIMEOUT: Duration = Duration::from_millis(200);
/// The number of connections to PostgreSQL, per server.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Makes PostgreSQL plan each statement of the group-committing writer once, and not for each batch: planning an UPDATE
/// of a table with many indexes takes longer than changing a few of its rows. The statements find rows by their keys,
/// so a plan does not depend on the values. The writer discards the plans from time to time, see
/// `report_writer/discard_query_plans.rs`.
const PLAN_ONCE: &str = "; SET plan_cache_mode = force_generic_plan";
/// How long an idle connection may take to answer a ping before it is replaced.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

impl Db {
    /// Opens the SQLite file at `path`, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// An error if the file cannot be opened or created.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        Self::open_sqlite_within(path, DatabaseLimits::default()).await
    }

    /// Like [`Db::open_sqlite`], with the given timeouts and limits.
    ///
    /// # Errors
    ///
    /// An error if the file cannot be opened or created.
    pub async fn open_sqlite_within(path: &Path, limits: DatabaseLimits) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(limits.busy)
            .statement_cache_capacity(256)
            // The background does it earlier, if it can: see `Db::checkpoint_wal`.
            .pragma("wal_autocheckpoint", "8000")
            .pragma("journal_size_limit", limits.wal_kept.to_string())
            .pragma("cache_size", "-65536")
            .pragma("mmap_size", "1073741824")
            .pragma("temp_store", "memory");
        let pool = || SqlitePoolOptions::new().acquire_timeout(limits.acquire).test_before_acquire(false);
        let keep = |pool: SqlitePoolOptions| pool.idle_timeout(None).max_lifetime(None);
        let writer = keep(pool()).max_connections(1).connect_with(options.clone()).await?;
        let hot = keep(pool()).max_connections(1).connect_lazy_with(options.clone());
        let checkpointer =
            keep(pool()).max_connections(1).connect_lazy_with(options.clone().busy_timeout(TRUNCATE_TIMEOUT));
        let readers =
            keep(pool()).max_connections(SQLITE_READERS).connect_with(options.pragma("query_only", "on")).await?;
        let (write_lock, wal) = (Arc::default(), Arc::new(Wal::beside(path)));
        let readers = Readers::new(readers);
        Ok(Self::Sqlite { readers, writer, hot, checkpointer, write_lock, wal, limits })
    }

    /// Connects to the PostgreSQL server at `url`.
    ///
    /// # Errors
    ///
    /// An error if the URL is invalid or the server cannot be reached.
    pub async fn open_postgres(url: &str) -> Result<Self> {
        Self::open_postgres_within(url, DatabaseLimits::default()).await
    }

    /// Like [`Db::open_postgres`], with the given timeouts and limits.
    ///
    /// # Errors
    ///
    /// An error if the URL is invalid or the server cannot be reached.
    pub async fn open_postgres_within(url: &str, limits: DatabaseLimits) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)?.application_name("mftplus").statement_cache_capacity(256);
        // An idle connection may have been lost unnoticed, so it is pinged. The group-committing writer repeats its batch instead.
        let pool = |settings: String| {
            PgPoolOptions::new().acquire_timeout(limits.acquire).test_before_acquire(false).after_connect(
                move |connection, _| {
                    let settings = settings.clone();
                    Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(settings)).await.map(drop) })
                },
            )
        };
        let settings = |statement| session_settings(statement, limits.batch / 2);
        let hot = pool(settings(limits.batch) + PLAN_ONCE).max_connections(1).connect_with(options.clone()).await;
        let hot = match hot {
            Err(sqlx::Error::PoolTimedOut) => return Err(unreachable_because(&options).await),
            connected => connected?,
        };
        let pool = pool(settings(limits.statement))
            .max_connections(POSTGRES_CONNECTIONS)
            .before_acquire(|connection, _| Box::pin(is_alive(connection)))
            .connect_with(options)
            .await?;
        Ok(Self::Postgres { pool, hot, limits })
    }
}

/// Finds out why a pool could not connect, by one more attempt. The pool itself retries until its timeout and then
/// reports only that.
async fn unreachable_because(options: &PgConnectOptions) -> Error {
    match timeout(PING_TIMEOUT, PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error.into(),
        Ok(Ok(_)) | Err(_) => timed_out(),
    }
}

/// Settings by which PostgreSQL itself ends statements that take too long, transactions that are idle (others would wait for
/// their locks), and connections whose client does not acknowledge data any more.
fn session_settings(statement: Duration, silence: Duration) -> String {
    let (statement, silence) = (statement.as_millis(), silence.as_millis());
    format!(
        "SET statement_timeout = {statement}; SET idle_in_transaction_session_timeout = {silence}; \
         SET tcp_user_timeout = {silence}; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; \
         SET tcp_keepalives_count = 3"
    )
}

/// Whether the server answers on this connection.
async fn is_alive(connection: &mut PgConnection) -> sqlx::Result<bool> {
    match timeout(PING_TIMEOUT, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Err(sqlx::Error::Protocol("an idle connection does not answer".into())),
    }
}
