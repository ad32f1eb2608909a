//! SQLite's write-ahead log: how it is copied into the database file, and a reader of another program that keeps it.

use super::{
    BOUNDS, ConnectOptions, Connection, Db, Executor, TestApp, TestDatabase, heartbeat, is_ready, json, patch,
};

#[tokio::test]
async fn a_log_that_another_program_keeps_from_being_reused_is_logged_and_cut_when_it_can_be() {
    let app = TestApp::within(BOUNDS, &TestDatabase::sqlite(), &["--rate-limits", "off"]).await;
    let Db::Sqlite { readers, .. } = &app.app.db else { panic!("SQLite") };
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let transfer = app.transfer(&agent).await;
    let mut reader = readers.pool().connect_options().connect().await.expect("a connection");
    reader.execute("BEGIN; SELECT * FROM agents").await.expect("a reader");
    let health = async || app.anonymous().get("/api/health").await.body["status"].clone();
    for round in 0.. {
        assert!(round < 1000, "the log does not grow");
        for report in [json!({ "status": "running" }), json!({ "status": "failed", "errorMessage": "e".repeat(900) })] {
            assert_eq!(patch(&app, &agent, &transfer, &report).await.status, 200);
        }
        if app.app.db.shorten_wal().await.expect("a look") >= BOUNDS.wal_limit {
            break;
        }
    }
    assert_eq!(health().await, "degraded");
    is_ready(&app).await;
    assert_eq!(heartbeat(&app, &agent).await.status, 200, "it works all the same");
    reader.close().await.expect("an end");
    assert_eq!(app.app.db.shorten_wal().await.expect("a look"), 0);
    assert_eq!(health().await, "ok");
}

#[tokio::test]
async fn a_long_log_is_copied_and_begins_anew() {
    let app = TestApp::within(BOUNDS, &TestDatabase::sqlite(), &["--rate-limits", "off"]).await;
    let Db::Sqlite { writer, .. } = &app.app.db else { panic!("SQLite") };
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let mut other = writer.connect_options().connect().await.expect("a connection");
    let mut pages = async || {
        let look = sqlx::query_as("PRAGMA wal_checkpoint(NOOP)").fetch_one(&mut other).await;
        let (_, pages, _): (i64, i64, i64) = look.expect("a look");
        pages
    };
    for round in 0.. {
        assert!(round < 1000, "the log does not grow");
        assert_eq!(heartbeat(&app, &agent).await.status, 200);
        if pages().await >= BOUNDS.wal_copied {
            break;
        }
    }
    app.app.db.checkpoint_wal().await.expect("a copy");
    assert_eq!(heartbeat(&app, &agent).await.status, 200);
    assert!(pages().await < BOUNDS.wal_copied, "the log has begun anew");
}
