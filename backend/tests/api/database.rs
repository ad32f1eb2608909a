//! Failures of the database: it hangs, loses answers, is full, locked, read-only or emptied. Nothing is counted twice,
//! clients get 503, and the server works again as soon as the database does.

use std::time::Duration;

use backend::store::{DatabaseLimits, Db};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};

use crate::support::{
    Answer, TestApp,
    app::{TestAgent, TestDatabase},
};

mod files;
mod lost_answers;
mod outage;
mod write_ahead_log;

/// Short timeouts, so that the tests are fast.
const BOUNDS: DatabaseLimits = DatabaseLimits {
    acquire: Duration::from_secs(5),
    statement: Duration::from_secs(5),
    batch: Duration::from_secs(2),
    busy: Duration::from_millis(50),
    wal_copied: 64,
    wal_kept: 64 << 10,
    wal_limit: 256 << 10,
};

/// A transaction of another program that keeps reports from being stored.
enum Blockade {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Blockade {
    async fn of(app: &TestApp, database: &TestDatabase) -> Self {
        match (&app.app.db, database.database_url()) {
            (Db::Sqlite { writer, .. }, _) => {
                let mut connection = writer.connect_options().connect().await.expect("a connection");
                connection.execute("BEGIN IMMEDIATE").await.expect("the lock");
                Self::Sqlite(connection)
            }
            (Db::Postgres { .. }, Some(url)) => {
                let mut connection = PgConnection::connect(url).await.expect("a connection");
                connection
                    .execute("BEGIN; LOCK TABLE writer_batches IN ACCESS EXCLUSIVE MODE")
                    .await
                    .expect("the lock");
                Self::Postgres(connection)
            }
            (Db::Postgres { .. }, None) => panic!("PostgreSQL has a URL"),
        }
    }

    async fn end(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.expect("an end"),
            Self::Postgres(connection) => connection.close().await.expect("an end"),
        }
    }
}

async fn heartbeat(app: &TestApp, agent: &TestAgent) -> Answer {
    app.key(&agent.key).post("/api/agents/heartbeat", &json!({})).await
}

async fn patch(app: &TestApp, agent: &TestAgent, transfer: &Value, body: &Value) -> Answer {
    let id = transfer["id"].as_str().unwrap_or_default();
    app.key(&agent.key).patch(&format!("/api/transfers/{id}"), body).await
}

/// Checks that all callers get 503 with `Retry-After`.
async fn is_degraded(app: &TestApp, refused: &Answer) {
    let sentence = json!("the database is not available: try again in a moment");
    assert_eq!((refused.status, &refused.body["error"]), (503, &sentence), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("5"));
    let ready = app.anonymous().get("/api/health/ready").await;
    assert_eq!((ready.status, ready.header("retry-after")), (503, Some("5")), "{}", ready.body);
    assert_eq!(ready.body["error"], "the database cannot be written");
    assert_eq!(ready.body["details"]["parts"]["writer"], false);
    assert_eq!(app.anonymous().get("/api/health").await.body["status"], "degraded");
}

/// Checks that the server reports itself as ready again.
async fn is_ready(app: &TestApp) {
    let ready = app.anonymous().get("/api/health/ready").await;
    assert_eq!((ready.status, &ready.body["data"]["parts"]["writer"]), (200, &json!(true)), "{}", ready.body);
}
