//! Cancelling a run, and starting a run outside the schedule.

use backend::error::Code;
use serde_json::json;

use super::{HOUR, Story};
use crate::support::admin;

#[tokio::test]
async fn a_cancel_reaches_the_agent_and_is_confirmed_by_it() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    let asked = story.app.cp().cancel_job_run(&admin(), run).await.expect("a cancel");
    let shown = json!(asked);
    assert_eq!((&shown["cancelRequestedAt"], &shown["revision"]), (&json!("2026-04-25T14:00:00Z"), &json!(2)));
    let again = story.app.cp().cancel_job_run(&admin(), run).await.expect("the same again");
    assert_eq!(again, asked);
    let agent = story.app.key(&story.agent.key);
    let open = agent.get("/api/agents/directives").await.body["data"]["directives"].clone();
    assert_eq!(
        (&open[0]["type"], &open[0]["payload"], open.as_array().map(Vec::len)),
        (&json!("cancelJobRun"), &json!({ "runId": run }), Some(1))
    );
    let confirmed = story.report(run, &json!({ "status": "cancelled" })).await;
    assert_eq!(confirmed.body["data"]["run"]["status"], "cancelled");
    assert_eq!(agent.get("/api/agents/directives").await.body["data"]["directives"], json!([]));
    let late = story.app.cp().cancel_job_run(&admin(), run).await.expect_err("it has ended");
    assert_eq!(late.code(), Code::Conflict);
}

#[tokio::test]
async fn a_run_that_its_agent_is_not_at_ends_when_the_agent_acknowledges_the_cancel() {
    let story = Story::begin(&json!({ "retry": { "maxAttempts": 3 } })).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    story.app.cp().cancel_job_run(&admin(), run).await.expect("a cancel");
    let agent = story.app.key(&story.agent.key);
    let open = agent.get("/api/agents/directives").await.body["data"]["directives"].clone();
    let path = format!("/api/agents/directives/{}/ack", open[0]["id"].as_str().expect("an id"));
    for _ in 0..2 {
        assert_eq!(agent.send("POST", &path, None).await.status, 200);
        let ended = story.history().await.remove(0);
        assert_eq!(
            (&ended["status"], &ended["completedAt"], &ended["revision"]),
            (&json!("cancelled"), &json!("2026-04-25T14:00:00Z"), &json!(3))
        );
    }
    assert_eq!(story.report(run, &json!({ "status": "completed" })).await.status, 409);
}

#[tokio::test]
async fn run_now_starts_a_job_beside_its_schedule() {
    let story = Story::begin(&json!({})).await;
    story.app.cp().run_job(&admin(), story.job, None).await.expect("a start");
    let start = story.starts().await.remove(0);
    assert_eq!(start["payload"]["scheduledFor"], json!(null));
    let twice = story.app.cp().run_job(&admin(), story.job, None).await.expect_err("one waits already");
    assert_eq!(twice.code(), Code::Conflict);
    let run = story.run().await;
    assert_eq!(story.history().await[0]["id"], json!(run));
    assert!(story.slot_history().await.is_empty(), "it is no slot");
}

#[tokio::test]
async fn a_disabled_job_is_not_run_now() {
    let story = Story::begin(&json!({ "enabled": false })).await;
    let refused = story.app.cp().run_job(&admin(), story.job, None).await.expect_err("disabled");
    assert_eq!(refused.code(), Code::Invalid);
}
