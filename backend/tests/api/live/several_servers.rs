//! Several servers on one database and one Redis: a subscriber on one server gets the reports to another.

use serde_json::{Value, json};

use super::{Story, TRANSFERS, transfer_message};
use crate::support::{
    OwnRedis, TestApp,
    app::{TestDatabase, item_of_failures},
    connected,
};

async fn two(database: &TestDatabase) -> (Story, TestApp) {
    let one = TestApp::on(database, &["--rate-limits", "off"]).await;
    let two = TestApp::on(database, &["--rate-limits", "off"]).await;
    connected(&one).await;
    connected(&two).await;
    (Story::on(one).await, two)
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_subscriber_on_one_server_sees_what_an_agent_reports_to_another() {
    let database = TestDatabase::shared().await;
    let (story, other) = two(&database).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.watch("all", TRANSFERS).await;
    for body in [json!({ "status": "running" }), json!({ "bytesTransferred": 9 }), json!({ "status": "completed" })] {
        let transfer = story.report_to(&other, &body).await;
        assert_eq!(subscriber.data("all").await, transfer_message(&transfer));
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_snooze_on_one_reaches_those_who_watch_the_other() {
    let database = TestDatabase::shared().await;
    let (story, other) = two(&database).await;
    story.app.failed_transfer(&story.agent).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query = "subscription { attentionUpdated(initial: true) { attention { items { snoozeReason } } } }";
    subscriber.subscribe("attention", query).await;
    let items =
        |reason: Value| json!({ "attentionUpdated": { "attention": { "items": [{ "snoozeReason": reason }] } } });
    assert_eq!(subscriber.data("attention").await, items(Value::Null));
    // The clock stands still, so what the first server has kept does not become too old.
    let user = other.bearer(&story.customer.token);
    let path = format!("/api/attention/{}/snooze", item_of_failures(story.customer.id));
    let body = json!({ "until": "2026-04-25T14:00:00Z", "reason": "the partner is informed" });
    assert_eq!(user.post(&path, &body).await.status, 200);
    while subscriber.data("attention").await != items(json!("the partner is informed")) {}
    assert_eq!(user.delete(&path).await.status, 200);
    while subscriber.data("attention").await != items(Value::Null) {}
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_session_ended_on_one_closes_its_sockets_on_the_other() {
    let database = TestDatabase::shared().await;
    let (story, other) = two(&database).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    assert_eq!(other.bearer(&story.customer.token).post("/api/auth/logout", &json!({})).await.status, 200);
    assert_eq!(subscriber.closed().await, (4403, "Forbidden".to_owned()));
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn after_an_outage_of_redis_subscribers_ask_again_and_end_at_what_the_database_holds() {
    let database = TestDatabase::shared().await;
    let mut redis = OwnRedis::start().await;
    let (story, other) = two(&database.with_redis(Some(&redis.url()))).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.watch("all", TRANSFERS).await;
    redis.kill();
    let unheard = story.report_to(&other, &json!({ "status": "running", "bytesTransferred": 5 })).await;
    redis.restart().await;
    connected(&story.app).await;
    connected(&other).await;
    let resync = json!({ "transferUpdated": { "resync": true, "transfer": Value::Null } });
    while subscriber.data("all").await != resync {}
    let query = "query ($id: ID!) { transfer(id: $id) { bytesTransferred revision } }";
    let stored = story.app.bearer(&story.customer.token).data(query, &json!({ "id": story.transfer })).await;
    assert_eq!(stored["transfer"], json!({ "bytesTransferred": 5, "revision": unheard["revision"] }));
    // A later call to ask again may still be on its way; the news comes in any case.
    let moved = story.report_to(&other, &json!({ "bytesTransferred": 6 })).await;
    loop {
        let frame = subscriber.data("all").await;
        if frame == transfer_message(&moved) {
            break;
        }
        assert_eq!(frame, resync);
    }
}
