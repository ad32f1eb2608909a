//! A database for one test of the store: a new schema of the PostgreSQL server under test or, without one, a SQLite
//! file.

use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;

use super::{
    agents::{self, AgentRow},
    customers,
    db::{Db, sql},
    test_rows::{agent, at, id},
};
use crate::model::customer::Customer;

/// A database with the current schema that contains one customer with one agent.
pub(super) struct Scratch {
    pub(super) db: Db,
    pub(super) agent: AgentRow,
    _folder: TempDir,
}

impl Scratch {
    #[expect(clippy::disallowed_methods, reason = "the test command says so by this variable")]
    pub(super) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = match env::var("MFTPLUS_TEST_DATABASE_URL") {
            Ok(url) => Db::open_postgres(&in_new_schema(&url).await).await.unwrap(),
            Err(_) => Db::open_sqlite(&folder.path().join("mftplus.db")).await.unwrap(),
        };
        db.migrate().await.unwrap();
        let agent = agent(id(1), id(2));
        let customer =
            Customer { id: agent.customer_id, name: "Acme".to_owned(), suspended: true, created_at: at(1).into() };
        let mut tx = db.begin().await.unwrap();
        customers::insert(&mut tx, &customer).await.unwrap();
        agents::insert(&mut tx, &agent).await.unwrap();
        tx.commit().await.unwrap();
        Self { db, agent, _folder: folder }
    }
}

/// Creates a schema and returns its URL. It is removed with the PostgreSQL server that the test command started.
async fn in_new_schema(url: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let name = format!("store_{}_{}", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    let db = Db::open_postgres(url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    sql(format!("CREATE SCHEMA {name}").leak()).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20search_path%3D{name}")
}
