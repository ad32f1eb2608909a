//! The clock of the machine is set to a right or wrong time while the server runs.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{TestApp, app::TestAgent};

const YEAR: TimeDelta = TimeDelta::days(400);
const MINUTE: TimeDelta = TimeDelta::seconds(61);

async fn heartbeat(app: &TestApp, agent: &TestAgent) -> Value {
    let answer = app.key(&agent.key).post("/api/agents/heartbeat", &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["agent"]["lastHeartbeat"].clone()
}

async fn next_run(app: &TestApp) -> Value {
    let jobs = app.admin().await.get("/api/jobs").await;
    jobs.body["data"]["jobs"][0]["nextRunAt"].clone()
}

/// Runs all background tasks that depend on the time.
async fn sweep(app: &TestApp) -> usize {
    let cp = app.cp();
    cp.handle_clock_jumps().await.expect("a look");
    cp.decide_due_slots().await.expect("slots are decided")
        + cp.mark_silent_agents_offline().await.expect("a sweep")
        + cp.mark_stalled_transfers().await.expect("a sweep")
        + cp.end_leases().await.expect("a sweep")
        + cp.end_run_leases().await.expect("a sweep")
        + usize::try_from(cp.purge().await.expect("a purge")).expect("a number")
}

#[tokio::test]
async fn a_clock_that_is_wrong_for_some_seconds_moves_nothing() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    app.job(&agent, &json!({})).await;
    let transfer = app.transfer(&agent).await;
    let path = format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"));
    app.key(&agent.key).patch(&path, &json!({ "status": "running" })).await;
    app.advance(TimeDelta::seconds(91));
    heartbeat(&app, &agent).await;
    app.key(&agent.key).patch(&path, &json!({ "bytesTransferred": 1 })).await;
    for ahead in [YEAR, -YEAR] {
        app.clock.jump(ahead);
        app.advance(TimeDelta::seconds(5));
        assert_eq!(sweep(&app).await, 0);
        app.clock.jump(-ahead);
        assert_eq!(sweep(&app).await, 0);
    }
    app.clock.jump(YEAR);
    assert_eq!(heartbeat(&app, &agent).await, "2026-04-25T13:01:41Z");
    app.clock.jump(-YEAR);
    assert_eq!(next_run(&app).await, "2026-04-25T14:00:00Z");
    app.advance(TimeDelta::seconds(91));
    assert_eq!(app.cp().mark_silent_agents_offline().await.expect("a sweep"), 1, "nothing is ahead of the present");
}

#[tokio::test]
async fn what_a_wrong_clock_has_left_behind_is_set_right_with_the_clock() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    app.job(&agent, &json!({ "catchUp": "skip" })).await;
    app.clock.jump(YEAR);
    heartbeat(&app, &agent).await;
    app.advance(MINUTE);
    assert_eq!(heartbeat(&app, &agent).await, "2027-05-30T13:01:01Z", "a clock that goes on is believed");
    app.cp().handle_clock_jumps().await.expect("a look");
    assert_eq!(app.cp().decide_due_slots().await.expect("slots are decided"), 1);
    assert_eq!(next_run(&app).await, "2027-05-30T14:00:00Z");
    let token = app.customer("late").await.token;
    assert_eq!(app.bearer(&token).get("/api/agents").await.status, 200);
    app.clock.jump(-YEAR);
    app.cp().handle_clock_jumps().await.expect("a look");
    app.advance(MINUTE);
    app.cp().handle_clock_jumps().await.expect("a look");
    assert_eq!(next_run(&app).await, "2026-04-25T14:00:00Z");
    let shown = app.cp().get_agent(&crate::support::admin(), agent.id).await.expect("an agent");
    assert_eq!(json!(shown.agent.last_heartbeat), "2026-04-25T13:02:02Z");
    assert_eq!(app.bearer(&token).get("/api/agents").await.status, 401, "it would be valid for a year");
    app.advance(TimeDelta::hours(1));
    assert_eq!(app.cp().decide_due_slots().await.expect("slots are decided"), 1);
    assert_eq!(app.cp().mark_silent_agents_offline().await.expect("a sweep"), 1);
}

#[tokio::test]
async fn a_jump_ahead_throws_nothing_away_and_ends_nothing_at_once() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let before = app.admin().await.get("/api/agents").await;
    assert_eq!(before.status, 200);
    app.advance(TimeDelta::seconds(91));
    app.clock.jump(YEAR);
    app.cp().handle_clock_jumps().await.expect("a look");
    app.advance(MINUTE);
    assert_eq!(sweep(&app).await, 0, "agents that seem silent had no time for a heartbeat");
    heartbeat(&app, &agent).await;
    app.advance(TimeDelta::seconds(90));
    assert_eq!(sweep(&app).await, 0);
    app.advance(TimeDelta::hours(1));
    assert!(app.cp().purge().await.expect("a purge") > 0, "an hour later it is believed in full");
}
