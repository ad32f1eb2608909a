//! The fields `viewerCan…` of an object agree with what the mutations allow.

use backend::{actor::Actor, ids::JobId};
use rstest::rstest;
use serde_json::json;

use super::{of, transfer_after, two_customers_and_callers::COPY, with_agent};
use crate::support::{Client, TestApp, app::TestAgent};

const JOB: [&str; 6] =
    ["viewerCanBackfill", "viewerCanDelete", "viewerCanDisable", "viewerCanEnable", "viewerCanRun", "viewerCanUpdate"];

const PIPELINE: [&str; 6] = [
    "viewerCanDelete",
    "viewerCanDisable",
    "viewerCanEnable",
    "viewerCanRestoreVersion",
    "viewerCanRun",
    "viewerCanUpdate",
];

/// The values of these `viewerCan…` fields of the object.
async fn said<const N: usize>(viewer: &Client, query: &str, id: &impl ToString, fields: [&str; N]) -> [bool; N] {
    let question = format!("query ($id: ID!) {{ {query}(id: $id) {{ {} }} }}", fields.join(" "));
    let answer = viewer.data(&question, &of(id)).await;
    fields.map(|field| answer[query][field].as_bool().expect("true or false"))
}

/// Whether this mutation succeeds.
async fn is_done(viewer: &Client, mutation: &str, id: &impl ToString) -> bool {
    let question = format!("mutation ($id: ID!) {{ {mutation}(id: $id) {{ id }} }}");
    viewer.ask(&question, &of(id)).await.codes().is_empty()
}

#[rstest]
#[case::queued(None, [true, false])]
#[case::running(Some("running"), [true, false])]
#[case::completed(Some("completed"), [false, false])]
#[case::failed(Some("failed"), [false, true])]
#[case::cancelled(Some("cancelled"), [false, false])]
#[tokio::test]
async fn a_transfer_can_be_cancelled_and_retried_as_it_says(#[case] status: Option<&str>, #[case] expected: [bool; 2]) {
    let (app, _, agent, user) = with_agent().await;
    for viewer in [user, app.admin().await] {
        for (index, mutation) in ["cancelTransfer", "retryTransfer"].into_iter().enumerate() {
            let transfer = match status {
                Some(status) => transfer_after(&app, &agent, &json!({ "status": status })).await,
                None => app.transfer(&agent).await,
            };
            let id = transfer["id"].as_str().expect("an id");
            assert_eq!(said(&viewer, "transfer", &id, ["viewerCanCancel", "viewerCanRetry"]).await, expected);
            assert_eq!(is_done(&viewer, mutation, &id).await, expected[index], "{mutation}");
        }
    }
}

#[tokio::test]
async fn what_was_asked_to_end_offers_no_cancel() {
    let (app, customer, agent, user) = with_agent().await;
    let admin = app.admin().await;
    let transfer = transfer_after(&app, &agent, &json!({ "status": "running" })).await;
    let job_run = job_run(&app, &agent, "running").await.1;
    let pipeline_run = app.run(app.pipeline(customer.id, "orders", COPY).await).await;
    app.step(&agent, &pipeline_run, "transfer", &json!({ "status": "running" })).await;
    let (transfer, pipeline_run) = (transfer["id"].as_str().expect("an id").to_owned(), pipeline_run.id.to_string());
    let runs =
        [(&admin, "jobRun", "cancelJobRun", job_run), (&admin, "pipelineRun", "cancelPipelineRun", pipeline_run)];
    for (viewer, query, mutation, id) in [(&user, "transfer", "cancelTransfer", transfer)].into_iter().chain(runs) {
        assert_eq!(said(viewer, query, &id, ["viewerCanCancel"]).await, [true], "{query}");
        let question = format!("mutation ($id: ID!) {{ {mutation}(id: $id) {{ viewerCanCancel cancelRequestedAt }} }}");
        let answer = &viewer.data(&question, &of(&id)).await[mutation];
        assert!(answer["cancelRequestedAt"].is_string(), "{query}: {answer}");
        assert_eq!(answer["viewerCanCancel"], false, "{query}");
    }
}

#[tokio::test]
async fn a_transfer_of_a_revoked_agent_offers_no_retry() {
    let (app, _, agent, user) = with_agent().await;
    let transfer = transfer_after(&app, &agent, &json!({ "status": "failed" })).await;
    let id = transfer["id"].as_str().expect("an id");
    assert_eq!(said(&user, "transfer", &id, ["viewerCanRetry"]).await, [true]);
    app.cp().revoke_agent(&Actor::System, agent.id).await.expect("a revocation");
    assert_eq!(said(&user, "transfer", &id, ["viewerCanRetry"]).await, [false]);
    assert!(!is_done(&user, "retryTransfer", &id).await);
}

#[tokio::test]
async fn an_agent_can_be_revoked_and_get_a_new_key_by_its_owner() {
    let (app, _, agent, user) = with_agent().await;
    for viewer in [user, app.admin().await] {
        assert_eq!(said(&viewer, "agent", &agent.id, ["viewerCanRevoke", "viewerCanRotateKey"]).await, [true; 2]);
        assert!(is_done(&viewer, "requestKeyRotation", &agent.id).await);
    }
}

#[rstest]
#[case::enabled(true, [true, true, true, false, true, true])]
#[case::disabled(false, [false, true, false, true, false, true])]
#[tokio::test]
async fn a_job_offers_its_actions_to_administrators(#[case] is_enabled: bool, #[case] expected: [bool; 6]) {
    let (app, _, agent, user) = with_agent().await;
    let admin = app.admin().await;
    let job = app.job(&agent, &json!({ "enabled": is_enabled })).await;
    assert_eq!(said(&admin, "job", &job, JOB).await, expected);
    assert_eq!(said(&user, "job", &job, JOB).await, [false; 6]);
    for mutation in ["runJob", "disableJob", "enableJob"] {
        assert!(!is_done(&user, mutation, &job).await, "{mutation}");
    }
    assert_eq!(is_done(&admin, "runJob", &job).await, is_enabled);
}

