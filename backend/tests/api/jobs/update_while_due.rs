//! Changing a job whose slot is due, or whose start directive waits.

use backend::{
    ids::JobId,
    model::{FromFields, job::UpdateJob},
};
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Story};
use crate::support::admin;

async fn change(story: &Story, body: &Value) {
    let patch = UpdateJob::read(body.as_object().expect("an object").clone()).expect("a patch");
    story.app.cp().update_job(&admin(), story.job, patch).await.expect("a change");
}

#[tokio::test]
async fn a_slot_that_was_due_before_the_change_is_decided_by_the_old_rule() {
    let story = Story::begin(&json!({})).await;
    story.app.advance(HOUR + MINUTE);
    change(&story, &json!({ "schedule": "30 * * * *" })).await;
    assert_eq!(story.slot_history().await, ["14:00 pending"]);
    assert_eq!(story.shown().await["nextRunAt"], "2026-04-25T14:30:00Z");
    assert_eq!(story.dispatch(MINUTE).await, 0);
    story.run_through().await;
    assert_eq!(story.dispatch(MINUTE * 28).await, 1);
    assert_eq!(story.slot_history().await, ["14:00 ran", "14:30 pending"]);
}

#[tokio::test]
async fn a_start_that_waits_is_of_the_job_as_it_is_now() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let before = story.starts().await;
    change(&story, &json!({ "sourcePath": "/elsewhere/" })).await;
    let after = story.starts().await;
    assert_eq!((after.len(), &after[0]["id"]), (1, &before[0]["id"]));
    assert_eq!(after[0]["payload"]["job"], story.shown().await);
}

#[tokio::test]
async fn disabling_calls_off_what_waits_and_lets_go_on_what_runs() {
    let story = Story::begin(&json!({ "overlap": "queue" })).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    story.dispatch(HOUR).await;
    change(&story, &json!({ "enabled": false })).await;
    assert_eq!(story.slot_history().await, ["14:00 ran", "15:00 skipped"]);
    assert_eq!(story.reason().await.as_deref(), Some("the job was disabled"));
    assert_eq!(story.dispatch(HOUR).await, 0, "nothing is due");
    let late = story.start(&json!({})).await;
    assert_eq!((late.status, &late.body["error"]), (400, &json!("the job is disabled: enable it first")));
    assert_eq!(story.report(run, &json!({ "status": "completed" })).await.status, 200);
    assert!(story.starts().await.is_empty());
    change(&story, &json!({ "enabled": true })).await;
    assert_eq!(story.shown().await["nextRunAt"], "2026-04-25T17:00:00Z", "what passed meanwhile is no slot");
}

#[tokio::test]
async fn a_job_that_is_not_there_cannot_be_changed() {
    let story = Story::begin(&json!({})).await;
    let nothing = JobId(uuid::Uuid::nil());
    assert!(story.app.cp().enable_job(&admin(), nothing).await.is_err());
}
