//! Attention for jobs and pipelines.

use backend::{
    actor::Actor,
    model::{
        FromFields,
        pipeline::{UpdatePipeline, run::StartPipelineRun},
    },
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, SECOND, item_lines, items, items_of, run, with_agent};
use crate::support::{admin, customer_of};

/// A schedule that is not due in these tests.
fn yearly() -> Value {
    json!({ "name": "Nightly", "schedule": "0 0 1 1 *" })
}

/// A report that a run failed.
fn failed() -> Value {
    json!({ "status": "failed", "errorMessage": "cannot read /out/7.csv: gone" })
}

#[tokio::test]
async fn a_job_fails_until_a_run_succeeds_and_is_critical_after_three_failures() {
    let (app, customer, agent) = with_agent().await;
    let job = app.job(&agent, &yearly()).await;
    run(&app, &agent, job, MINUTE, &json!({ "status": "completed" })).await;
    let first = run(&app, &agent, job, MINUTE, &failed()).await;
    let found = items(&app).await;
    let summary = "The last run of the job `Nightly` failed: cannot read /out/7.csv: gone";
    assert_eq!(item_lines(&found), [format!("runFailed warning 1: {summary}")]);
    assert_eq!(
        json!([found[0]["since"], found[0]["cause"], found[0]["action"], found[0]["customerId"]]),
        json!(["2026-04-25T13:02:00Z", "cannot read …: gone", { "type": "runJob", "ids": [job] }, customer.id])
    );
    assert_eq!(
        found[0]["objects"],
        json!([
            { "type": "job", "id": job, "name": "Nightly" },
            { "type": "jobRun", "id": first, "name": "2026-04-25T13:01:00Z" },
        ])
    );
    for _ in 0..2 {
        run(&app, &agent, job, MINUTE, &failed()).await;
    }
    let found = items(&app).await;
    let summary = "The last 3 runs of the job `Nightly` failed: cannot read …: gone";
    assert_eq!(item_lines(&found), [format!("runFailed critical 3: {summary}")]);
    assert!(items_of(&app, &customer_of(&customer), SECOND).await.is_empty(), "customers do not see runs");
    run(&app, &agent, job, MINUTE, &json!({ "status": "completed" })).await;
    assert!(items(&app).await.is_empty());
}

#[tokio::test]
async fn a_job_that_is_disabled_needs_no_attention() {
    let (app, _, agent) = with_agent().await;
    let job = app.job(&agent, &yearly()).await;
    run(&app, &agent, job, MINUTE, &failed()).await;
    assert_eq!(items(&app).await.len(), 1);
    let admin = app.admin().await;
    assert_eq!(admin.patch(&format!("/api/jobs/{job}"), &json!({ "enabled": false })).await.status, 200);
    assert!(items(&app).await.is_empty());
}

#[tokio::test]
async fn a_pipeline_fails_until_a_run_succeeds() {
    let (app, customer, agent) = with_agent().await;
    let pipeline = app.pipeline(customer.id, "orders", "source: /a\ndestination: /b\n").await;
    let broken = app.run(pipeline).await;
    app.step(&agent, &broken, "transfer", &failed()).await;
    let found = items(&app).await;
    assert_eq!(json!([found[0]["kind"], found[0]["count"]]), json!(["runFailed", 1]));
    assert_eq!(found[0]["action"], json!({ "type": "rerunPipelineRun", "ids": [broken.id] }));
    let summary = found[0]["summary"].as_str().expect("a summary");
    assert!(summary.starts_with("The last run of the pipeline `A pipeline` failed: "), "{summary}");
    let good = app.run(pipeline).await;
    app.step(&agent, &good, "transfer", &json!({ "status": "completed" })).await;
    assert!(items(&app).await.is_empty());
}

#[tokio::test]
async fn runs_of_drafts_say_nothing_about_their_pipeline() {
    let (app, customer, agent) = with_agent().await;
    let yaml = "source: /a\ndestination: /b\n";
    let pipeline = app.pipeline(customer.id, "orders", yaml).await;
    let end = async |draft: Option<&str>, report: &Value| {
        let input = StartPipelineRun { yaml: draft.map(str::to_owned), ..StartPipelineRun::default() };
        let started = app.cp().run_pipeline(&Actor::System, &pipeline.into(), input, None).await.expect("a run");
        app.step(&agent, &started, "transfer", report).await;
        started.id
    };
    end(Some(yaml), &failed()).await;
    assert!(items(&app).await.is_empty(), "a draft has failed");
    let broken = end(None, &failed()).await;
    end(Some(yaml), &json!({ "status": "completed" })).await;
    let found = items(&app).await;
    assert_eq!(json!([found[0]["kind"], found[0]["count"]]), json!(["runFailed", 1]), "a draft has succeeded");
    assert_eq!(found[0]["action"], json!({ "type": "rerunPipelineRun", "ids": [broken] }));
}

