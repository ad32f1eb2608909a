//! Subscriptions to what needs attention.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Story;
use crate::support::app::item_of_failures;

#[tokio::test]
async fn what_needs_attention_is_sent_first_and_when_it_changes() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query = "subscription { attentionUpdated(initial: true) { resync attention { items { kind count } } } }";
    subscriber.subscribe("attention", query).await;
    let none = json!({ "attentionUpdated": { "resync": false, "attention": { "items": [] } } });
    assert_eq!(subscriber.data("attention").await, none);
    story.app.failed_transfer(&story.agent).await;
    // What was kept before is too old then.
    story.app.advance(TimeDelta::seconds(1));
    let mut frame = subscriber.data("attention").await;
    while frame == none {
        frame = subscriber.data("attention").await;
    }
    let expected = json!([{ "kind": "TRANSFER_FAILED", "count": 1 }]);
    assert_eq!(frame["attentionUpdated"]["attention"]["items"], expected);
}

#[tokio::test]
async fn a_snooze_and_its_end_are_sent_without_another_change() {
    let story = Story::begin().await;
    story.app.failed_transfer(&story.agent).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query = "subscription { attentionUpdated(initial: true) { attention { items { snoozeReason } } } }";
    subscriber.subscribe("attention", query).await;
    let items =
        |reason: Value| json!({ "attentionUpdated": { "attention": { "items": [{ "snoozeReason": reason }] } } });
    assert_eq!(subscriber.data("attention").await, items(Value::Null));
    let user = story.app.bearer(&story.customer.token);
    let path = format!("/api/attention/{}/snooze", item_of_failures(story.customer.id));
    // The clock stands still, so that what was read before is kept until it is invalidated.
    let body = json!({ "until": "2026-04-25T14:00:00Z", "reason": "the partner is informed" });
    assert_eq!(user.post(&path, &body).await.status, 200);
    while subscriber.data("attention").await != items(json!("the partner is informed")) {}
    assert_eq!(user.delete(&path).await.status, 200);
    while subscriber.data("attention").await != items(Value::Null) {}
}
