//! Slots that are due while an earlier run is active.

use rstest::rstest;
use serde_json::json;

use super::{HOUR, Story};

#[rstest]
#[case::skip("skip", &["14:00 ran", "15:00 skipped"], 0)]
#[case::queue("queue", &["14:00 ran", "15:00 pending"], 0)]
#[case::allow("allow", &["14:00 ran", "15:00 pending"], 1)]
#[tokio::test]
async fn a_slot_beside_a_run_follows_the_rule(
    #[case] overlap: &str,
    #[case] slot_history: &[&str],
    #[case] starts: usize,
) {
    let story = Story::begin(&json!({ "overlap": overlap })).await;
    story.dispatch(HOUR).await;
    story.run().await;
    story.dispatch(HOUR).await;
    assert_eq!(
        (story.slot_history().await, story.starts().await.len()),
        (slot_history.iter().map(ToString::to_string).collect(), starts)
    );
}

#[tokio::test]
async fn a_start_that_waits_counts_as_a_run() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    story.dispatch(HOUR).await;
    assert_eq!(story.slot_history().await, ["14:00 pending", "15:00 skipped"]);
    assert_eq!(story.reason().await.as_deref(), Some("an earlier run was still active"));
    story.run_through().await;
    story.dispatch(HOUR).await;
    assert_eq!(story.slot_history().await, ["14:00 ran", "15:00 skipped", "16:00 pending"]);
}

#[tokio::test]
async fn queued_slots_run_in_their_order_as_soon_as_they_may() {
    let story = Story::begin(&json!({ "overlap": "queue" })).await;
    story.dispatch(HOUR).await;
    let first = story.run().await;
    story.dispatch(HOUR).await;
    story.dispatch(HOUR).await;
    assert_eq!(story.reason().await.as_deref(), Some("waits for an earlier run to end"));
    assert_eq!(story.report(first, &json!({ "status": "failed", "errorMessage": "no disk" })).await.status, 200);
    let start = story.starts().await;
    assert_eq!((start.len(), &start[0]["payload"]["scheduledFor"]), (1, &json!("2026-04-25T15:00:00Z")));
    story.run_through().await;
    assert_eq!(story.starts().await[0]["payload"]["scheduledFor"], "2026-04-25T16:00:00Z");
    story.run_through().await;
    assert!(story.starts().await.is_empty());
    assert_eq!(story.app.cp().start_queued_slots().await.expect("a sweep"), 0);
}

#[tokio::test]
async fn a_start_that_is_given_up_lets_the_next_one_go() {
    let story = Story::begin(&json!({ "overlap": "queue", "schedule": "0 */12 * * *" })).await;
    story.dispatch(HOUR * 11).await;
    story.dispatch(HOUR * 12).await;
    story.app.advance(HOUR * 12);
    story.app.cp().give_up_starts().await.expect("a sweep");
    let start = story.starts().await;
    assert_eq!((start.len(), &start[0]["payload"]["scheduledFor"]), (1, &json!("2026-04-26T12:00:00Z")));
    assert_eq!(story.slot_history().await, ["00:00 missed", "12:00 pending"]);
}
