//! Attention: what an operator should look at, with one file per kind of item.

mod agents;
mod runs;
mod snooze;
mod transfers;

use backend::{actor::Actor, ids::JobId};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{
    TestApp, admin,
    app::{TestAgent, TestCustomer},
};

const SECOND: TimeDelta = TimeDelta::seconds(1);
const MINUTE: TimeDelta = TimeDelta::minutes(1);
const HOUR: TimeDelta = TimeDelta::hours(1);

async fn with_agent() -> (TestApp, TestCustomer, TestAgent) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    (app, customer, agent)
}

/// The items that this caller sees after this time, which must be long enough for what was kept to be read again.
async fn items_of(app: &TestApp, actor: &Actor, after: TimeDelta) -> Vec<Value> {
    app.advance(after);
    let attention = app.cp().get_attention(actor).await.expect("attention");
    attention.items.iter().map(|item| json!(item)).collect()
}

/// The items that an administrator sees a second later.
async fn items(app: &TestApp) -> Vec<Value> {
    items_of(app, &admin(), SECOND).await
}

/// Kind, severity, count and summary of each item.
fn item_lines(items: &[Value]) -> Vec<String> {
    let line = |item: &Value| {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}: {}", text("kind"), text("severity"), item["count"], text("summary"))
    };
    items.iter().map(line).collect()
}

/// Starts a run of this job as its agent, ends it with this report after this time, and returns its id.
async fn run(app: &TestApp, agent: &TestAgent, job: JobId, takes: TimeDelta, report: &Value) -> Value {
    let (client, path) = (app.key(&agent.key), format!("/api/jobs/{job}/runs"));
    let started = client.post(&path, &json!({})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let id = started.body["data"]["run"]["id"].clone();
    app.advance(takes);
    let answer = client.patch(&format!("{path}/{}", id.as_str().expect("an id")), report).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    id
}

#[tokio::test]
async fn a_fleet_in_order_needs_no_attention() {
    let (app, customer, agent) = with_agent().await;
    app.transfer(&agent).await;
    app.job(&agent, &json!({})).await;
    app.pipeline(customer.id, "orders", "source: /a\ndestination: /b\n").await;
    assert_eq!(items(&app).await, Vec::<Value>::new());
}

#[tokio::test]
async fn both_apis_have_the_same_items() {
    let (app, customer, agent) = with_agent().await;
    app.failed_transfer(&agent).await;
    let user = app.bearer(&customer.token);
    let rest = user.get("/api/attention").await;
    assert_eq!(rest.status, 200, "{}", rest.body);
    let [item] = rest.body["data"]["items"].as_array().expect("items").as_slice() else { panic!("{}", rest.body) };
    let question = "{ attention { at items { id kind severity count countIsAtLeast since summary cause customerId \
        objects { type id name } action { type ids } snoozedUntil snoozeReason } } }";
    let asked = user.data(question, &Value::Null).await;
    let mut same = asked["attention"]["items"][0].clone();
    assert_eq!(
        json!([same["kind"], same["severity"], same["objects"][0]["type"], same["action"]["type"]]),
        json!(["TRANSFER_FAILED", "WARNING", "TRANSFER", "RETRY_TRANSFERS"])
    );
    for (name, value) in [("kind", "transferFailed"), ("severity", "warning")] {
        same[name] = json!(value);
    }
    same["objects"][0]["type"] = json!("transfer");
    same["action"]["type"] = json!("retryTransfers");
    assert_eq!((&same, &asked["attention"]["at"]), (item, &rest.body["data"]["at"]));
}

#[tokio::test]
async fn items_are_kept_for_a_second() {
    let (app, _, agent) = with_agent().await;
    assert!(items(&app).await.is_empty());
    app.failed_transfer(&agent).await;
    assert!(items_of(&app, &admin(), TimeDelta::milliseconds(999)).await.is_empty());
    assert_eq!(items_of(&app, &admin(), TimeDelta::milliseconds(1)).await.len(), 1);
}

#[tokio::test]
async fn items_name_their_customer_if_they_have_one() {
    let (app, customer, agent) = with_agent().await;
    app.failed_transfer(&agent).await;
    let query = "{ attention { items { kind customer { id name } } } }";
    let named = json!({ "kind": "TRANSFER_FAILED", "customer": { "id": customer.id, "name": "Acme" } });
    let seen = app.bearer(&customer.token).data(query, &Value::Null).await;
    assert_eq!(seen, json!({ "attention": { "items": [named.clone()] } }));
    let admin = app.admin().await;
    let pipeline = json!({ "identifier": "cleanup", "name": "Cleanup", "yaml": "source: /a\ndestination: /b\n" });
    let created = admin.post("/api/pipelines", &pipeline).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let seen = admin.data(query, &Value::Null).await;
    let platform = json!({ "kind": "PIPELINE_CANNOT_RUN", "customer": null });
    let items = seen["attention"]["items"].as_array().cloned().unwrap_or_default();
    assert!(items.len() == 2 && items.contains(&named) && items.contains(&platform), "{items:?}");
}
