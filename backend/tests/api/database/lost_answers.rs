//! Lost answers of PostgreSQL.

use std::time::Duration;

use rstest::rstest;
use tokio::time::timeout;

use super::{BOUNDS, TestApp, TestDatabase, heartbeat, is_ready, json, patch};
use crate::support::{Fault, Proxy};

/// A time that is longer than any limit.
const FOR_EVER: Duration = Duration::from_mins(1);

/// A server that reaches its PostgreSQL through a proxy.
async fn story(with_redis: bool) -> (Proxy, TestApp) {
    let database = TestDatabase::shared().await;
    let proxy = Proxy::to(database.database_url().expect("a URL")).await;
    let database = database.with_database_url(proxy.url());
    let database = if with_redis { database } else { database.with_redis(None) };
    (proxy, TestApp::within(BOUNDS, &database, &["--rate-limits", "off"]).await)
}

#[rstest]
#[case::the_connection_broke(b"COMMIT\0", Fault::Close)]
#[case::the_connection_hangs(b"COMMIT\0", Fault::Freeze)]
#[case::the_connection_broke_before_the_commit(b"INSERT 0 1\0", Fault::Close)]
#[case::the_connection_hangs_before_the_commit(b"INSERT 0 1\0", Fault::Freeze)]
#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_batch_whose_answer_was_lost_is_applied_once(#[case] answer: &'static [u8], #[case] fault: Fault) {
    let (proxy, app) = story(true).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let (first, second) = (app.transfer(&agent).await, app.transfer(&agent).await);
    proxy.lose(answer, fault);
    let updates = json!({ "updates": [
        { "id": first["id"], "status": "running" },
        { "id": first["id"], "status": "failed", "errorMessage": "a broken cable" },
        { "id": first["id"], "status": "running" },
        { "id": second["id"], "status": "running" },
        { "id": second["id"], "status": "completed" },
    ] });
    let client = app.key(&agent.key);
    let answer = timeout(FOR_EVER, client.patch("/api/transfers", &updates)).await.expect("an answer");
    let outcomes: Vec<_> = answer.body["data"]["results"].as_array().expect("results").iter().collect();
    assert!(outcomes.iter().all(|outcome| outcome["status"] == 200), "{}", answer.body);
    assert_eq!(proxy.lost(), 1);
    let admin = app.admin().await;
    let id = first["id"].as_str().unwrap_or_default();
    let stored = admin.get(&format!("/api/transfers/{id}")).await.body["data"]["transfer"].clone();
    assert_eq!((&stored["attempt"], &stored["revision"], &stored["status"]), (&json!(2), &json!(4), &json!("running")));
    let counted = "SELECT COUNT(*) FROM events WHERE kind = 'transferStatusChanged'";
    let (counted,): (i64,) = backend::store::db::sql(counted).fetch_one(&app.app.db).await.expect("the log");
    assert_eq!(counted, 5, "each change is logged once");
    is_ready(&app).await;
}

#[rstest]
#[case::the_connection_broke(Fault::Close)]
#[case::the_connection_hangs(Fault::Freeze)]
#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_heartbeat_whose_answer_was_lost_counts_once(#[case] fault: Fault) {
    let (proxy, app) = story(true).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    proxy.lose(b"COMMIT\0", fault);
    let answer = timeout(FOR_EVER, heartbeat(&app, &agent)).await.expect("an answer");
    assert_eq!((answer.status, &answer.body["data"]["agent"]["revision"]), (200, &json!(2)), "{}", answer.body);
    assert_eq!(heartbeat(&app, &agent).await.body["data"]["agent"]["revision"], 3);
    assert_eq!(proxy.lost(), 1);
}

#[rstest]
#[case::the_connection_broke(Fault::Close)]
#[case::the_connection_hangs(Fault::Freeze)]
#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn progress_whose_answer_was_lost_counts_once(#[case] fault: Fault) {
    let (proxy, app) = story(false).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let transfer = app.transfer(&agent).await;
    assert_eq!(patch(&app, &agent, &transfer, &json!({ "status": "running" })).await.status, 200);
    proxy.lose(b"UPDATE 1\0", fault);
    let body = json!({ "bytesTransferred": 100, "speed": 1 });
    let answer = timeout(FOR_EVER, patch(&app, &agent, &transfer, &body)).await.expect("an answer");
    assert_eq!((answer.status, &answer.body["data"]["transfer"]["revision"]), (200, &json!(3)), "{}", answer.body);
    let next = patch(&app, &agent, &transfer, &json!({ "bytesTransferred": 200 })).await;
    assert_eq!(next.body["data"]["transfer"]["revision"], 4, "{}", next.body);
    assert_eq!(proxy.lost(), 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_network_that_drops_all_packets_of_open_connections_stops_no_caller() {
    let (proxy, app) = story(true).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let admin = app.admin().await;
    assert_eq!(heartbeat(&app, &agent).await.status, 200);
    proxy.freeze();
    let answer = timeout(FOR_EVER, heartbeat(&app, &agent)).await.expect("an answer");
    assert_eq!((answer.status, &answer.body["data"]["agent"]["revision"]), (200, &json!(3)), "{}", answer.body);
    let read = timeout(FOR_EVER, admin.get("/api/transfers")).await.expect("an answer");
    assert_eq!(read.status, 200, "{}", read.body);
    let body = json!({ "name": "Beta" });
    let written = admin.post("/api/customers", &body);
    assert_eq!(timeout(FOR_EVER, written).await.expect("an answer").status, 201);
    is_ready(&app).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_database_that_goes_away_in_the_middle_of_a_request_is_503() {
    let (proxy, app) = story(true).await;
    let admin = app.admin().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    app.transfer(&agent).await;
    assert_eq!(admin.get("/api/transfers").await.status, 200);
    proxy.lose(b"SELECT 1\0", Fault::Close);
    let answer = admin.get("/api/transfers").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{}", answer.body);
    assert_eq!(proxy.lost(), 1);
    assert_eq!(admin.get("/api/transfers").await.status, 200);
}
