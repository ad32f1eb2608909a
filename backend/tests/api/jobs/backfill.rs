//! Backfill: running past slots.

use backend::model::{FromFields, job::Backfill};
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Story};
use crate::support::admin;

fn range(from: &str, to: &str) -> Backfill {
    let Value::Object(body) = json!({ "from": from, "to": to }) else { unreachable!("an object") };
    Backfill::read(body).expect("a range")
}

/// A job that missed the slots from 14:00 to 16:00 and ran at 17:00.
async fn with_missed() -> Story {
    let story = Story::begin(&json!({ "catchUp": "skip" })).await.restarted(HOUR * 3 + MINUTE * 30).await;
    story.dispatch(HOUR / 2).await;
    story.run_through().await;
    assert_eq!(story.slot_history().await, ["14:00 missed", "15:00 missed", "16:00 missed", "17:00 ran"]);
    story
}

#[tokio::test]
async fn a_backfill_is_previewed_and_runs_what_did_not_run() {
    let story = with_missed().await;
    let whole = range("2026-04-25T15:00:00Z", "2026-04-25T17:00:00Z");
    let preview = story.app.cp().preview_backfill(&admin(), story.job, whole).await.expect("a preview");
    assert_eq!(
        json!(preview),
        json!({ "runCount": 2, "slots": [
            { "scheduledFor": "2026-04-25T15:00:00Z", "outcome": "missed", "willRun": true },
            { "scheduledFor": "2026-04-25T16:00:00Z", "outcome": "missed", "willRun": true },
            { "scheduledFor": "2026-04-25T17:00:00Z", "outcome": "ran", "willRun": false },
        ] })
    );
    assert_eq!(story.slot_history().await[1], "15:00 missed", "a preview changes nothing");
    let slots = story.app.cp().backfill_job(&admin(), story.job, whole).await.expect("a backfill");
    assert_eq!(slots.len(), 2);
    assert_eq!(story.slot_history().await, ["14:00 missed", "15:00 pending", "16:00 pending", "17:00 ran"]);
    assert_eq!(story.starts().await.len(), 1, "one after the other");
    let again = story.app.cp().preview_backfill(&admin(), story.job, whole).await.expect("a preview");
    assert_eq!(again.run_count, 0, "what waits is left alone");
    story.run_through().await;
    story.run_through().await;
    assert_eq!(story.slot_history().await, ["14:00 missed", "15:00 ran", "16:00 ran", "17:00 ran"]);
    assert_eq!(story.history().await[0]["scheduledFor"], "2026-04-25T16:00:00Z");
    let again = story.app.cp().backfill_job(&admin(), story.job, whole).await.expect("nothing to do");
    assert!(again.is_empty() && story.starts().await.is_empty());
}

#[tokio::test]
async fn slots_from_before_the_job_are_filled_as_well() {
    let story = Story::begin(&json!({ "overlap": "allow" })).await;
    let before = range("2026-04-25T09:00:00Z", "2026-04-25T13:00:00Z");
    assert_eq!(story.app.cp().backfill_job(&admin(), story.job, before).await.expect("a backfill").len(), 5);
    assert_eq!(story.starts().await.len(), 5, "it may overlap itself");
}

#[tokio::test]
async fn what_is_too_much_or_yet_to_come_is_refused() {
    let story = Story::begin(&json!({ "schedule": "* * * * *" })).await;
    let wrong = [("2026-04-25T10:00:00Z", "2026-04-25T13:00:00Z"), ("2026-04-25T13:00:00Z", "2026-04-25T13:00:01Z")];
    for (from, to) in wrong {
        let refused = story.app.cp().preview_backfill(&admin(), story.job, range(from, to)).await;
        assert!(refused.expect_err("refused").to_string().starts_with("to: "));
    }
    let Value::Object(body) = json!({ "from": "2026-04-25T13:00:00Z", "to": "2026-04-25T12:00:00Z" }) else {
        panic!("an object")
    };
    assert!(Backfill::read(body).is_err());
}
