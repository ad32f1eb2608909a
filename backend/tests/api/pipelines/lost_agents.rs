//! Every wait ends: agents that go offline, are revoked or send no reports.

use backend::store::db::sql;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Fixture, HOUR, LINE, MINUTE, MOMENT, run_id, statuses, step};
use crate::support::admin;

#[tokio::test]
async fn a_step_fails_when_its_agent_was_away_for_longer_than_the_lease() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.says(&run, "fetch", "running").await;
    fixture.heartbeat(&json!({ "status": "offline" })).await;
    fixture.look_after(MINUTE * 5 - MOMENT).await;
    assert_eq!(fixture.look(&run).await["status"], "running");
    fixture.look_after(MOMENT).await;
    let run = fixture.look(&run).await;
    assert_eq!(step(&run, "fetch")["errorMessage"], "the agent was offline for longer than 5m");
    assert_eq!(
        statuses(&run),
        ["failed", "skipped", "skipped", "queued"],
        "what waits for a failure waits for the agent"
    );
    fixture.look_after(MINUTE * 5).await;
    let run = fixture.look(&run).await;
    assert_eq!((&run["status"], &step(&run, "clean")["status"]), (&json!("failed"), &json!("failed")));
    assert_eq!(run["errorMessage"], "step `fetch` failed: the agent was offline for longer than 5m");
}

#[tokio::test]
async fn an_agent_that_comes_back_in_time_goes_on() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.heartbeat(&json!({ "status": "offline" })).await;
    fixture.look_after(MINUTE * 4).await;
    fixture.heartbeat(&json!({})).await;
    fixture.look_after(HOUR).await;
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "fetch".to_owned())]);
    fixture.says(&run, "fetch", "completed").await;
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "check".to_owned())]);
}

#[tokio::test]
async fn a_late_report_is_refused_with_the_reason_and_kept_as_an_event() {
    let fixture = Fixture::new().await;
    let run = fixture.run("source: /a\ndestination: /b\n").await;
    fixture.heartbeat(&json!({ "status": "offline" })).await;
    fixture.look_after(MINUTE * 5).await;
    let before = fixture.look(&run).await;
    assert_eq!(before["status"], "failed");
    let late = fixture.report(&run, "transfer", &json!({ "status": "completed" })).await;
    assert_eq!((late.status, &late.body["details"]), (409, &json!({ "reason": "lease" })));
    assert_eq!(fixture.look(&run).await, before);
    let again = fixture.report(&run, "transfer", &json!({ "status": "completed" })).await;
    assert_eq!((again.status, &again.body), (409, &late.body), "said again, it is logged once");
    let log: Vec<(String,)> = sql("SELECT kind FROM events WHERE object_id = $1 ORDER BY number")
        .bind(run_id(&run))
        .fetch_all(&fixture.app.app.db)
        .await
        .expect("the log");
    let kinds: Vec<&str> = log.iter().map(|(kind,)| kind.as_str()).collect();
    assert_eq!(kinds, ["pipelineRunCreated", "pipelineRunStatusChanged", "pipelineStepReportedLate"]);
}

#[tokio::test]
async fn the_next_attempt_waits_until_the_agent_is_back_and_has_stopped_the_first() {
    let fixture = Fixture::new().await;
    let run = fixture.given_up().await;
    fixture.look_after(MINUTE).await;
    assert_eq!(fixture.delivered().await, [("cancelStep".to_owned(), "transfer".to_owned())]);
    fixture.heartbeat(&json!({})).await;
    fixture.look_after(TimeDelta::seconds(5)).await;
    assert_eq!(fixture.delivered().await, [("cancelStep".to_owned(), "transfer".to_owned())]);
    let directive = fixture.directives().await.remove(0);
    fixture.acknowledge(&directive).await;
    fixture.look_after(TimeDelta::seconds(5)).await;
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "transfer".to_owned())]);
    assert_eq!(fixture.look(&run).await["steps"][0]["attempt"], 2);
}

#[tokio::test]
async fn the_steps_of_a_revoked_agent_fail_and_are_not_retried() {
    let fixture = Fixture::new().await;
    let run = fixture.run(&format!("{LINE}retry: {{ maxAttempts: 5 }}\n")).await;
    fixture.app.cp().revoke_agent(&admin(), fixture.agent.id).await.expect("an end");
    fixture.look_after(MOMENT).await;
    assert_eq!(step(&fixture.look(&run).await, "fetch")["status"], "failed");
    fixture.look_after(TimeDelta::seconds(5)).await;
    let run = fixture.look(&run).await;
    assert_eq!(
        (&run["status"], &run["errorMessage"]),
        (&json!("failed"), &json!("step `fetch` failed: the agent was revoked"))
    );
    assert!(statuses(&run).iter().all(|status| matches!(*status, "failed" | "skipped")), "{run}");
}

#[tokio::test]
async fn a_step_without_reports_ends_after_a_day() {
    let fixture = Fixture::new().await;
    let run = fixture.run("source: /a\ndestination: /b\n").await;
    fixture.says(&run, "transfer", "running").await;
    fixture.look_after(HOUR * 20).await;
    assert_eq!(fixture.report(&run, "transfer", &json!({ "bytesTransferred": 1 })).await.status, 200);
    fixture.look_after(HOUR * 24 - MOMENT).await;
    assert_eq!(fixture.look(&run).await["status"], "running", "the report was news");
    fixture.look_after(MOMENT).await;
    assert_eq!(fixture.look(&run).await["steps"][0]["errorMessage"], "no report about it arrived for 1day");
}

#[tokio::test]
async fn the_progress_of_its_transfer_counts_as_a_report_about_a_step() {
    let fixture = Fixture::new().await;
    let run = fixture.run("source: /a\ndestination: /b\n").await;
    let agent = fixture.app.key(&fixture.agent.key);
    let body = json!({
        "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local",
        "pipelineRunId": run["id"], "stepId": "transfer",
    });
    let transfer: Value = agent.post("/api/transfers", &body).await.body["data"]["transfer"].clone();
    let path = format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"));
    fixture.app.advance(HOUR * 23);
    assert_eq!(agent.patch(&path, &json!({ "status": "running", "bytesTransferred": 5 })).await.status, 200);
    fixture.look_after(HOUR * 2).await;
    assert_eq!(fixture.look(&run).await["status"], "running");
    fixture.look_after(HOUR * 22).await;
    assert_eq!(fixture.look(&run).await["status"], "failed");
}
