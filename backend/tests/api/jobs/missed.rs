//! Slots that were due while no server was running.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;

use super::{HOUR, MINUTE, Story};

#[rstest]
#[case::last("last", &["14:00 coalesced", "15:00 coalesced", "16:00 pending"], 1)]
#[case::skip("skip", &["14:00 missed", "15:00 missed", "16:00 missed"], 0)]
#[case::all("all", &["14:00 pending", "15:00 pending", "16:00 pending"], 1)]
#[tokio::test]
async fn after_a_downtime_missed_slots_follow_the_rule(
    #[case] catch_up: &str,
    #[case] slot_history: &[&str],
    #[case] starts: usize,
) {
    let story = Story::begin(&json!({ "catchUp": catch_up })).await.restarted(HOUR * 3 + MINUTE * 30).await;
    assert_eq!(story.dispatch(TimeDelta::zero()).await, 1);
    assert_eq!(story.slot_history().await, slot_history);
    assert_eq!(story.starts().await.len(), starts);
    assert_eq!(story.shown().await["nextRunAt"], "2026-04-25T17:00:00Z");
}

#[tokio::test]
async fn all_that_is_caught_up_runs_one_after_the_other_in_order() {
    let story = Story::begin(&json!({ "catchUp": "all" })).await.restarted(HOUR * 3 + MINUTE * 30).await;
    story.dispatch(TimeDelta::zero()).await;
    for _ in 0..3 {
        assert_eq!(story.starts().await.len(), 1);
        story.run_through().await;
    }
    assert!(story.starts().await.is_empty());
    let slots: Vec<_> = story.history().await.iter().rev().map(|run| run["scheduledFor"].clone()).collect();
    assert_eq!(slots, ["2026-04-25T14:00:00Z", "2026-04-25T15:00:00Z", "2026-04-25T16:00:00Z"]);
}

#[tokio::test]
async fn what_is_older_than_a_day_leaves_one_row_for_the_range() {
    let story = Story::begin(&json!({})).await.restarted(HOUR * 72 + MINUTE * 30).await;
    story.dispatch(TimeDelta::zero()).await;
    let slot_history = story.slot_history().await;
    assert_eq!(
        (slot_history.len(), slot_history[0].as_str(), slot_history[24].as_str()),
        (25, "48x missed", "13:00 pending")
    );
    assert_eq!(slot_history[1..24].iter().filter(|line| line.ends_with("coalesced")).count(), 23);
    assert_eq!(story.starts().await.len(), 1);
}

#[tokio::test]
async fn at_most_a_hundred_are_caught_up_and_the_rest_leaves_one_row() {
    let story = Story::begin(&json!({ "schedule": "* * * * *", "catchUp": "all" })).await.restarted(HOUR * 3).await;
    story.dispatch(TimeDelta::zero()).await;
    let slot_history = story.slot_history().await;
    assert_eq!((slot_history.len(), slot_history[0].as_str()), (101, "80x missed"));
    assert!(slot_history[1..].iter().all(|line| line.ends_with("pending")));
}

#[tokio::test]
async fn a_job_that_was_disabled_meanwhile_missed_nothing() {
    let story = Story::begin(&json!({ "enabled": false })).await.restarted(HOUR * 5).await;
    assert_eq!(story.dispatch(TimeDelta::zero()).await, 0);
    assert!(story.slot_history().await.is_empty());
}

#[tokio::test]
async fn the_slot_history_is_kept_for_ninety_days() {
    let story = Story::begin(&json!({ "schedule": "0 14 * * *" })).await;
    story.dispatch(HOUR).await;
    story.run_through().await;
    story.app.advance(TimeDelta::days(89));
    story.app.cp().purge().await.expect("a purge");
    assert_eq!(story.slot_history().await.len(), 1);
    story.app.advance(TimeDelta::days(2));
    story.app.cp().purge().await.expect("a purge");
    assert!(story.slot_history().await.is_empty());
}
