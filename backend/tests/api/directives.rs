//! Directives: they are part of every answer to their agent, until they are acknowledged.

use backend::ids::TransferId;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, admin, app::TestAgent, customer_of};

const LIST: &str = "/api/agents/directives";

fn id(transfer: &Value) -> TransferId {
    transfer["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

fn path(transfer: &Value) -> String {
    format!("/api/transfers/{}", id(transfer))
}

/// The type and the payload of each directive of an answer.
fn delivered(answer: &Answer) -> Vec<(String, Value)> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let directives = answer.body["data"]["directives"].as_array().expect("directives");
    let read = |one: &Value| (one["type"].as_str().unwrap_or_default().to_owned(), one["payload"].clone());
    directives.iter().map(read).collect()
}

fn directive(name: &str, payload: Value) -> (String, Value) {
    (name.to_owned(), payload)
}

/// An agent with a running transfer, and the agent as a caller.
async fn running(app: &TestApp) -> (TestAgent, Client, Value) {
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let transfer = app.transfer(&agent).await;
    let client = app.key(&agent.key);
    assert_eq!(client.patch(&path(&transfer), &json!({ "status": "running" })).await.status, 200);
    (agent, client, transfer)
}

async fn cancel(app: &TestApp, transfer: &Value) {
    app.cp().cancel_transfer(&admin(), id(transfer)).await.expect("a cancel");
}

async fn ack(client: &Client, directive: &Value) -> Answer {
    let path = format!("{LIST}/{}/ack", directive["id"].as_str().unwrap_or_default());
    client.send("POST", &path, None).await
}

#[tokio::test]
async fn a_cancel_directive_is_in_every_answer_until_the_agent_acts() {
    let app = TestApp::start().await;
    let (agent, client, transfer) = running(&app).await;
    let other = app.transfer(&agent).await;
    cancel(&app, &transfer).await;
    let expected = [directive("cancelTransfer", json!({ "transferId": transfer["id"] }))];
    let batch = json!({ "updates": [{ "id": other["id"], "progress": 2 }] });
    for _ in 0..2 {
        assert_eq!(delivered(&client.get(LIST).await), expected);
        assert_eq!(delivered(&client.send("POST", "/api/agents/heartbeat", None).await), expected);
        assert_eq!(delivered(&client.patch(&path(&other), &json!({ "progress": 1 })).await), expected);
        assert_eq!(delivered(&client.patch("/api/transfers", &batch).await), expected);
    }
    let answer = client.patch(&path(&transfer), &json!({ "status": "cancelled" })).await;
    assert_eq!((delivered(&answer), &answer.body["data"]["transfer"]["status"]), (vec![], &json!("cancelled")));
    assert_eq!(delivered(&client.get(LIST).await), []);
}

#[tokio::test]
async fn users_see_the_directives_that_wait_for_their_agents() {
    let app = TestApp::start().await;
    let (agent, client, transfer) = running(&app).await;
    cancel(&app, &transfer).await;
    let question = "query ($id: ID!) { agentDirectives(id: $id) { type transferId jobId createdAt } }";
    let user = app.admin().await;
    let waiting = async || user.data(question, &json!({ "id": agent.id })).await["agentDirectives"].clone();
    let expected = json!([{
        "type": "cancelTransfer", "transferId": transfer["id"], "jobId": null, "createdAt": "2026-04-25T13:00:00Z",
    }]);
    assert_eq!(waiting().await, expected);
    client.patch(&path(&transfer), &json!({ "status": "cancelled" })).await;
    assert_eq!(waiting().await, json!([]));
}

#[tokio::test]
async fn a_directive_says_when_it_was_made_and_when_it_is_void() {
    let app = TestApp::start().await;
    let (_, client, transfer) = running(&app).await;
    cancel(&app, &transfer).await;
    let answer = client.get(LIST).await;
    let directive = &answer.body["data"]["directives"][0];
    let whole = json!({
        "id": directive["id"], "type": "cancelTransfer", "createdAt": "2026-04-25T13:00:00Z",
        "expiresAt": directive["expiresAt"], "payload": { "transferId": transfer["id"] },
    });
    assert_eq!(answer.body["data"], json!({ "directives": [whole] }));
    assert!(directive["expiresAt"].as_str() > directive["createdAt"].as_str());
}

#[rstest]
#[case("completed")]
#[case("failed")]
#[case("cancelled")]
#[tokio::test]
async fn whatever_ends_a_transfer_acknowledges_its_cancel(#[case] status: &str) {
    let app = TestApp::start().await;
    let (_, client, transfer) = running(&app).await;
    cancel(&app, &transfer).await;
    assert_eq!(
        delivered(&client.patch(&path(&transfer), &json!({ "progress": 5 })).await).len(),
        1,
        "progress does not"
    );
    let batch = json!({ "updates": [{ "id": transfer["id"], "status": status }] });
    assert_eq!(delivered(&client.patch("/api/transfers", &batch).await), []);
}

#[tokio::test]
async fn a_queued_transfer_is_cancelled_at_once_and_its_agent_gets_the_directive_until_it_confirms() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let transfer = app.transfer(&agent).await;
    let cancelled = app.cp().cancel_transfer(&customer_of(&customer), id(&transfer)).await.expect("a cancel");
    assert_eq!(json!(cancelled)["status"], "cancelled");
    assert_eq!(json!(cancelled)["completedAt"], "2026-04-25T13:00:00Z");
    let client = app.key(&agent.key);
    let expected = [directive("cancelTransfer", json!({ "transferId": transfer["id"] }))];
    assert_eq!(delivered(&client.get(LIST).await), expected);
    assert_eq!(client.patch(&path(&transfer), &json!({ "status": "running" })).await.status, 409);
    assert_eq!(delivered(&client.patch(&path(&transfer), &json!({ "status": "cancelled" })).await), []);
}