#[tokio::test]
async fn a_job_is_late_five_minutes_after_its_slot_until_it_starts() {
    let (app, _, agent) = with_agent().await;
    let job = app.job(&agent, &json!({})).await;
    app.advance(HOUR);
    assert_eq!(app.cp().decide_due_slots().await.expect("slots are decided"), 1);
    assert!(items_of(&app, &admin(), MINUTE * 5).await.is_empty());
    let found = items(&app).await;
    let summary = "The job `Hourly` has not started since 2026-04-25T14:00:00Z";
    assert_eq!(item_lines(&found), [format!("runLate warning 1: {summary}")]);
    let started = app.key(&agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    assert!(items(&app).await.is_empty());
}

#[tokio::test]
async fn a_slot_that_no_server_decides_is_late_and_critical_after_an_hour() {
    let (app, _, agent) = with_agent().await;
    app.job(&agent, &json!({})).await;
    assert!(items_of(&app, &admin(), HOUR + MINUTE * 5).await.is_empty());
    assert_eq!(items(&app).await[0]["severity"], "warning");
    assert_eq!(items_of(&app, &admin(), HOUR).await[0]["severity"], "critical");
}

#[tokio::test]
async fn a_run_is_late_when_it_takes_longer_than_the_last_ones_did() {
    let (app, _, agent) = with_agent().await;
    let job = app.job(&agent, &yearly()).await;
    let completed = json!({ "status": "completed" });
    for _ in 0..4 {
        run(&app, &agent, job, MINUTE * 10, &completed).await;
    }
    let start = async || {
        let started = app.key(&agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
        assert_eq!(started.status, 201, "{}", started.body);
        started.body["data"]["run"]["id"].as_str().expect("an id").to_owned()
    };
    let fifth = start().await;
    assert!(items_of(&app, &admin(), HOUR * 2).await.is_empty(), "four runs do not say what is usual");
    let client = app.key(&agent.key);
    client.patch(&format!("/api/jobs/{job}/runs/{fifth}"), &json!({ "status": "failed" })).await;
    run(&app, &agent, job, MINUTE * 10, &completed).await;
    let slow = start().await;
    assert!(items_of(&app, &admin(), MINUTE * 15).await.is_empty());
    let found = items(&app).await;
    assert_eq!(item_lines(&found), ["runLate warning 1: A run of the job `Nightly` takes longer than usual"]);
    assert_eq!(found[0]["objects"][1]["id"], slow.as_str());
    client.patch(&format!("/api/jobs/{job}/runs/{slow}"), &completed).await;
    assert!(items(&app).await.is_empty());
}

#[tokio::test]
async fn a_run_of_a_pipeline_is_late_as_one_of_a_job_is() {
    let (app, customer, agent) = with_agent().await;
    let pipeline = app.pipeline(customer.id, "orders", "source: /a\ndestination: /b\n").await;
    let running = json!({ "status": "running" });
    for _ in 0..5 {
        let run = app.run(pipeline).await;
        app.step(&agent, &run, "transfer", &running).await;
        app.advance(MINUTE * 10);
        app.step(&agent, &run, "transfer", &json!({ "status": "completed" })).await;
    }
    let slow = app.run(pipeline).await;
    app.step(&agent, &slow, "transfer", &running).await;
    assert!(items_of(&app, &admin(), MINUTE * 15).await.is_empty());
    let found = items(&app).await;
    assert_eq!(item_lines(&found), ["runLate warning 1: A run of the pipeline `A pipeline` takes longer than usual"]);
    assert_eq!(found[0]["objects"][1]["id"], json!(slow.id));
}

#[tokio::test]
async fn missed_slots_are_shown_for_a_day() {
    let (app, customer, agent) = with_agent().await;
    let job = app.job(&agent, &json!({ "catchUp": "skip" })).await;
    let app = app.restarted(HOUR * 3 + MINUTE * 30).await;
    assert_eq!(app.cp().decide_due_slots().await.expect("slots are decided"), 1);
    let found = items(&app).await;
    assert_eq!(item_lines(&found), ["slotMissed warning 3: The job `Hourly` missed 3 scheduled times"]);
    assert_eq!(
        json!([found[0]["since"], found[0]["action"]]),
        json!(["2026-04-25T14:00:00Z", { "type": "runJob", "ids": [job] }])
    );
    assert!(items_of(&app, &customer_of(&customer), SECOND).await.is_empty(), "customers do not see slots");
    let later = items_of(&app, &admin(), TimeDelta::days(1)).await;
    assert!(later.iter().all(|item| item["kind"] != "slotMissed"), "{later:?}");
}

#[tokio::test]
async fn a_pipeline_is_shown_while_no_run_of_it_can_start() {
    let (app, customer, _) = with_agent().await;
    let slow = TimeDelta::seconds(31);
    let yaml = "source: /a\ndestination: /b\nagent: edge-2\n";
    let pipeline = app.pipeline(customer.id, "orders", yaml).await;
    let found = items(&app).await;
    assert_eq!(item_lines(&found), ["pipelineCannotRun warning 1: No run of the pipeline `A pipeline` can start"]);
    let cause = found[0]["cause"].as_str().expect("a cause");
    assert!(cause.contains("`edge-2`"), "{cause}");
    assert_eq!(found[0]["objects"], json!([{ "type": "pipeline", "id": pipeline, "name": "A pipeline" }]));
    assert!(items_of(&app, &customer_of(&customer), SECOND).await.is_empty());
    let agent = app.agent(customer.id, "edge-2").await;
    assert!(items_of(&app, &admin(), slow).await.is_empty());
    app.cp().revoke_agent(&Actor::System, agent.id).await.expect("a revocation");
    assert_eq!(items_of(&app, &admin(), slow).await.len(), 1);
    let disable = UpdatePipeline::read(json!({ "enabled": false }).as_object().cloned().unwrap_or_default());
    let disable = disable.expect("an input");
    app.cp().update_pipeline(&Actor::System, &pipeline.into(), disable).await.expect("a change");
    assert!(items_of(&app, &admin(), slow).await.is_empty());
}
