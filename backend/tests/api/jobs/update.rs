//! Tests of `PATCH /api/jobs/{id}`.

use rstest::rstest;
use serde_json::{Value, json};

use super::Story;
use crate::support::Answer;

async fn patch(story: &Story, body: &Value) -> Answer {
    story.app.admin().await.patch(&format!("/api/jobs/{}", story.job), body).await
}

#[tokio::test]
async fn what_is_left_out_stays_and_null_clears_only_the_retry() {
    let story = Story::begin(&json!({ "retry": { "maxAttempts": 2 } })).await;
    let before = story.shown().await;
    let answer = patch(&story, &json!({ "name": "Nightly", "agentId": story.agent.id, "unknown": 1 })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut expected = before;
    (expected["name"], expected["revision"]) = (json!("Nightly"), json!(2));
    assert_eq!(answer.body["data"]["job"], expected);
    let cleared = patch(&story, &json!({ "retry": null })).await.body["data"]["job"].clone();
    assert_eq!((&cleared["retry"], &cleared["revision"]), (&Value::Null, &json!(3)));
    assert_eq!(patch(&story, &json!({ "name": null, "schedule": null })).await.wrong_fields(), ["name", "schedule"]);
}

#[tokio::test]
async fn a_changed_rule_moves_the_next_slot_at_once() {
    let story = Story::begin(&json!({})).await;
    let next = |answer: Answer| answer.body["data"]["job"]["nextRunAt"].clone();
    assert_eq!(next(patch(&story, &json!({ "schedule": "30 2 * * *" })).await), "2026-04-26T02:30:00Z");
    assert_eq!(next(patch(&story, &json!({ "timezone": "Africa/Johannesburg" })).await), "2026-04-26T00:30:00Z");
    assert_eq!(next(patch(&story, &json!({ "enabled": false })).await), Value::Null);
    assert_eq!(next(patch(&story, &json!({ "enabled": true })).await), "2026-04-26T00:30:00Z");
}

#[tokio::test]
async fn a_patch_that_changes_nothing_is_no_change() {
    let story = Story::begin(&json!({})).await;
    let answer = patch(&story, &json!({ "name": "Hourly" })).await;
    assert_eq!((answer.status, &answer.body["data"]["job"]["revision"]), (200, &json!(1)));
}

#[rstest]
#[case(json!({ "agentId": "0199c1f0-6c00-7000-8000-000000000001" }), "agentId")]
#[case(json!({ "schedule": "61 * * * *" }), "schedule")]
#[case(json!({ "timezone": "UTC+2" }), "timezone")]
#[case(json!({ "sourcePath": "ftp://me:secret@host/" }), "sourcePath")]
#[tokio::test]
async fn what_a_job_cannot_become_is_refused(#[case] body: Value, #[case] field: &str) {
    let story = Story::begin(&json!({})).await;
    let answer = patch(&story, &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![field]), "{}", answer.body);
}

#[tokio::test]
async fn a_job_of_a_revoked_agent_is_disabled_and_stays_so() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(super::HOUR).await;
    let admin = story.app.admin().await;
    assert_eq!(admin.delete(&format!("/api/agents/{}", story.agent.id)).await.status, 200);
    assert_eq!((&story.shown().await["enabled"], &story.shown().await["nextRunAt"]), (&json!(false), &Value::Null));
    assert_eq!(story.slot_history().await, ["14:00 skipped"]);
    assert_eq!(patch(&story, &json!({ "enabled": true })).await.status, 409);
    assert_eq!(patch(&story, &json!({ "name": "Remembered" })).await.status, 200);
}