#[tokio::test]
async fn asking_twice_for_a_cancel_asks_the_agent_once() {
    let app = TestApp::start().await;
    let (_, client, transfer) = running(&app).await;
    cancel(&app, &transfer).await;
    let revision = app.cp().get_transfer(&admin(), id(&transfer)).await.expect("a transfer").revision;
    app.advance(TimeDelta::seconds(5));
    cancel(&app, &transfer).await;
    let again = app.cp().get_transfer(&admin(), id(&transfer)).await.expect("a transfer");
    assert_eq!((again.revision, json!(again.cancel_requested_at)), (revision, json!("2026-04-25T13:00:00Z")));
    assert_eq!(delivered(&client.get(LIST).await).len(), 1);
}

#[rstest]
#[case("completed")]
#[case("failed")]
#[tokio::test]
async fn what_has_ended_is_not_cancelled(#[case] status: &str) {
    let app = TestApp::start().await;
    let (_, client, transfer) = running(&app).await;
    client.patch(&path(&transfer), &json!({ "status": status })).await;
    let refused = app.cp().cancel_transfer(&admin(), id(&transfer)).await.expect_err("a refusal");
    assert_eq!(refused.to_string(), format!("a transfer that is {status} cannot be cancelled"));
    assert_eq!(delivered(&client.get(LIST).await), []);
}

#[tokio::test]
async fn a_retry_queues_the_next_attempt_and_is_acknowledged_by_running_it() {
    let app = TestApp::start().await;
    let (_, client, transfer) = running(&app).await;
    client.patch(&path(&transfer), &json!({ "status": "failed", "error": "disk full", "bytesTransferred": 400 })).await;
    let queued = json!(app.cp().retry_transfer(&admin(), id(&transfer)).await.expect("a retry"));
    let shown = |name: &str| queued[name].clone();
    assert_eq!((shown("status"), shown("attempt"), shown("errorMessage")), (json!("queued"), json!(2), Value::Null));
    assert_eq!((shown("completedAt"), shown("bytesTransferred")), (Value::Null, json!(0)));
    let expected = [directive("retryTransfer", json!({ "transferId": transfer["id"], "attempt": 2 }))];
    assert_eq!(delivered(&client.get(LIST).await), expected);
    let late = client.patch(&path(&transfer), &json!({ "status": "failed", "attempt": 1 })).await;
    assert_eq!((delivered(&late), &late.body["data"]["transfer"]["status"]), (expected.to_vec(), &json!("queued")));
    let answer = client.patch(&path(&transfer), &json!({ "status": "running", "attempt": 2 })).await;
    assert_eq!((delivered(&answer), &answer.body["data"]["transfer"]["attempt"]), (vec![], &json!(2)));
}

#[tokio::test]
async fn a_cancel_takes_the_place_of_a_retry_that_has_not_begun() {
    let app = TestApp::start().await;
    let (_, client, transfer) = running(&app).await;
    client.patch(&path(&transfer), &json!({ "status": "failed" })).await;
    app.cp().retry_transfer(&admin(), id(&transfer)).await.expect("a retry");
    cancel(&app, &transfer).await;
    let expected = [directive("cancelTransfer", json!({ "transferId": transfer["id"] }))];
    assert_eq!(delivered(&client.get(LIST).await), expected);
}

#[rstest]
#[case("queued")]
#[case("running")]
#[case("completed")]
#[case("cancelled")]
#[tokio::test]
async fn only_what_failed_is_retried(#[case] status: &str) {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let transfer = app.transfer(&agent).await;
    app.key(&agent.key).patch(&path(&transfer), &json!({ "status": status })).await;
    let refused = app.cp().retry_transfer(&admin(), id(&transfer)).await.expect_err("a refusal");
    assert_eq!(refused.code(), backend::error::Code::Conflict);
}

