//! `Prefer: return=minimal`: `PATCH` requests and heartbeats without a body in the answer.

use backend::{
    actor::Actor,
    ids::{CustomerId, TransferId},
};
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, app::TestAgent};

const HEARTBEAT: &str = "/api/agents/heartbeat";
const TRANSFERS: &str = "/api/transfers";

/// A client with this agent's key that prefers minimal answers.
fn brief(app: &TestApp, agent: &TestAgent) -> Client {
    app.key(&agent.key).with("Prefer", "return=minimal")
}

/// Fails unless the answer is minimal.
fn assert_minimal(answer: &Answer) {
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert!(answer.bytes.is_empty());
    assert_eq!(answer.header("preference-applied"), Some("return=minimal"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// Fails unless the answer has its data.
fn assert_full(answer: &Answer) {
    assert_eq!((answer.status, answer.header("preference-applied")), (200, None), "{}", answer.body);
    assert_eq!(answer.body["success"], json!(true));
}

fn id(object: &Value) -> TransferId {
    object["id"].as_str().expect("an id").parse().expect("an id")
}

fn path(transfer: &Value) -> String {
    format!("{TRANSFERS}/{}", id(transfer))
}

async fn with_transfer() -> (TestApp, CustomerId, TestAgent, Value) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let transfer = app.transfer(&agent).await;
    (app, customer.id, agent, transfer)
}

#[tokio::test]
async fn a_report_is_stored_and_answered_without_a_body() {
    let (app, _, agent, transfer) = with_transfer().await;
    let report = json!({ "status": "running", "attempt": 1, "bytesTransferred": 100 });
    assert_minimal(&brief(&app, &agent).patch(&path(&transfer), &report).await);
    let stored = app.admin().await.get(&path(&transfer)).await.body["data"]["transfer"].clone();
    assert_eq!(json!([stored["status"], stored["bytesTransferred"]]), json!(["running", 100]));
    assert_full(&app.key(&agent.key).patch(&path(&transfer), &report).await);
}

#[tokio::test]
async fn a_batch_is_minimal_only_if_every_report_was_accepted() {
    let (app, _, agent, transfer) = with_transfer().await;
    let (client, other) = (brief(&app, &agent), app.transfer(&agent).await);
    let accepted = json!([{ "id": transfer["id"], "status": "running" }, { "id": other["id"], "status": "running" }]);
    assert_minimal(&client.patch(TRANSFERS, &json!({ "updates": accepted })).await);
    let mixed = json!([{ "id": transfer["id"], "bytesTransferred": 7 }, { "id": other["id"], "progress": 101 }]);
    let answer = client.patch(TRANSFERS, &json!({ "updates": mixed })).await;
    assert_full(&answer);
    let statuses = answer.body["data"]["results"].as_array().expect("results");
    assert_eq!(statuses.iter().map(|result| &result["status"]).collect::<Vec<_>>(), [&json!(200), &json!(400)]);
}

#[tokio::test]
async fn a_report_that_begins_a_new_attempt_is_answered_in_full() {
    let (app, _, agent, transfer) = with_transfer().await;
    let client = brief(&app, &agent);
    for status in ["running", "failed"] {
        assert_minimal(&client.patch(&path(&transfer), &json!({ "status": status, "attempt": 1 })).await);
    }
    let update = json!({ "id": transfer["id"], "status": "running", "attempt": 1 });
    let answer = client.patch(TRANSFERS, &json!({ "updates": [update] })).await;
    assert_full(&answer);
    assert_eq!(answer.body["data"]["results"][0]["transfer"]["attempt"], json!(2));
    let outdated = client.patch(&path(&transfer), &json!({ "progress": 1, "attempt": 1 })).await;
    assert_full(&outdated);
    assert_eq!(outdated.body["data"]["transfer"]["attempt"], json!(2));
    assert_minimal(&client.patch(&path(&transfer), &json!({ "progress": 1, "attempt": 2 })).await);
}

#[tokio::test]
async fn an_answer_with_waiting_directives_is_never_minimal() {
    let (app, _, agent, transfer) = with_transfer().await;
    let client = brief(&app, &agent);
    assert_minimal(&client.post(HEARTBEAT, &json!({ "load": 0.5 })).await);
    assert_minimal(&client.patch(&path(&transfer), &json!({ "status": "running" })).await);
    app.cp().cancel_transfer(&Actor::System, id(&transfer)).await.expect("a cancel request");
    let answers = [
        client.post(HEARTBEAT, &json!({})).await,
        client.patch(&path(&transfer), &json!({ "progress": 1 })).await,
        client.patch(TRANSFERS, &json!({ "updates": [{ "id": transfer["id"], "progress": 2 }] })).await,
    ];
    for answer in answers {
        assert_full(&answer);
        assert_eq!(answer.body["data"]["directives"][0]["type"], "cancelTransfer");
    }
    assert_minimal(&client.patch(&path(&transfer), &json!({ "status": "cancelled" })).await);
    assert_minimal(&client.post(HEARTBEAT, &json!({})).await);
}

#[tokio::test]
async fn an_error_is_answered_in_full() {
    let (app, _, agent, transfer) = with_transfer().await;
    let client = brief(&app, &agent);
    let answer = client.patch(&path(&transfer), &json!({ "progress": 101 })).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["progress"]));
    assert_eq!(answer.header("preference-applied"), None);
    assert_eq!(brief(&app, &TestAgent { key: "none".into(), ..agent }).post(HEARTBEAT, &json!({})).await.status, 401);
}

#[tokio::test]
async fn the_rate_limit_is_in_the_headers_of_a_minimal_answer() {
    let app = TestApp::with(&["--rate-limits", "agent=5"]).await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let answer = brief(&app, &agent).post(HEARTBEAT, &json!({})).await;
    assert_minimal(&answer);
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), (Some("5"), Some("4")));
}

const PIPELINE: &str = "\
source: /data/in.csv
destination: /data/out.csv
steps:
  - { id: clean, type: delete, path: /data/old.csv }
";

#[tokio::test]
async fn a_report_of_a_step_is_answered_without_a_body() {
    let (app, customer, agent, _) = with_transfer().await;
    let pipeline = app.pipeline(customer, "tidy", PIPELINE).await;
    let run = app.run(pipeline).await;
    let path = format!("/api/pipelines/{pipeline}/runs/{}/steps/clean", run.id);
    let client = brief(&app, &agent);
    assert_minimal(&client.patch(&path, &json!({ "status": "running", "attempt": 1 })).await);
    assert_minimal(&client.patch(&path, &json!({ "status": "completed", "attempt": 1 })).await);
    let stored = app.admin().await.get(&format!("/api/pipelines/{pipeline}/runs")).await;
    assert_eq!(stored.body["data"]["runs"][0]["status"], "completed");
}

#[tokio::test]
async fn changes_of_users_are_answered_without_a_body() {
    let (app, customer, agent, _) = with_transfer().await;
    let job = app.job(&agent, &json!({})).await;
    let pipeline = app.pipeline(customer, "tidy", PIPELINE).await;
    let admin = app.admin().await.with("Prefer", "return=minimal");
    let changes = [
        (format!("/api/customers/{customer}"), json!({ "name": "Acme Ltd" })),
        (format!("/api/jobs/{job}"), json!({ "name": "Nightly" })),
        (format!("/api/pipelines/{pipeline}"), json!({ "name": "Tidy up" })),
    ];
    for (path, change) in changes {
        assert_minimal(&admin.patch(&path, &change).await);
    }
    assert_eq!(admin.get(&format!("/api/jobs/{job}")).await.body["data"]["job"]["name"], "Nightly");
}