#[tokio::test]
async fn a_job_of_a_revoked_agent_cannot_be_enabled() {
    let (app, _, agent, _) = with_agent().await;
    let (admin, job) = (app.admin().await, app.job(&agent, &json!({ "enabled": false })).await);
    app.cp().revoke_agent(&Actor::System, agent.id).await.expect("a revocation");
    assert_eq!(said(&admin, "job", &job, ["viewerCanEnable"]).await, [false]);
    assert!(!is_done(&admin, "enableJob", &job).await);
}

/// A job with a run with this status. Returns the id of the run.
async fn job_run(app: &TestApp, agent: &TestAgent, status: &str) -> (JobId, String) {
    let job = app.job(agent, &json!({})).await;
    let (key, path) = (app.key(&agent.key), format!("/api/jobs/{job}/runs"));
    let started = key.post(&path, &json!({})).await;
    let run = started.body["data"]["run"]["id"].as_str().expect("an id").to_owned();
    let reported = key.patch(&format!("{path}/{run}"), &json!({ "status": status })).await;
    assert_eq!(reported.status, 200, "{}", reported.body);
    (job, run)
}

#[rstest]
#[case::running("running", [true, false])]
#[case::completed("completed", [false, false])]
#[case::failed("failed", [false, true])]
#[case::cancelled("cancelled", [false, true])]
#[tokio::test]
async fn a_run_of_a_job_can_be_cancelled_and_retried_as_it_says(#[case] status: &str, #[case] expected: [bool; 2]) {
    let (app, _, agent, _) = with_agent().await;
    let admin = app.admin().await;
    for (index, mutation) in ["cancelJobRun", "retryJobRun"].into_iter().enumerate() {
        let (_, run) = job_run(&app, &agent, status).await;
        assert_eq!(said(&admin, "jobRun", &run, ["viewerCanCancel", "viewerCanRetry"]).await, expected);
        assert_eq!(is_done(&admin, mutation, &run).await, expected[index], "{mutation}");
    }
}

#[tokio::test]
async fn a_run_of_a_disabled_job_offers_no_retry() {
    let (app, _, agent, _) = with_agent().await;
    let admin = app.admin().await;
    let (job, run) = job_run(&app, &agent, "failed").await;
    assert!(is_done(&admin, "disableJob", &job).await);
    assert_eq!(said(&admin, "jobRun", &run, ["viewerCanRetry"]).await, [false]);
    assert!(!is_done(&admin, "retryJobRun", &run).await);
}

#[tokio::test]
async fn a_pipeline_offers_to_a_customer_what_they_may_do() {
    let (app, customer, _, user) = with_agent().await;
    let (admin, pipeline) = (app.admin().await, app.pipeline(customer.id, "orders", COPY).await);
    assert_eq!(said(&user, "pipeline", &pipeline, PIPELINE).await, [true, true, false, false, false, true]);
    assert_eq!(said(&admin, "pipeline", &pipeline, PIPELINE).await, [true, true, false, true, true, true]);
    assert!(!is_done(&user, "runPipeline", &pipeline).await);
    assert!(is_done(&admin, "runPipeline", &pipeline).await);
    let disable = "mutation ($id: ID!) { updatePipeline(id: $id, input: { enabled: false }) { enabled } }";
    user.data(disable, &of(&pipeline)).await;
    assert_eq!(said(&user, "pipeline", &pipeline, PIPELINE).await, [true, false, true, false, false, true]);
    assert_eq!(said(&admin, "pipeline", &pipeline, PIPELINE).await, [true, false, true, true, false, true]);
    assert!(!is_done(&admin, "runPipeline", &pipeline).await);
}

#[rstest]
#[case::running("running", [true, false])]
#[case::completed("completed", [false, false])]
#[case::failed("failed", [false, true])]
#[tokio::test]
async fn a_run_of_a_pipeline_can_be_cancelled_and_rerun_as_it_says(#[case] status: &str, #[case] expected: [bool; 2]) {
    let (app, customer, agent, _) = with_agent().await;
    let admin = app.admin().await;
    let pipeline = app.pipeline(customer.id, "orders", COPY).await;
    for (index, mutation) in ["cancelPipelineRun", "rerunPipelineRun"].into_iter().enumerate() {
        let run = app.run(pipeline).await;
        app.step(&agent, &run, "transfer", &json!({ "status": status })).await;
        assert_eq!(said(&admin, "pipelineRun", &run.id, ["viewerCanCancel", "viewerCanRerun"]).await, expected);
        assert_eq!(is_done(&admin, mutation, &run.id).await, expected[index], "{mutation}");
    }
}

#[tokio::test]
async fn a_run_of_a_disabled_pipeline_offers_no_rerun() {
    let (app, customer, agent, _) = with_agent().await;
    let (admin, pipeline) = (app.admin().await, app.pipeline(customer.id, "orders", COPY).await);
    let run = app.run(pipeline).await;
    app.step(&agent, &run, "transfer", &json!({ "status": "failed" })).await;
    let disable = "mutation ($id: ID!) { updatePipeline(id: $id, input: { enabled: false }) { enabled } }";
    admin.data(disable, &of(&pipeline)).await;
    assert_eq!(said(&admin, "pipelineRun", &run.id, ["viewerCanRerun"]).await, [false]);
    assert!(!is_done(&admin, "rerunPipelineRun", &run.id).await);
}
