//! Going on from where a run failed.

use backend::error::Error;
use serde_json::json;

use super::{LINE, Place, SMALL, run_id, statuses, step};
use crate::support::{admin, customer_of};

#[tokio::test]
async fn what_was_done_stays_done_and_the_rest_begins_anew() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    place.says(&run, "fetch", "completed").await;
    place.says(&run, "check", "failed").await;
    place.says(&run, "clean", "completed").await;
    assert_eq!(place.look(&run).await["status"], "failed");
    // The run keeps its version, whatever is current by now.
    place.put("daily", SMALL).await;
    let rerun = json!(place.app.cp().rerun_pipeline_run(&admin(), run_id(&run), None).await.expect("a run"));
    assert_eq!((&rerun["trigger"], &rerun["rerunOf"], &rerun["version"]), (&json!("rerun"), &run["id"], &json!(1)));
    assert_eq!(statuses(&rerun), ["completed", "queued", "queued", "queued"]);
    assert_eq!(place.wishes().await, [("runStep".to_owned(), "check".to_owned())]);
    let done_before = place.report(&rerun, "fetch", &json!({ "status": "failed" })).await;
    assert_eq!(done_before.status, 404, "that one was sent by the run before");
    place.says(&rerun, "check", "completed").await;
    place.says(&rerun, "pack", "completed").await;
    let ended = place.look(&rerun).await;
    assert_eq!((&ended["status"], &step(&ended, "clean")["status"]), (&json!("completed"), &json!("skipped")));
    assert_eq!(place.look(&run).await["status"], "failed", "the first one stays what it was");
}

#[tokio::test]
async fn only_a_run_that_failed_or_was_cancelled_goes_on() {
    let place = Place::new().await;
    let run = place.run(SMALL).await;
    let cp = place.app.cp();
    let early = cp.rerun_pipeline_run(&admin(), run_id(&run), None).await.expect_err("a conflict");
    assert_eq!(
        early.to_string(),
        "a run that is running has no failed step to go on from: wait for its end, or cancel it"
    );
    place.says(&run, "transfer", "completed").await;
    let done = cp.rerun_pipeline_run(&admin(), run_id(&run), None).await.expect_err("a conflict");
    assert_eq!(done.to_string(), "a run that is completed has no failed step to go on from: start a new one");
    let mine = cp.rerun_pipeline_run(&customer_of(&place.customer), run_id(&run), None).await;
    assert!(matches!(mine, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_disabled_pipeline_goes_on_with_nothing() {
    let place = Place::new().await;
    let run = place.run(SMALL).await;
    place.says(&run, "transfer", "failed").await;
    place.user.patch("/api/pipelines/daily", &json!({ "enabled": false })).await;
    let refused = place.app.cp().rerun_pipeline_run(&admin(), run_id(&run), None).await.expect_err("a refusal");
    assert_eq!(refused.to_string(), "the pipeline is disabled: enable it first");
}
