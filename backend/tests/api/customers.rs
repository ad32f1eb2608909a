//! Customers: created, renamed, suspended and reactivated by administrators.

use backend::ids::CustomerId;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    app::{TestAgent, TestCustomer, TestDatabase},
    connected,
};

const UNKNOWN: &str = "0199c1f0-6c00-7000-8000-000000000001";

fn path(id: CustomerId) -> String {
    format!("/api/customers/{id}")
}

#[tokio::test]
async fn a_new_customer_is_answered_whole_and_listed_first() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin.post("/api/customers", &json!({ "name": "Older" })).await;
    let made = admin.post("/api/customers", &json!({ "name": "  Acme Logistics ", "unknown": 1 })).await;
    let customer = &made.body["data"]["customer"];
    let whole = json!({
        "id": customer["id"], "name": "Acme Logistics", "suspended": false, "createdAt": "2026-04-25T13:00:00Z",
    });
    assert_eq!((made.status, customer), (201, &whole));
    let list = admin.get("/api/customers").await;
    assert_eq!(list.body["data"]["customers"][0], whole);
    assert_eq!(list.body["data"]["pagination"], json!({ "page": 1, "limit": 20, "total": 2, "pages": 1 }));
    let second = admin.get("/api/customers?page=2&limit=1").await;
    assert_eq!(second.body["data"]["customers"][0]["name"], "Older");
    let beyond = admin.get("/api/customers?page=3&limit=1").await;
    assert_eq!((beyond.status, &beyond.body["data"]["customers"]), (200, &json!([])));
}

#[tokio::test]
async fn names_need_not_be_unique() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for _ in 0..2 {
        assert_eq!(admin.post("/api/customers", &json!({ "name": "Acme" })).await.status, 201);
    }
}

#[tokio::test]
async fn a_customer_is_renamed_and_an_empty_change_changes_nothing() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let renamed = admin.patch(&path(customer.id), &json!({ "name": "Acme Logistics" })).await;
    assert_eq!((renamed.status, &renamed.body["data"]["customer"]["name"]), (200, &json!("Acme Logistics")));
    let same = admin.patch(&path(customer.id), &json!({})).await;
    assert_eq!((same.status, &same.body["data"]), (200, &renamed.body["data"]));
}

#[rstest]
#[case::nothing(json!({}), "name")]
#[case::null(json!({ "name": null }), "name")]
#[case::empty(json!({ "name": "  " }), "name")]
#[case::too_long(json!({ "name": "a".repeat(256) }), "name")]
#[case::a_number(json!({ "name": 5 }), "name")]
#[case::control_characters(json!({ "name": "a\nb" }), "name")]
#[tokio::test]
async fn a_customer_needs_a_name(#[case] body: Value, #[case] field: &str) {
    let app = TestApp::start().await;
    let answer = app.admin().await.post("/api/customers", &body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body["details"]["fields"][field].is_array(), "{}", answer.body);
}

#[rstest]
#[case::name_null(json!({ "name": null }), &["name"])]
#[case::both(json!({ "name": "", "suspended": "yes" }), &["name", "suspended"])]
#[case::suspended_null(json!({ "suspended": null }), &["suspended"])]
#[tokio::test]
async fn a_change_with_wrong_fields_names_them_all(#[case] body: Value, #[case] wrong: &[&str]) {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let answer = admin.patch(&path(customer.id), &body).await;
    let fields: Vec<&String> =
        answer.body["details"]["fields"].as_object().into_iter().flat_map(|map| map.keys()).collect();
    assert_eq!(
        (answer.status, fields),
        (400, wrong.iter().map(ToString::to_string).collect::<Vec<_>>().iter().collect())
    );
}

#[tokio::test]
async fn only_administrators_see_and_make_customers() {
    let app = TestApp::start().await;
    let (own, other) = (app.customer("own").await, app.customer("other").await);
    let agent = app.agent(own.id, "edge-1").await;
    let body = json!({ "name": "Mine" });
    let user = app.bearer(&own.token);
    assert_eq!(user.get("/api/customers").await.status, 403);
    assert_eq!(user.post("/api/customers", &body).await.status, 403);
    assert_eq!(user.patch(&path(own.id), &body).await.status, 403);
    assert_eq!(user.patch(&path(other.id), &body).await.status, 404, "that others exist is none of their business");
    for client in [app.anonymous(), app.key(&agent.key)] {
        assert_eq!(client.get("/api/customers").await.status, 401);
        assert_eq!(client.post("/api/customers", &body).await.status, 401);
        assert_eq!(client.patch(&path(own.id), &body).await.status, 401);
    }
}

#[rstest]
#[case::unknown(UNKNOWN)]
#[case::not_an_id("acme")]
#[tokio::test]
async fn a_customer_who_is_not_there_is_404(#[case] id: &str) {
    let app = TestApp::start().await;
    let answer = app.admin().await.patch(&format!("/api/customers/{id}"), &json!({ "name": "A" })).await;
    assert_eq!((answer.status, &answer.body["error"]), (404, &json!("customer not found")));
}

/// The statuses that the customer's user and agent get.
async fn doors(app: &TestApp, customer: &TestCustomer, agent: &TestAgent) -> (u16, u16) {
    let heartbeat = app.key(&agent.key).send("POST", "/api/agents/heartbeat", None).await;
    (app.bearer(&customer.token).get("/api/agents").await.status, heartbeat.status)
}

#[tokio::test]
async fn a_suspended_customers_users_and_agents_are_shut_out_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (customer, other) = (app.customer("acme").await, app.customer("other").await);
    let agent = app.agent(customer.id, "edge-1").await;
    let others_agent = app.agent(other.id, "edge-1").await;
    assert_eq!(doors(&app, &customer, &agent).await, (200, 200));
    let answer = admin.patch(&path(customer.id), &json!({ "suspended": true })).await;
    assert_eq!(answer.body["data"]["customer"]["suspended"], true);
    assert_eq!(doors(&app, &customer, &agent).await, (401, 401));
    assert_eq!(doors(&app, &other, &others_agent).await, (200, 200));
    admin.patch(&path(customer.id), &json!({ "suspended": false })).await;
    assert_eq!(doors(&app, &customer, &agent).await, (200, 200));
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_customer_suspended_on_one_server_is_shut_out_on_the_other() {
    let database = TestDatabase::shared().await;
    let app = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let other = TestApp::on(&database, &["--rate-limits", "off"]).await;
    connected(&app).await;
    connected(&other).await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    assert_eq!(doors(&other, &customer, &agent).await, (200, 200));
    let mut changes = other.cp().bus().read();
    let admin = app.admin().await;
    admin.patch(&path(customer.id), &json!({ "suspended": true })).await;
    // The message that says so travels; until it is there, the second server cannot know.
    while doors(&other, &customer, &agent).await != (401, 401) {
        changes.next().await.expect("a bus");
    }
}