#[tokio::test]
async fn no_user_cancels_or_retries_transfers_of_another_customer_and_no_agent_does_at_all() {
    let app = TestApp::start().await;
    let (agent, client, transfer) = running(&app).await;
    let other = customer_of(&app.customer("other").await);
    let refused = app.cp().cancel_transfer(&other, id(&transfer)).await.expect_err("a refusal");
    assert_eq!(refused.to_string(), "transfer not found");
    let refused = app.cp().retry_transfer(&other, id(&transfer)).await.expect_err("a refusal");
    assert_eq!(refused.to_string(), "transfer not found");
    let (itself, _) = app.cp().authenticate_agent_key(&agent.key).await.expect("an agent");
    let refused = app.cp().cancel_transfer(&itself, id(&transfer)).await.expect_err("a refusal");
    assert_eq!(refused.code(), backend::error::Code::Forbidden);
    assert_eq!(delivered(&client.get(LIST).await), []);
}

#[tokio::test]
async fn an_agent_that_ignores_cancel_directives_still_gets_the_others() {
    let app = TestApp::start().await;
    let (agent, client, transfer) = running(&app).await;
    cancel(&app, &transfer).await;
    for _ in 0..100 {
        let other = app.transfer(&agent).await;
        assert_eq!(client.patch(&path(&other), &json!({ "status": "running" })).await.status, 200);
        cancel(&app, &other).await;
    }
    app.cp().request_key_rotation(&admin(), agent.id).await.expect("a directive");
    let delivery = delivered(&client.get(LIST).await);
    assert_eq!(delivery.len(), 100, "an answer stays small");
    assert_eq!(delivery.last(), Some(&directive("rotateKey", json!({}))), "the newest comes last");
}

#[tokio::test]
async fn an_acknowledged_directive_does_not_come_again_and_may_be_acknowledged_again() {
    let app = TestApp::start().await;
    let (_, client, transfer) = running(&app).await;
    cancel(&app, &transfer).await;
    let directive = client.get(LIST).await.body["data"]["directives"][0].clone();
    for _ in 0..2 {
        let answer = ack(&client, &directive).await;
        assert_eq!((answer.status, &answer.body["data"]["directive"]), (200, &directive));
        assert_eq!(delivered(&client.get(LIST).await), []);
    }
}

#[tokio::test]
async fn another_agents_directive_is_404() {
    let app = TestApp::start().await;
    let (agent, client, transfer) = running(&app).await;
    cancel(&app, &transfer).await;
    let directive = client.get(LIST).await.body["data"]["directives"][0].clone();
    let (actor, _) = app.cp().authenticate_agent_key(&agent.key).await.expect("an agent");
    let backend::actor::Actor::Agent { customer, .. } = actor else { panic!("an agent") };
    let sibling = app.agent(customer, "edge-2").await;
    let answer = ack(&app.key(&sibling.key), &directive).await;
    assert_eq!((answer.status, &answer.body["error"]), (404, &json!("directive not found")));
    assert_eq!(delivered(&app.key(&sibling.key).get(LIST).await), []);
    assert_eq!(delivered(&client.get(LIST).await).len(), 1);
    for id in ["0199c1f0-6c00-7000-8000-000000000001", "first"] {
        assert_eq!(ack(&client, &json!({ "id": id })).await.status, 404);
    }
}

#[tokio::test]
async fn a_directive_is_void_once_it_expires() {
    let app = TestApp::start().await;
    let (agent, client, _) = running(&app).await;
    app.cp().request_key_rotation(&admin(), agent.id).await.expect("a request");
    assert_eq!(delivered(&client.get(LIST).await), [directive("rotateKey", json!({}))]);
    app.advance(TimeDelta::hours(24) - TimeDelta::milliseconds(1));
    assert_eq!(delivered(&client.get(LIST).await).len(), 1);
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!(delivered(&client.get(LIST).await), []);
}

#[tokio::test]
async fn a_wanted_key_rotation_is_acknowledged_by_rotating() {
    let app = TestApp::start().await;
    let (agent, client, _) = running(&app).await;
    app.cp().request_key_rotation(&admin(), agent.id).await.expect("a request");
    assert_eq!(delivered(&client.get(LIST).await), [directive("rotateKey", json!({}))]);
    let answer = client.send("POST", &format!("/api/agents/{}/key", agent.id), None).await;
    assert_eq!(answer.status, 201);
    let key = answer.body["data"]["apiKey"].as_str().unwrap_or_default();
    assert_eq!(delivered(&app.key(key).get(LIST).await), []);
}
