//! Continuing a failed run.

use backend::error::Error;
use serde_json::json;

use super::{Fixture, LINE, SMALL, run_id, statuses, step};
use crate::support::{admin, customer_of};

#[tokio::test]
async fn what_was_done_stays_done_and_the_rest_begins_anew() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.says(&run, "fetch", "completed").await;
    fixture.says(&run, "check", "failed").await;
    fixture.says(&run, "clean", "completed").await;
    assert_eq!(fixture.look(&run).await["status"], "failed");
    // The run keeps its version, whatever is current by now.
    fixture.put("daily", SMALL).await;
    let rerun = json!(fixture.app.cp().rerun_pipeline_run(&admin(), run_id(&run), None).await.expect("a run"));
    assert_eq!((&rerun["trigger"], &rerun["rerunOf"], &rerun["version"]), (&json!("rerun"), &run["id"], &json!(1)));
    assert_eq!(statuses(&rerun), ["completed", "queued", "queued", "queued"]);
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "check".to_owned())]);
    let done_before = fixture.report(&rerun, "fetch", &json!({ "status": "failed" })).await;
    assert_eq!(done_before.status, 404, "that one was sent by the run before");
    fixture.says(&rerun, "check", "completed").await;
    fixture.says(&rerun, "pack", "completed").await;
    let ended = fixture.look(&rerun).await;
    assert_eq!((&ended["status"], &step(&ended, "clean")["status"]), (&json!("completed"), &json!("skipped")));
    assert_eq!(fixture.look(&run).await["status"], "failed", "the first one stays what it was");
}

#[tokio::test]
async fn only_a_run_that_failed_or_was_cancelled_goes_on() {
    let fixture = Fixture::new().await;
    let run = fixture.run(SMALL).await;
    let cp = fixture.app.cp();
    let early = cp.rerun_pipeline_run(&admin(), run_id(&run), None).await.expect_err("a conflict");
    assert_eq!(
        early.to_string(),
        "a run that is running has no failed step to continue from: wait for its end, or cancel it"
    );
    fixture.says(&run, "transfer", "completed").await;
    let done = cp.rerun_pipeline_run(&admin(), run_id(&run), None).await.expect_err("a conflict");
    assert_eq!(done.to_string(), "a run that is completed has no failed step to continue from: start a new one");
    let mine = cp.rerun_pipeline_run(&customer_of(&fixture.customer), run_id(&run), None).await;
    assert!(matches!(mine, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_disabled_pipeline_goes_on_with_nothing() {
    let fixture = Fixture::new().await;
    let run = fixture.run(SMALL).await;
    fixture.says(&run, "transfer", "failed").await;
    fixture.user.patch("/api/pipelines/daily", &json!({ "enabled": false })).await;
    let refused = fixture.app.cp().rerun_pipeline_run(&admin(), run_id(&run), None).await.expect_err("a refusal");
    assert_eq!(refused.to_string(), "the pipeline is disabled: enable it first");
}
