//! Nothing waits for ever: agents that go away, are revoked or say nothing.

use backend::store::db::sql;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{HOUR, LINE, MINUTE, MOMENT, Place, run_id, statuses, step};
use crate::support::admin;

#[tokio::test]
async fn a_step_fails_when_its_agent_was_away_for_longer_than_the_lease() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    place.says(&run, "fetch", "running").await;
    place.heartbeat(&json!({ "status": "offline" })).await;
    place.look_after(MINUTE * 5 - MOMENT).await;
    assert_eq!(place.look(&run).await["status"], "running");
    place.look_after(MOMENT).await;
    let run = place.look(&run).await;
    assert_eq!(step(&run, "fetch")["errorMessage"], "the agent was offline for longer than 5m");
    assert_eq!(
        statuses(&run),
        ["failed", "skipped", "skipped", "queued"],
        "what waits for a failure waits for the agent"
    );
    place.look_after(MINUTE * 5).await;
    let run = place.look(&run).await;
    assert_eq!((&run["status"], &step(&run, "clean")["status"]), (&json!("failed"), &json!("failed")));
    assert_eq!(run["errorMessage"], "step `fetch` failed: the agent was offline for longer than 5m");
}

#[tokio::test]
async fn an_agent_that_comes_back_in_time_goes_on() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    place.heartbeat(&json!({ "status": "offline" })).await;
    place.look_after(MINUTE * 4).await;
    place.heartbeat(&json!({})).await;
    place.look_after(HOUR).await;
    assert_eq!(place.wishes().await, [("runStep".to_owned(), "fetch".to_owned())]);
    place.says(&run, "fetch", "completed").await;
    assert_eq!(place.wishes().await, [("runStep".to_owned(), "check".to_owned())]);
}

#[tokio::test]
async fn a_late_report_is_refused_with_the_reason_and_kept_as_an_event() {
    let place = Place::new().await;
    let run = place.run("source: /a\ndestination: /b\n").await;
    place.heartbeat(&json!({ "status": "offline" })).await;
    place.look_after(MINUTE * 5).await;
    let before = place.look(&run).await;
    assert_eq!(before["status"], "failed");
    let late = place.report(&run, "transfer", &json!({ "status": "completed" })).await;
    assert_eq!((late.status, &late.body["details"]), (409, &json!({ "reason": "lease" })));
    assert_eq!(place.look(&run).await, before);
    let again = place.report(&run, "transfer", &json!({ "status": "completed" })).await;
    assert_eq!((again.status, &again.body), (409, &late.body), "said again, it is logged once");
    let log: Vec<(String,)> = sql("SELECT kind FROM events WHERE object_id = $1 ORDER BY number")
        .bind(run_id(&run))
        .fetch_all(&place.app.app.db)
        .await
        .expect("the log");
    let kinds: Vec<&str> = log.iter().map(|(kind,)| kind.as_str()).collect();
    assert_eq!(kinds, ["pipelineRunCreated", "pipelineRunStatusChanged", "pipelineStepReportedLate"]);
}

#[tokio::test]
async fn the_next_attempt_waits_until_the_agent_is_heard_again_and_has_stopped_the_first() {
    let place = Place::new().await;
    let run = place.given_up().await;
    place.look_after(MINUTE).await;
    assert_eq!(place.wishes().await, [("cancelStep".to_owned(), "transfer".to_owned())]);
    place.heartbeat(&json!({})).await;
    place.look_after(TimeDelta::seconds(5)).await;
    assert_eq!(place.wishes().await, [("cancelStep".to_owned(), "transfer".to_owned())]);
    let directive = place.directives().await.remove(0);
    place.acknowledge(&directive).await;
    place.look_after(TimeDelta::seconds(5)).await;
    assert_eq!(place.wishes().await, [("runStep".to_owned(), "transfer".to_owned())]);
    assert_eq!(place.look(&run).await["steps"][0]["attempt"], 2);
}

#[tokio::test]
async fn the_steps_of_a_revoked_agent_fail_and_nobody_tries_again() {
    let place = Place::new().await;
    let run = place.run(&format!("{LINE}retry: {{ maxAttempts: 5 }}\n")).await;
    place.app.cp().revoke_agent(&admin(), place.agent.id).await.expect("an end");
    place.look_after(MOMENT).await;
    assert_eq!(step(&place.look(&run).await, "fetch")["status"], "failed");
    place.look_after(TimeDelta::seconds(5)).await;
    let run = place.look(&run).await;
    assert_eq!(
        (&run["status"], &run["errorMessage"]),
        (&json!("failed"), &json!("step `fetch` failed: the agent was revoked"))
    );
    assert!(statuses(&run).iter().all(|status| matches!(*status, "failed" | "skipped")), "{run}");
}

#[tokio::test]
async fn a_step_of_which_nothing_is_heard_ends_after_a_day() {
    let place = Place::new().await;
    let run = place.run("source: /a\ndestination: /b\n").await;
    place.says(&run, "transfer", "running").await;
    place.look_after(HOUR * 20).await;
    assert_eq!(place.report(&run, "transfer", &json!({ "bytesTransferred": 1 })).await.status, 200);
    place.look_after(HOUR * 24 - MOMENT).await;
    assert_eq!(place.look(&run).await["status"], "running", "the report was news");
    place.look_after(MOMENT).await;
    assert_eq!(place.look(&run).await["steps"][0]["errorMessage"], "nothing was heard of it for 1day");
}

#[tokio::test]
async fn the_progress_of_its_transfer_is_news_of_a_step() {
    let place = Place::new().await;
    let run = place.run("source: /a\ndestination: /b\n").await;
    let agent = place.app.key(&place.agent.key);
    let body = json!({
        "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local",
        "pipelineRunId": run["id"], "stepId": "transfer",
    });
    let transfer: Value = agent.post("/api/transfers", &body).await.body["data"]["transfer"].clone();
    let path = format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"));
    place.app.advance(HOUR * 23);
    assert_eq!(agent.patch(&path, &json!({ "status": "running", "bytesTransferred": 5 })).await.status, 200);
    place.look_after(HOUR * 2).await;
    assert_eq!(place.look(&run).await["status"], "running");
    place.look_after(HOUR * 22).await;
    assert_eq!(place.look(&run).await["status"], "failed");
}
