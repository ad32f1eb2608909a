//! The end of a run that somebody wishes.

use backend::error::Error;
use serde_json::json;

use super::{LINE, MINUTE, MOMENT, Place, id, run_id, statuses, step};
use crate::support::{admin, customer_of};

#[tokio::test]
async fn what_has_not_begun_will_not_and_what_runs_ends_when_its_agent_says_so() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    place.says(&run, "fetch", "completed").await;
    place.says(&run, "check", "running").await;
    let cancelled = place.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    let cancelled = json!(cancelled);
    assert_eq!(
        (&cancelled["status"], &cancelled["cancelRequestedAt"]),
        (&json!("running"), &json!("2026-04-25T13:00:00Z"))
    );
    assert_eq!(statuses(&cancelled), ["completed", "running", "cancelled", "cancelled"]);
    assert_eq!(place.wishes().await, [("cancelStep".to_owned(), "check".to_owned())]);
    let again = json!(place.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("the same"));
    assert_eq!(again, cancelled, "twice is once");
    place.says(&run, "check", "cancelled").await;
    let ended = place.look(&run).await;
    assert_eq!((&ended["status"], &ended["errorMessage"]), (&json!("cancelled"), &json!(null)));
    assert!(place.wishes().await.is_empty());
    let late = place.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await;
    assert_eq!(late.expect_err("a conflict").to_string(), "a run that is cancelled cannot be cancelled");
}

#[tokio::test]
async fn a_cancel_that_its_agent_does_not_confirm_ends_at_the_lease() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    place.says(&run, "fetch", "running").await;
    place.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    place.look_after(MINUTE * 5 - MOMENT).await;
    assert_eq!(place.look(&run).await["status"], "running");
    place.look_after(MOMENT).await;
    let ended = place.look(&run).await;
    let said = "the agent did not confirm the cancel within 5m";
    assert_eq!((&ended["status"], &step(&ended, "fetch")["errorMessage"]), (&json!("failed"), &json!(said)));
    assert_eq!(statuses(&ended), ["failed", "cancelled", "cancelled", "cancelled"]);
}

#[tokio::test]
async fn a_step_that_its_agent_had_not_fetched_ends_when_the_agent_acknowledges_the_cancel() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    place.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    place.acknowledge_all().await;
    let ended = place.look(&run).await;
    assert_eq!((&ended["status"], &ended["errorMessage"]), (&json!("cancelled"), &json!(null)));
    assert_eq!(statuses(&ended), ["cancelled"; 4]);
    assert!(place.wishes().await.is_empty());
    // An order that was still on its way to the agent comes too late.
    let late = place.report(&run, "fetch", &json!({ "status": "running", "attempt": 1 })).await;
    assert_eq!((late.status, place.look(&run).await), (409, ended));
}

#[tokio::test]
async fn acknowledging_the_stop_of_an_earlier_attempt_again_confirms_no_cancel() {
    let place = Place::new().await;
    let run = place.given_up().await;
    place.heartbeat(&json!({})).await;
    let stop = place.directives().await.remove(0);
    place.acknowledge(&stop).await;
    place.look_after(MINUTE).await;
    assert_eq!(place.wishes().await, [("runStep".to_owned(), "transfer".to_owned())]);
    place.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    place.acknowledge(&stop).await;
    assert_eq!(place.look(&run).await["status"], "running");
    place.acknowledge_all().await;
    assert_eq!(place.look(&run).await["status"], "cancelled");
}

#[tokio::test]
async fn a_step_that_was_done_all_the_same_stays_done() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    place.app.cp().cancel_pipeline_run(&admin(), run_id(&run)).await.expect("a cancel");
    place.says(&run, "fetch", "completed").await;
    let ended = place.look(&run).await;
    assert_eq!(statuses(&ended), ["completed", "cancelled", "cancelled", "cancelled"]);
    assert_eq!(ended["status"], "cancelled");
}

#[tokio::test]
async fn only_administrators_cancel() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    let mine = place.app.cp().cancel_pipeline_run(&customer_of(&place.customer), run_id(&run)).await;
    assert!(matches!(mine, Err(Error::Forbidden(_))));
    let stranger = customer_of(&place.app.customer("other").await);
    let foreign = place.app.cp().cancel_pipeline_run(&stranger, run_id(&run)).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))), "{}", id(&run));
}
