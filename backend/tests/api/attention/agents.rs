//! Attention for agents, their keys and their certificates.

use backend::store::agent_certificates;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{HOUR, SECOND, item_lines, items, items_of, with_agent};
use crate::support::{TestApp, admin, app::TestAgent, customer_of};

/// The time after which keys, certificates and pipelines are looked at again.
const SLOW: TimeDelta = TimeDelta::seconds(31);

async fn heartbeat(app: &TestApp, agent: &TestAgent, body: &Value) {
    assert_eq!(app.key(&agent.key).post("/api/agents/heartbeat", body).await.status, 200);
}

#[tokio::test]
async fn silent_agents_are_shown_until_their_next_heartbeat_and_are_critical_after_an_hour() {
    let (app, customer, agent) = with_agent().await;
    let stopped = app.agent(customer.id, "edge-2").await;
    app.advance(TimeDelta::seconds(91));
    heartbeat(&app, &stopped, &json!({ "status": "offline" })).await;
    app.cp().mark_silent_agents_offline().await.expect("a sweep");
    let found = items(&app).await;
    assert_eq!(
        item_lines(&found),
        ["agentSilent warning 1: The agent `edge-1` is silent"],
        "who signs off is not silent"
    );
    assert_eq!(
        json!([found[0]["since"], found[0]["objects"], found[0]["action"]]),
        json!(["2026-04-25T13:00:00Z", [{ "type": "agent", "id": agent.id, "name": "edge-1" }], null])
    );
    assert_eq!(items_of(&app, &customer_of(&customer), SECOND).await, found);
    assert_eq!(items_of(&app, &admin(), HOUR).await[0]["severity"], "critical");
    heartbeat(&app, &agent, &json!({})).await;
    assert!(items(&app).await.is_empty());
}

#[tokio::test]
async fn agents_with_an_error_are_grouped_by_their_reason() {
    let (app, customer, agent) = with_agent().await;
    let other = app.agent(customer.id, "edge-2").await;
    heartbeat(&app, &agent, &json!({ "status": "error", "statusReason": "cannot write /data/7: full" })).await;
    app.advance(SECOND);
    heartbeat(&app, &agent, &json!({})).await;
    heartbeat(&app, &other, &json!({ "status": "error", "statusReason": "cannot write /data/8: full" })).await;
    let found = items(&app).await;
    assert_eq!(item_lines(&found), ["agentError critical 2: 2 agents report an error: cannot write …: full"]);
    assert_eq!(found[0]["since"], "2026-04-25T13:00:00Z", "since when it has the status");
    heartbeat(&app, &other, &json!({ "status": "online" })).await;
    let found = items(&app).await;
    let expected = "agentError critical 1: The agent `edge-1` reports an error: cannot write /data/7: full";
    assert_eq!(item_lines(&found), [expected]);
}

#[tokio::test]
async fn a_key_that_ends_is_shown_until_its_successor_is_used() {
    let (app, _, agent) = with_agent().await;
    let path = format!("/api/agents/{}/key", agent.id);
    let answer = app.key(&agent.key).post(&path, &json!({ "overlapSeconds": 3600 })).await;
    let new = answer.body["data"]["apiKey"].as_str().expect("a key").to_owned();
    let found = items(&app).await;
    assert_eq!(item_lines(&found), ["keyExpires warning 1: The API key of the agent `edge-1` expires on 2026-04-25"]);
    let ended = items_of(&app, &admin(), HOUR).await;
    assert_eq!(item_lines(&ended), ["keyExpires critical 1: The API key of the agent `edge-1` expired on 2026-04-25"]);
    assert_eq!(app.key(&new).post("/api/agents/heartbeat", &json!({})).await.status, 200);
    assert!(items_of(&app, &admin(), SLOW).await.is_empty());
}

#[tokio::test]
async fn a_certificate_that_ends_is_shown_until_it_is_renewed() {
    let (app, customer, agent) = with_agent().await;
    let store = async |digest: u8, days: i64| {
        let (now, digest) = (app.cp().now(), [digest; 32]);
        let mut tx = app.app.db.begin().await.expect("a transaction");
        let end = now + TimeDelta::days(days);
        agent_certificates::insert(&mut tx, agent.id, &digest, "01", now, end).await.expect("a certificate");
        tx.commit().await.expect("a commit");
    };
    store(1, 10).await;
    let found = items(&app).await;
    let expected = "certificateExpires notice 1: The client certificate of the agent `edge-1` expires on 2026-05-05";
    assert_eq!(item_lines(&found), [expected]);
    assert_eq!(items_of(&app, &customer_of(&customer), SECOND).await, found);
    assert_eq!(items_of(&app, &admin(), TimeDelta::days(8)).await[0]["severity"], "warning");
    assert_eq!(items_of(&app, &admin(), TimeDelta::days(3)).await[0]["severity"], "critical");
    store(2, 90).await;
    assert!(items_of(&app, &admin(), SLOW).await.is_empty());
}
