//! Subscriptions to what needs attention.

use chrono::TimeDelta;
use serde_json::json;

use super::Story;

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
