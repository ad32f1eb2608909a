//! Retrying a failed run.

use backend::error::Code;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Story};
use crate::support::admin;

const SECOND: TimeDelta = TimeDelta::seconds(1);

async fn sweep(story: &Story, after: TimeDelta) -> usize {
    story.app.advance(after);
    story.app.cp().retry_failed_runs().await.expect("a sweep")
}

fn retried() -> Value {
    json!({ "schedule": "0 14 * * *", "retry": { "maxAttempts": 3, "initialDelay": "30s", "factor": 4, "maxDelay": "1h" } })
}

#[tokio::test]
async fn a_failed_run_is_made_again_after_growing_delays_and_each_attempt_leads_to_the_one_before() {
    let story = Story::begin(&retried()).await;
    story.dispatch(HOUR).await;
    let first = story.run().await;
    story.report(first, &json!({ "status": "failed" })).await;
    assert_eq!((sweep(&story, SECOND * 29).await, sweep(&story, SECOND).await, sweep(&story, SECOND).await), (0, 1, 0));
    let start = story.starts().await.remove(0);
    assert_eq!((&start["payload"]["attempt"], &start["payload"]["retryOf"]), (&json!(2), &json!(first)));
    let second = story.run().await;
    let shown = story.history().await.remove(0);
    assert_eq!((&shown["attempt"], &shown["retryOf"]), (&json!(2), &json!(first)));
    assert_eq!(shown["scheduledFor"], "2026-04-25T14:00:00Z");
    story.report(second, &json!({ "status": "failed" })).await;
    assert_eq!((sweep(&story, SECOND * 119).await, sweep(&story, SECOND).await), (0, 1));
    let third = story.run().await;
    story.report(third, &json!({ "status": "failed" })).await;
    assert_eq!(sweep(&story, HOUR * 5).await, 0, "the third was the last");
}

#[tokio::test]
async fn a_cancelled_run_and_a_completed_one_are_not_made_again() {
    let story = Story::begin(&retried()).await;
    for status in ["cancelled", "completed"] {
        story.app.cp().run_job(&admin(), story.job, None).await.expect("a start");
        let run = story.run().await;
        story.report(run, &json!({ "status": status })).await;
    }
    assert_eq!(sweep(&story, HOUR).await, 0);
}

#[tokio::test]
async fn a_retry_after_a_lease_waits_for_a_heartbeat_and_for_the_end_of_the_run_on_the_agent() {
    let story = Story::begin(&retried()).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    story.heartbeat(&json!({ "status": "offline" })).await;
    story.app.advance(MINUTE * 6);
    assert_eq!(story.app.cp().end_run_leases().await.expect("a sweep"), 1);
    assert_eq!(sweep(&story, MINUTE).await, 0, "the agent is offline");
    story.heartbeat(&json!({})).await;
    assert_eq!(sweep(&story, SECOND).await, 0, "it may be at work on it");
    let agent = story.app.key(&story.agent.key);
    let open = agent.get("/api/agents/directives").await.body["data"]["directives"].clone();
    assert_eq!((&open[0]["type"], &open[0]["payload"]), (&json!("cancelJobRun"), &json!({ "runId": run })));
    let path = format!("/api/agents/directives/{}/ack", open[0]["id"].as_str().expect("an id"));
    assert_eq!(agent.send("POST", &path, None).await.status, 200);
    assert_eq!(sweep(&story, SECOND).await, 1);
    assert_eq!(story.starts().await[0]["payload"]["retryOf"], json!(run));
}

#[tokio::test]
async fn a_retry_waits_for_a_run_at_work() {
    let story = Story::begin(&retried()).await;
    story.dispatch(HOUR).await;
    let first = story.run().await;
    story.report(first, &json!({ "status": "failed" })).await;
    story.app.cp().run_job(&admin(), story.job, None).await.expect("a start");
    let second = story.run().await;
    assert_eq!(sweep(&story, MINUTE).await, 0);
    story.report(second, &json!({ "status": "completed" })).await;
    assert_eq!(sweep(&story, SECOND).await, 1);
}

#[tokio::test]
async fn a_user_may_request_another_attempt_once() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    let cp = story.app.cp();
    assert_eq!(cp.retry_job_run(&admin(), run).await.expect_err("it is at work").code(), Code::Conflict);
    story.report(run, &json!({ "status": "failed" })).await;
    cp.retry_job_run(&admin(), run).await.expect("a retry");
    assert_eq!(cp.retry_job_run(&admin(), run).await.expect_err("asked for already").code(), Code::Conflict);
    let again = story.run_through().await;
    assert_eq!(story.history().await[0]["retryOf"], json!(run));
    assert_eq!(cp.retry_job_run(&admin(), run).await.expect_err("made again already").code(), Code::Conflict);
    assert_eq!(cp.retry_job_run(&admin(), again).await.expect_err("it is completed").code(), Code::Conflict);
}
