//! An outage of Redis: no acknowledged data is lost, no answer waits, and all subscribers get a resync.

use backend::events::{Reader, Signal};
use chrono::TimeDelta;
use serde_json::json;

use crate::support::{OwnRedis, TestApp, admin, app::TestDatabase, connected};

/// Two servers on one database, with a Redis of this test only.
async fn story() -> (OwnRedis, TestApp, TestApp) {
    let database = TestDatabase::shared().await;
    let redis = OwnRedis::start().await;
    let database = database.with_redis(Some(&redis.url()));
    let (one, two) = (TestApp::on(&database, &[]).await, TestApp::on(&database, &[]).await);
    connected(&one).await;
    connected(&two).await;
    (redis, one, two)
}

async fn resynced(reader: &mut Reader) {
    while !matches!(reader.next().await.expect("a bus"), Signal::Resync) {}
}

/// Waits until the server knows that it receives no messages of other servers.
async fn alone(app: &TestApp, reader: &mut Reader) {
    while app.cp().bus().is_connected() {
        resynced(reader).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn reports_are_acknowledged_while_redis_is_away_and_all_subscribers_resync_after_it() {
    let (mut redis, one, two) = story().await;
    let agent = one.agent(one.customer("acme").await.id, "edge-1").await;
    let transfer = one.transfer(&agent).await;
    let path = format!("/api/transfers/{}", transfer["id"].as_str().unwrap_or_default());
    let (mut first, mut second) = (one.cp().bus().read(), two.cp().bus().read());
    redis.kill();
    for (index, app) in [&one, &two, &one, &two].into_iter().enumerate() {
        let answer = app.key(&agent.key).patch(&path, &json!({ "status": "running", "bytesTransferred": index })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["data"]["transfer"]["bytesTransferred"], index);
    }
    alone(&one, &mut first).await;
    alone(&two, &mut second).await;
    assert_eq!(two.anonymous().get("/api/health").await.body["status"], "degraded");
    assert_eq!(two.anonymous().get("/api/health/ready").await.status, 200, "it can do without");
    let answer = one.key(&agent.key).patch(&path, &json!({ "status": "completed" })).await;
    assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, Some("300")), "counted alone");
    redis.restart().await;
    resynced(&mut first).await;
    resynced(&mut second).await;
    connected(&one).await;
    connected(&two).await;
    let stored = two.admin().await.get(&path).await;
    assert_eq!(stored.body["data"]["transfer"], answer.body["data"]["transfer"]);
    assert_eq!(two.anonymous().get("/api/health").await.body["status"], "ok");
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_key_revoked_elsewhere_while_redis_is_away_works_for_a_second_at_most() {
    let (mut redis, one, two) = story().await;
    let agent = one.agent(one.customer("acme").await.id, "edge-1").await;
    let (mut first, mut second) = (one.cp().bus().read(), two.cp().bus().read());
    let client = two.key(&agent.key);
    redis.kill();
    alone(&one, &mut first).await;
    alone(&two, &mut second).await;
    // The second server remembers the key from here on.
    assert_eq!(client.get("/api/agents/directives").await.status, 200);
    one.cp().revoke_agent(&admin(), agent.id).await.expect("an end");
    assert_eq!(one.key(&agent.key).get("/api/agents/directives").await.status, 401, "here at once");
    two.advance(TimeDelta::seconds(1));
    assert_eq!(client.get("/api/agents/directives").await.status, 401);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_session_ended_elsewhere_while_redis_is_away_is_invalidated_when_it_is_back() {
    let (mut redis, one, two) = story().await;
    let customer = one.customer("acme").await;
    let (mut first, mut second) = (one.cp().bus().read(), two.cp().bus().read());
    redis.kill();
    alone(&one, &mut first).await;
    alone(&two, &mut second).await;
    assert_eq!(two.bearer(&customer.token).get("/api/auth/me").await.status, 200);
    assert_eq!(one.bearer(&customer.token).send("POST", "/api/auth/logout", None).await.status, 200);
    redis.restart().await;
    connected(&two).await;
    // The task that invalidates the cache receives the same resync.
    while two.bearer(&customer.token).get("/api/auth/me").await.status != 401 {
        second.next().await.expect("a bus");
    }
}
