//! Tests of `POST /api/agents/{id}/rotate-key`.

use backend::{
    error::Code,
    model::{customer::UpdateCustomer, event::Kind},
    store::db::sql,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{
    Answer, Client, TestApp, admin,
    app::{TestAgent, TestCustomer},
};

const DIRECTIVES: &str = "/api/agents/directives";

async fn with_agent() -> (TestApp, TestCustomer, TestAgent, String) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let path = format!("/api/agents/{}/rotate-key", agent.id);
    (app, customer, agent, path)
}

/// Asks the agent to replace its key.
async fn ask(user: &Client, path: &str) -> Value {
    let answer = user.send("POST", path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["agent"].clone()
}

/// The types of the directives that wait for an agent.
async fn waiting(key: &Client) -> Vec<String> {
    let answer = key.get(DIRECTIVES).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let directives = answer.body["data"]["directives"].as_array().expect("directives");
    directives.iter().map(|directive| directive["type"].as_str().expect("a type").to_owned()).collect()
}

/// A client with the new key that the caller gets for the agent.
async fn exchanged(app: &TestApp, caller: &Client, agent: &TestAgent) -> Client {
    let answer = caller.send("POST", &format!("/api/agents/{}/key", agent.id), None).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    app.key(answer.body["data"]["apiKey"].as_str().expect("a key"))
}

/// The actors of all events of this kind.
async fn actors(app: &TestApp, kind: Kind) -> Vec<String> {
    let rows = sql("SELECT actor FROM events WHERE kind = $1 ORDER BY number").bind(kind.to_string());
    let rows: Vec<(String,)> = rows.fetch_all(&app.app.db).await.expect("the log");
    rows.into_iter().map(|(actor,)| actor).collect()
}

fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["error"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn an_agent_that_was_asked_gets_itself_a_new_key() {
    let (app, customer, agent, path) = with_agent().await;
    let (user, old) = (app.bearer(&customer.token), app.key(&agent.key));
    let shown = user.get(&format!("/api/agents/{}", agent.id)).await.body["data"]["agent"].clone();
    let asked = ask(&user, &path).await;
    assert_eq!((&asked["id"], &asked["revision"]), (&json!(agent.id), &shown["revision"]));
    assert_eq!(waiting(&old).await, ["rotateKey"]);
    let heartbeat = old.send("POST", "/api/agents/heartbeat", None).await;
    assert_eq!(heartbeat.body["data"]["directives"][0]["type"], "rotateKey", "{}", heartbeat.body);

    let new = exchanged(&app, &old, &agent).await;
    assert_eq!(waiting(&new).await, [""; 0], "the first use of the new key acknowledges it");
    assert_eq!(waiting(&old).await, [""; 0]);
    app.advance(TimeDelta::hours(24));
    assert_eq!(old.get(DIRECTIVES).await.status, 401, "the old key has ended");
    assert_eq!(waiting(&new).await, [""; 0]);

    let requested = actors(&app, Kind::AgentKeyRotationRequested).await;
    assert!(requested.len() == 1 && requested[0].starts_with("user:"), "{requested:?}");
    assert_eq!(actors(&app, Kind::AgentKeyRotated).await, [format!("agent:{}", agent.id)]);
}

#[tokio::test]
async fn only_administrators_and_the_agents_own_customer_may_request_it() {
    let (app, customer, agent, path) = with_agent().await;
    let other = app.bearer(&app.customer("Other").await.token);
    let nowhere = "/api/agents/0199c1f0-6c00-7000-8000-000000000001/rotate-key";
    assert_eq!(refusal(&other.send("POST", &path, None).await), (404, "agent not found"));
    assert_eq!(refusal(&app.admin().await.send("POST", nowhere, None).await), (404, "agent not found"));
    let key = app.key(&agent.key);
    for client in [&key, &app.anonymous()] {
        assert_eq!(client.send("POST", &path, None).await.status, 401);
    }
    let (itself, _) = app.cp().authenticate_agent_key(&agent.key).await.expect("an agent");
    let refused = app.cp().request_key_rotation(&itself, agent.id).await.expect_err("a refusal");
    assert_eq!(refused.code(), Code::Forbidden);
    assert_eq!(waiting(&key).await, [""; 0]);

    for user in [app.bearer(&customer.token), app.admin().await] {
        ask(&user, &path).await;
        let directive = key.get(DIRECTIVES).await.body["data"]["directives"][0].clone();
        let acknowledge = format!("{DIRECTIVES}/{}/ack", directive["id"].as_str().expect("a directive"));
        assert_eq!(key.send("POST", &acknowledge, None).await.status, 200);
    }
    assert_eq!(actors(&app, Kind::AgentKeyRotationRequested).await.len(), 2);
}

#[tokio::test]
async fn a_request_while_another_one_waits_changes_nothing() {
    let (app, customer, agent, path) = with_agent().await;
    let (user, key) = (app.bearer(&customer.token), app.key(&agent.key));
    let first = ask(&user, &path).await;
    app.advance(TimeDelta::minutes(30));
    assert_eq!(ask(&app.admin().await, &path).await, first);
    assert_eq!(waiting(&key).await, ["rotateKey"]);
    assert_eq!(actors(&app, Kind::AgentKeyRotationRequested).await.len(), 1);

    let new = exchanged(&app, &key, &agent).await;
    assert_eq!(waiting(&new).await, [""; 0]);
    ask(&user, &path).await;
    assert_eq!(waiting(&new).await, ["rotateKey"], "the first one is over");
}

#[tokio::test]
async fn of_several_requests_at_once_one_is_sent() {
    let (app, customer, agent, path) = with_agent().await;
    let (user, admin) = (app.bearer(&customer.token), app.admin().await);
    tokio::join!(ask(&user, &path), ask(&admin, &path), ask(&user, &path));
    assert_eq!(waiting(&app.key(&agent.key)).await, ["rotateKey"]);
    assert_eq!(actors(&app, Kind::AgentKeyRotationRequested).await.len(), 1);
}

#[tokio::test]
async fn a_request_that_expired_may_be_repeated() {
    let (app, _, agent, path) = with_agent().await;
    let (admin, key) = (app.admin().await, app.key(&agent.key));
    ask(&admin, &path).await;
    app.advance(TimeDelta::hours(24));
    assert_eq!(waiting(&key).await, [""; 0]);
    // The administrator's token has expired, too.
    ask(&app.admin().await, &path).await;
    assert_eq!(waiting(&key).await, ["rotateKey"]);
}

#[tokio::test]
async fn an_agent_of_a_suspended_customer_is_not_asked() {
    let (app, customer, agent, path) = with_agent().await;
    let user = app.admin().await;
    let suspend = async |suspended: bool| {
        let change = UpdateCustomer { suspended: Some(suspended), ..UpdateCustomer::default() };
        app.cp().update_customer(&admin(), customer.id, change).await.expect("a change");
    };
    suspend(true).await;
    let sentence = "the customer of the agent is suspended: the agent receives no directives until the suspension ends";
    assert_eq!(refusal(&user.send("POST", &path, None).await), (409, sentence));
    suspend(false).await;
    assert_eq!(waiting(&app.key(&agent.key)).await, [""; 0]);
    ask(&user, &path).await;
    assert_eq!(waiting(&app.key(&agent.key)).await, ["rotateKey"]);
}

#[tokio::test]
async fn a_revoked_agent_is_404() {
    let (app, customer, agent, path) = with_agent().await;
    app.cp().revoke_agent(&admin(), agent.id).await.expect("a revocation");
    for user in [app.bearer(&customer.token), app.admin().await] {
        assert_eq!(refusal(&user.send("POST", &path, None).await), (404, "agent not found"));
    }
}

#[tokio::test]
async fn an_agent_that_did_not_receive_its_new_key_gets_the_directive_again() {
    let (app, _, agent, path) = with_agent().await;
    let old = app.key(&agent.key);
    ask(&app.admin().await, &path).await;
    let lost = exchanged(&app, &old, &agent).await;
    assert_eq!(waiting(&old).await, ["rotateKey"]);
    let new = exchanged(&app, &old, &agent).await;
    assert_eq!(waiting(&old).await, ["rotateKey"], "the new key was not used yet");
    assert_eq!(waiting(&new).await, [""; 0]);
    assert_eq!(waiting(&old).await, [""; 0]);
    assert_eq!(lost.get(DIRECTIVES).await.status, 401, "the key that was never used has ended");
}

#[tokio::test]
async fn the_first_use_of_the_new_key_counts_after_the_old_one_has_ended() {
    let (app, _, agent, path) = with_agent().await;
    ask(&app.admin().await, &path).await;
    let exchange = format!("/api/agents/{}/key", agent.id);
    let answer = app.key(&agent.key).post(&exchange, &json!({ "overlapSeconds": 60 })).await;
    app.advance(TimeDelta::seconds(60));
    let new = app.key(answer.body["data"]["apiKey"].as_str().expect("a key"));
    assert_eq!(waiting(&new).await, [""; 0]);
}

#[tokio::test]
async fn a_key_from_before_the_request_does_not_acknowledge_it() {
    let (app, customer, agent, path) = with_agent().await;
    let user = app.bearer(&customer.token);
    let by_user = exchanged(&app, &user, &agent).await;
    app.advance(TimeDelta::seconds(1));
    ask(&user, &path).await;
    assert_eq!(waiting(&by_user).await, ["rotateKey"], "its first use");
    let new = exchanged(&app, &by_user, &agent).await;
    assert_eq!(waiting(&new).await, [""; 0]);
}
