//! Cancelling a pipeline run.

use backend::error::Error;
use serde_json::json;

use super::{Fixture, LINE, MINUTE, MOMENT, id, run_id, statuses, step};
use crate::support::{admin, customer_of};

#[tokio::test]
async fn what_has_not_begun_will_not_and_what_runs_ends_when_its_agent_says_so() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.says(&run, "fetch", "completed").await;
    fixture.says(&run, "check", "running").await;
    let cancelled = fixture.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    let cancelled = json!(cancelled);
    assert_eq!(
        (&cancelled["status"], &cancelled["cancelRequestedAt"]),
        (&json!("running"), &json!("2026-04-25T13:00:00Z"))
    );
    assert_eq!(statuses(&cancelled), ["completed", "running", "cancelled", "cancelled"]);
    assert_eq!(fixture.delivered().await, [("cancelStep".to_owned(), "check".to_owned())]);
    let again = json!(fixture.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("the same"));
    assert_eq!(again, cancelled, "twice is once");
    fixture.says(&run, "check", "cancelled").await;
    let ended = fixture.look(&run).await;
    assert_eq!((&ended["status"], &ended["errorMessage"]), (&json!("cancelled"), &json!(null)));
    assert!(fixture.delivered().await.is_empty());
    let late = fixture.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await;
    assert_eq!(late.expect_err("a conflict").to_string(), "a run that is cancelled cannot be cancelled");
}

#[tokio::test]
async fn a_cancel_that_its_agent_does_not_confirm_ends_at_the_lease() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.says(&run, "fetch", "running").await;
    fixture.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    fixture.look_after(MINUTE * 5 - MOMENT).await;
    assert_eq!(fixture.look(&run).await["status"], "running");
    fixture.look_after(MOMENT).await;
    let ended = fixture.look(&run).await;
    let said = "the agent did not confirm the cancel request within 5m";
    assert_eq!((&ended["status"], &step(&ended, "fetch")["errorMessage"]), (&json!("failed"), &json!(said)));
    assert_eq!(statuses(&ended), ["failed", "cancelled", "cancelled", "cancelled"]);
}

#[tokio::test]
async fn a_step_that_its_agent_had_not_fetched_ends_when_the_agent_acknowledges_the_cancel() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    fixture.acknowledge_all().await;
    let ended = fixture.look(&run).await;
    assert_eq!((&ended["status"], &ended["errorMessage"]), (&json!("cancelled"), &json!(null)));
    assert_eq!(statuses(&ended), ["cancelled"; 4]);
    assert!(fixture.delivered().await.is_empty());
    // An order that was still on its way to the agent comes too late.
    let late = fixture.report(&run, "fetch", &json!({ "status": "running", "attempt": 1 })).await;
    assert_eq!((late.status, fixture.look(&run).await), (409, ended));
}

#[tokio::test]
async fn acknowledging_the_stop_of_an_earlier_attempt_again_confirms_no_cancel() {
    let fixture = Fixture::new().await;
    let run = fixture.given_up().await;
    fixture.heartbeat(&json!({})).await;
    let stop = fixture.directives().await.remove(0);
    fixture.acknowledge(&stop).await;
    fixture.look_after(MINUTE).await;
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "transfer".to_owned())]);
    fixture.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    fixture.acknowledge(&stop).await;
    assert_eq!(fixture.look(&run).await["status"], "running");
    fixture.acknowledge_all().await;
    assert_eq!(fixture.look(&run).await["status"], "cancelled");
}

#[tokio::test]
async fn a_step_that_was_done_all_the_same_stays_done() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    fixture.says(&run, "fetch", "completed").await;
    let ended = fixture.look(&run).await;
    assert_eq!(statuses(&ended), ["completed", "cancelled", "cancelled", "cancelled"]);
    assert_eq!(ended["status"], "cancelled");
}

#[tokio::test]
async fn only_administrators_cancel() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let mine = fixture.app.cp().cancel_pipeline_run(&customer_of(&fixture.customer), run_id(&run)).await;
    assert!(matches!(mine, Err(Error::Forbidden(_))));
    let other_customer = customer_of(&fixture.app.customer("other").await);
    let foreign = fixture.app.cp().cancel_pipeline_run(&other_customer, run_id(&run)).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))), "{}", id(&run));
}
