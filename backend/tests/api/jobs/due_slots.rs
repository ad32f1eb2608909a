//! A due slot becomes one start directive for the job's agent.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Story};
use crate::support::{TestApp, app::TestDatabase};

#[tokio::test]
async fn a_due_slot_becomes_a_start_that_waits_until_it_is_claimed() {
    let story = Story::begin(&json!({})).await;
    assert_eq!(story.dispatch(HOUR - MINUTE).await, 0, "not yet");
    assert_eq!(story.dispatch(MINUTE).await, 1);
    assert_eq!(story.dispatch(MINUTE).await, 0, "once");
    assert_eq!(story.reason().await.as_deref(), Some("waits for the agent to start it"));
    let heartbeat = story.app.key(&story.agent.key).post("/api/agents/heartbeat", &json!({})).await;
    let start = &heartbeat.body["data"]["directives"][0];
    assert_eq!(start["type"], "startJob");
    let payload = &start["payload"];
    assert_eq!(payload["job"], story.shown().await);
    assert_eq!(payload["scheduledFor"], "2026-04-25T14:00:00Z");
    assert_eq!((&payload["attempt"], &payload["retryOf"]), (&json!(1), &Value::Null));
    assert_eq!(story.starts().await.len(), 1, "it is delivered again until it is claimed");
    assert_eq!(story.slot_history().await, ["14:00 pending"]);
    assert_eq!(story.reason().await.as_deref(), Some("waits for the agent to start it"));
    let run = story.run().await;
    assert!(story.starts().await.is_empty());
    assert_eq!((story.slot_history().await, story.reason().await), (vec!["14:00 ran".to_owned()], None));
    let shown = &story.history().await[0];
    assert_eq!((&shown["id"], &shown["scheduledFor"]), (&json!(run), &json!("2026-04-25T14:00:00Z")));
    assert_eq!(story.shown().await["lastRunAt"], "2026-04-25T14:01:00Z");
    assert_eq!(story.shown().await["nextRunAt"], "2026-04-25T15:00:00Z");
}

#[tokio::test]
async fn an_open_long_poll_answers_when_a_slot_comes_due() {
    let story = Story::begin(&json!({})).await;
    let agent = story.app.key(&story.agent.key);
    let (answer, _) = tokio::join!(agent.get("/api/agents/directives?wait=60"), story.dispatch(HOUR));
    assert_eq!(answer.body["data"]["directives"][0]["type"], "startJob");
}

#[tokio::test]
async fn a_start_that_no_agent_fetches_expires_with_its_reason() {
    let story = Story::begin(&json!({ "schedule": "0 14 * * *" })).await;
    story.dispatch(HOUR).await;
    let start = story.starts().await.remove(0);
    story.app.advance(HOUR * 24);
    assert_eq!(story.app.cp().give_up_starts().await.expect("a sweep"), 1);
    assert_eq!(story.app.cp().give_up_starts().await.expect("a sweep"), 0);
    assert_eq!(story.slot_history().await, ["14:00 missed"]);
    assert_eq!(story.reason().await.as_deref(), Some("not fetched: the agent did not start it within 24h"));
    let late = story.start(&json!({ "directiveId": start["id"] })).await;
    assert_eq!((late.status, &late.body["error"]), (409, &json!("this directive has expired")));
}

#[tokio::test]
async fn a_start_that_is_acknowledged_without_a_run_says_so() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let start = story.starts().await.remove(0);
    let path = format!("/api/agents/directives/{}/ack", start["id"].as_str().expect("an id"));
    assert_eq!(story.app.key(&story.agent.key).send("POST", &path, None).await.status, 200);
    assert_eq!(story.slot_history().await, ["14:00 skipped"]);
    assert_eq!(story.start(&json!({ "directiveId": start["id"] })).await.status, 409);
}

#[tokio::test]
async fn several_servers_and_several_lookers_decide_each_slot_once() {
    let database = TestDatabase::fresh().await;
    let app = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    for _ in 0..60 {
        app.job(&agent, &json!({})).await;
    }
    let other = if database.is_shared() { Some(TestApp::on(&database, &["--rate-limits", "off"]).await) } else { None };
    app.advance(HOUR);
    if let Some(other) = &other {
        other.advance(HOUR);
    }
    let servers = [Some(&app), other.as_ref(), Some(&app), other.as_ref()];
    let looks = servers.into_iter().flatten().map(|server| server.cp().decide_due_slots());
    let dispatched: usize = join_all(looks).await.into_iter().map(|look| look.expect("a look")).sum();
    assert_eq!(dispatched, 60);
    let open = app.key(&agent.key).get("/api/agents/directives").await;
    assert_eq!(open.body["data"]["directives"].as_array().map(Vec::len), Some(60));
}
