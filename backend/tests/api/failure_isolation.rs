//! What cannot be read or added up fails alone: other agents, transfers, runs and pages go on.

use backend::store::db::{Sql, sql};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{TestApp, admin, app::TestAgent};

const HOUR: TimeDelta = TimeDelta::hours(1);

/// Writes data to the database that the API does not accept, or accepts no more.
async fn write(app: &TestApp, statement: Sql) {
    let mut tx = app.app.db.begin().await.expect("a transaction");
    assert!(statement.execute(&mut tx).await.expect("a statement") > 0, "nothing was written");
    tx.commit().await.expect("a commit");
}

async fn agent(app: &TestApp, customer: &str) -> TestAgent {
    app.agent(app.customer(customer).await.id, "edge-1").await
}

async fn starts(app: &TestApp, agent: &TestAgent) -> Vec<Value> {
    let answer = app.key(&agent.key).get("/api/agents/directives").await;
    answer.body["data"]["directives"].as_array().expect("directives").clone()
}

async fn patch(app: &TestApp, agent: &TestAgent, transfer: &Value, body: &Value) {
    let path = format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"));
    let answer = app.key(&agent.key).patch(&path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// A started run of an hourly job, with this many completed transfers.
async fn run_with_transfers(app: &TestApp, agent: &TestAgent, count: usize, size: i64) -> String {
    let job = app.job(agent, &json!({})).await;
    let answer = app.key(&agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
    let run = answer.body["data"]["run"]["id"].as_str().expect("a run").to_owned();
    for _ in 0..count {
        let body = json!({
            "sourceUrl": "/out/a", "destinationPath": "/in/a", "direction": "pull", "protocol": "local", "size": size,
            "jobRunId": run,
        });
        let transfer = app.key(&agent.key).post("/api/transfers", &body).await;
        patch(app, agent, &transfer.body["data"]["transfer"], &json!({ "status": "completed" })).await;
    }
    format!("/api/jobs/{job}/runs/{run}")
}

#[tokio::test]
async fn bytes_that_no_sum_holds_let_their_run_end_and_the_sweep_go_on() {
    let app = TestApp::start().await;
    let (large, other) = (agent(&app, "acme").await, agent(&app, "other").await);
    // Eight times the most that may be reported is more than 64 bits hold.
    let path = run_with_transfers(&app, &large, 9, 1 << 60).await;
    run_with_transfers(&app, &other, 1, 1000).await;
    let answer = app.key(&large.key).patch(&path, &json!({ "status": "completed" })).await;
    assert_eq!((answer.status, &answer.body["data"]["run"]["bytesTransferred"]), (200, &json!(i64::MAX)));
    let silent = run_with_transfers(&app, &large, 9, 1 << 60).await;
    // What an earlier version let in.
    write(&app, sql("UPDATE transfers SET bytes_transferred = 9223372036854775807 WHERE bytes_transferred > 1000"))
        .await;
    app.advance(TimeDelta::seconds(61));
    assert_eq!(app.cp().follow_transfers().await.expect("a sweep"), 2, "the run of the others, too");
    let runs = app.admin().await.get(silent.rsplit_once('/').expect("a path").0).await;
    assert_eq!(runs.body["data"]["runs"][0]["bytesTransferred"], i64::MAX);
}

#[tokio::test]
async fn speeds_whose_sum_overflows_leave_the_totals_of_the_fleet_as_they_are() {
    let app = TestApp::start().await;
    let wild = agent(&app, "acme").await;
    for _ in 0..3 {
        let transfer = app.transfer(&wild).await;
        patch(&app, &wild, &transfer, &json!({ "status": "running", "speed": 1e15 })).await;
    }
    let fleet = async || app.admin().await.data("{ fleet { bytesPerSecond } }", &Value::Null).await["fleet"].clone();
    assert_eq!(fleet().await, json!({ "bytesPerSecond": 3e15 }));
    write(&app, sql("UPDATE transfers SET speed = 1.7e308")).await;
    assert_eq!(fleet().await, json!({ "bytesPerSecond": 3e15 }));
}

#[tokio::test]
async fn an_agent_that_cannot_be_read_keeps_no_other_from_being_declared_offline() {
    let app = TestApp::start().await;
    let (broken, silent) = (agent(&app, "acme").await, agent(&app, "other").await);
    write(&app, sql("UPDATE agents SET os = 'plan9' WHERE id = $1").bind(broken.id)).await;
    app.advance(TimeDelta::seconds(91));
    assert_eq!(app.cp().mark_silent_agents_offline().await.expect("a sweep"), 1);
    let shown = app.cp().get_agent(&admin(), silent.id).await.expect("an agent");
    assert_eq!(json!(shown.agent.status), "offline");
}

#[tokio::test]
async fn a_transfer_that_cannot_be_read_keeps_no_other_from_stalling_or_from_losing_its_lease() {
    let app = TestApp::start().await;
    let (broken, silent) = (agent(&app, "acme").await, agent(&app, "other").await);
    for agent in [&broken, &silent] {
        let transfer = app.transfer(agent).await;
        patch(&app, agent, &transfer, &json!({ "status": "running" })).await;
    }
    write(&app, sql("UPDATE transfers SET protocol = 'smoke' WHERE agent_id = $1").bind(broken.id)).await;
    app.advance(HOUR);
    assert_eq!(app.cp().mark_stalled_transfers().await.expect("a sweep"), 1);
    assert_eq!(app.cp().mark_silent_agents_offline().await.expect("a sweep"), 2);
    app.advance(HOUR);
    assert_eq!(app.cp().end_leases().await.expect("a sweep"), 1);
}

#[tokio::test]
async fn a_report_that_cannot_be_written_fails_alone_in_its_batch() {
    let app = TestApp::start().await;
    let (broken, other) = (agent(&app, "acme").await, agent(&app, "other").await);
    let transfers = [app.transfer(&broken).await, app.transfer(&other).await, app.transfer(&other).await];
    write(&app, sql("UPDATE transfers SET protocol = 'smoke' WHERE agent_id = $1").bind(broken.id)).await;
    let report = async |agent: &TestAgent, transfer: &Value| {
        let path = format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"));
        app.key(&agent.key).patch(&path, &json!({ "status": "running", "progress": 5 })).await.status
    };
    // Each waits in the queue before the writer looks into it.
    let [first, second, third] = &transfers;
    let statuses = tokio::join!(report(&other, second), report(&broken, first), report(&other, third));
    assert_eq!(statuses, (200, 500, 200));
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_keeps_no_other_slot_from_its_decision() {
    let app = TestApp::start().await;
    let (broken, other) = (agent(&app, "acme").await, agent(&app, "other").await);
    let job = app.job(&broken, &json!({})).await;
    app.job(&other, &json!({})).await;
    write(&app, sql("UPDATE schedules SET overlap = 'sometimes' WHERE owner_id = $1").bind(job)).await;
    app.advance(HOUR);
    assert_eq!(app.cp().decide_due_slots().await.expect("slots are decided"), 1);
    assert_eq!((starts(&app, &broken).await.len(), starts(&app, &other).await.len()), (0, 1));
    assert_eq!(app.cp().decide_due_slots().await.expect("it stays due"), 0);
}

#[tokio::test]
async fn a_run_of_a_pipeline_that_cannot_be_read_keeps_no_other_from_going_on() {
    const YAML: &str = "timeout: 10m\nsource: /data/out/orders.csv\ndestination: /data/in/\n";
    let app = TestApp::start().await;
    let mut runs = Vec::new();
    for name in ["acme", "other"] {
        let customer = app.customer(name).await;
        app.agent(customer.id, "edge-1").await;
        runs.push(app.run(app.pipeline(customer.id, "daily", YAML).await).await);
    }
    write(&app, sql("DELETE FROM pipeline_steps WHERE run_id = $1").bind(runs[0].id)).await;
    app.advance(HOUR);
    app.app.cp.advance_pipeline_runs().await.expect("a look");
    let found = app.cp().get_pipeline_run(&admin(), runs[1].id).await.expect("a run");
    assert_eq!(json!(found.status), "failed", "it took longer than its timeout");
}

#[tokio::test]
async fn runs_that_wait_for_an_agent_that_is_away_keep_no_other_from_its_next_attempt() {
    let app = TestApp::start().await;
    let (away, there) = (agent(&app, "acme").await, agent(&app, "other").await);
    let retry = json!({ "retry": { "maxAttempts": 2, "initialDelay": "1s" } });
    for agent in [&away, &there] {
        let job = app.job(agent, &retry).await;
        let run = app.key(&agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
        let path = format!("/api/jobs/{job}/runs/{}", run.body["data"]["run"]["id"].as_str().expect("a run"));
        assert_eq!(app.key(&agent.key).patch(&path, &json!({ "status": "failed" })).await.status, 200);
    }
    app.key(&away.key).post("/api/agents/heartbeat", &json!({ "status": "offline" })).await;
    app.advance(TimeDelta::seconds(2));
    assert_eq!(app.cp().retry_failed_runs().await.expect("a sweep"), 1);
    assert_eq!((starts(&app, &away).await.len(), starts(&app, &there).await.len()), (0, 1));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_no_other_from_its_page() {
    let app = TestApp::start().await;
    let (broken, other) = (agent(&app, "acme").await, agent(&app, "other").await);
    for agent in [&broken, &other] {
        app.transfer(agent).await;
        let job = app.job(agent, &json!({})).await;
        app.key(&agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
    }
    for text in [
        "UPDATE transfers SET protocol = 'smoke' WHERE agent_id = $1",
        "UPDATE jobs SET direction = 'sideways' WHERE agent_id = $1",
        "UPDATE agents SET os = 'plan9' WHERE id = $1",
    ] {
        write(&app, sql(text).bind(broken.id)).await;
    }
    let admin = app.admin().await;
    for (path, list) in [("/api/agents", "agents"), ("/api/transfers", "transfers"), ("/api/jobs", "jobs")] {
        let page = admin.get(path).await;
        let shown = page.body["data"][list].as_array().map(Vec::len);
        assert_eq!((page.status, shown), (200, Some(1)), "{path}: {}", page.body);
    }
}
