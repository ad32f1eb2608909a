//! The events about jobs in the log, and who sees them.

use serde_json::{Value, json};

use super::{MINUTE, Story};
use crate::support::{Client, TestApp, admin};

/// The kinds of all events about jobs, oldest first.
async fn kinds(client: &Client) -> Vec<Value> {
    let log = client.data("{ events(first: 50) { nodes { kind } } }", &Value::Null).await;
    let nodes = log["events"]["nodes"].as_array().expect("events").clone();
    let kinds = nodes.into_iter().rev().map(|event| event["kind"].clone());
    kinds.filter(|kind| kind.as_str().is_some_and(|kind| kind.starts_with("JOB_"))).collect()
}

#[tokio::test]
async fn runs_and_slots_are_logged_for_administrators_and_jobs_for_their_customer() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let job = app.job(&agent, &json!({ "schedule": "* * * * *" })).await;
    let story = Story { app, agent, job };
    story.dispatch(MINUTE).await;
    story.run_through().await;
    story.app.cp().run_job(&admin(), story.job, None).await.expect("a start");
    let run = story.run().await;
    story.app.cp().cancel_job_run(&admin(), run).await.expect("a cancel");
    story.report(run, &json!({ "status": "cancelled" })).await;
    story.app.cp().delete_job(&admin(), story.job).await.expect("an end");
    let all = [
        "JOB_CREATED",
        "JOB_SLOT_DECIDED",
        "JOB_RUN_STARTED",
        "JOB_RUN_STATUS_CHANGED",
        "JOB_RUN_REQUESTED",
        "JOB_RUN_STARTED",
        "JOB_RUN_CANCEL_REQUESTED",
        "JOB_RUN_STATUS_CHANGED",
        "JOB_DELETED",
    ];
    assert_eq!(kinds(&story.app.admin().await).await, all);
    assert_eq!(kinds(&story.app.bearer(&customer.token)).await, ["JOB_CREATED", "JOB_DELETED"]);
}
