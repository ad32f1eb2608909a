//! Enrolment codes: created by administrators and by customers for themselves, shown in full once.

use backend::ids::CustomerId;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

fn path(customer: CustomerId) -> String {
    format!("/api/customers/{customer}/enrolment-codes")
}

fn code(answer: &Answer) -> Value {
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["data"]["enrolmentCode"].clone()
}

async fn register(app: &TestApp, code: &Value) -> Answer {
    let body = json!({ "hostname": "edge-1", "os": "linux", "customerIdentifier": code["code"] });
    app.anonymous().post("/api/agents/register", &body).await
}

#[tokio::test]
async fn a_code_is_shown_in_full_once_and_only_its_beginning_later() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let user = app.bearer(&customer.token);
    let body = json!({ "expiresAt": "2026-04-26T13:00:00+02:00", "maxUses": 10 });
    let made = code(&user.post(&path(customer.id), &body).await);
    let text = made["code"].as_str().unwrap_or_default();
    assert!(text.starts_with("mft_ec_") && text.len() == 50, "{text}");
    let shown = json!({
        "id": made["id"], "code": format!("{}…", &text[..12]), "customerId": customer.id,
        "expiresAt": "2026-04-26T11:00:00Z", "maxUses": 10, "uses": 0,
    });
    let mut whole = shown.clone();
    whole["code"] = json!(text);
    assert_eq!(made, whole);
    let list = user.get(&path(customer.id)).await;
    assert_eq!((list.status, &list.body["data"]["enrolmentCodes"]), (200, &json!([shown])));
    assert_eq!(list.body["data"]["pagination"], json!({ "page": 1, "limit": 20, "total": 1, "pages": 1 }));
}

#[tokio::test]
async fn a_code_needs_neither_an_end_nor_a_number_of_uses() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let user = app.bearer(&customer.token);
    for answer in [
        user.send("POST", &path(customer.id), None).await,
        user.post(&path(customer.id), &json!({})).await,
        user.post(&path(customer.id), &json!({ "expiresAt": null, "maxUses": null })).await,
    ] {
        let made = code(&answer);
        assert_eq!((&made["expiresAt"], &made["maxUses"]), (&Value::Null, &Value::Null));
        assert_eq!(register(&app, &made).await.status, 201);
    }
}

#[rstest]
#[case::not_an_instant(json!({ "expiresAt": "tomorrow" }), "expiresAt")]
#[case::the_present(json!({ "expiresAt": "2026-04-25T13:00:00Z" }), "expiresAt")]
#[case::no_use(json!({ "maxUses": 0 }), "maxUses")]
#[case::more_uses_than_graphql_can_tell(json!({ "maxUses": 2_147_483_648_i64 }), "maxUses")]
#[case::half_a_use(json!({ "maxUses": 1.5 }), "maxUses")]
#[tokio::test]
async fn a_code_that_could_never_work_is_400(#[case] body: Value, #[case] field: &str) {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let answer = app.bearer(&customer.token).post(&path(customer.id), &body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body["details"]["fields"][field].is_array(), "{}", answer.body);
}

#[tokio::test]
async fn each_registration_counts_until_the_code_is_used_up() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let user = app.bearer(&customer.token);
    let made = code(&user.post(&path(customer.id), &json!({ "maxUses": 2 })).await);
    for uses in 1..=2 {
        assert_eq!(register(&app, &made).await.status, 201);
        assert_eq!(user.get(&path(customer.id)).await.body["data"]["enrolmentCodes"][0]["uses"], uses);
    }
    let answer = register(&app, &made).await;
    assert_eq!((answer.status, answer.body["data"].is_null()), (403, true));
}

#[tokio::test]
async fn a_registration_that_is_refused_uses_nothing_up() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let made = code(&app.bearer(&customer.token).post(&path(customer.id), &json!({ "maxUses": 1 })).await);
    let body = json!({ "hostname": "edge-1", "os": "plan9", "customerIdentifier": made["code"] });
    assert_eq!(app.anonymous().post("/api/agents/register", &body).await.status, 400);
    assert_eq!(register(&app, &made).await.status, 201);
}

#[tokio::test]
async fn two_agents_at_once_do_not_share_the_last_use() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let made = code(&app.bearer(&customer.token).post(&path(customer.id), &json!({ "maxUses": 1 })).await);
    let (one, two) = tokio::join!(register(&app, &made), register(&app, &made));
    assert_eq!((one.status.min(two.status), one.status.max(two.status)), (201, 403));
}

#[tokio::test]
async fn an_expired_code_is_403() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let body = json!({ "expiresAt": "2026-04-25T14:00:00Z" });
    let made = code(&app.bearer(&customer.token).post(&path(customer.id), &body).await);
    app.advance(TimeDelta::milliseconds(3_599_999));
    assert_eq!(register(&app, &made).await.status, 201);
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!(register(&app, &made).await.status, 403);
}

#[tokio::test]
async fn a_suspended_customers_code_is_403() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let made = code(&admin.post(&path(customer.id), &json!({})).await);
    admin.patch(&format!("/api/customers/{}", customer.id), &json!({ "suspended": true })).await;
    assert_eq!(register(&app, &made).await.status, 403);
}

#[tokio::test]
async fn a_withdrawn_code_is_403_and_its_agents_stay() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let user = app.bearer(&customer.token);
    let made = code(&user.post(&path(customer.id), &json!({})).await);
    let key = register(&app, &made).await.body["data"]["apiKey"].as_str().unwrap_or_default().to_owned();
    let one = format!("/api/enrolment-codes/{}", made["id"].as_str().unwrap_or_default());
    let answer = user.delete(&one).await;
    assert_eq!((answer.status, &answer.body["data"]), (200, &json!({ "deleted": true })));
    assert_eq!(register(&app, &made).await.status, 403);
    assert_eq!(user.delete(&one).await.status, 404);
    assert_eq!(user.get(&path(customer.id)).await.body["data"]["enrolmentCodes"], json!([]));
    assert_eq!(app.key(&key).send("POST", "/api/agents/heartbeat", None).await.status, 200);
}

#[tokio::test]
async fn customers_have_codes_of_their_own_and_administrators_have_all() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (own, other) = (app.customer("own").await, app.customer("other").await);
    let agent = app.agent(own.id, "edge-1").await;
    let theirs = code(&admin.post(&path(other.id), &json!({})).await);
    let one = format!("/api/enrolment-codes/{}", theirs["id"].as_str().unwrap_or_default());
    let user = app.bearer(&own.token);
    assert_eq!(user.get(&path(other.id)).await.status, 404);
    assert_eq!(user.post(&path(other.id), &json!({})).await.status, 404);
    assert_eq!(user.delete(&one).await.status, 404);
    for client in [app.anonymous(), app.key(&agent.key)] {
        assert_eq!(client.get(&path(own.id)).await.status, 401);
        assert_eq!(client.post(&path(own.id), &json!({})).await.status, 401);
        assert_eq!(client.delete(&one).await.status, 401);
    }
    assert_eq!(admin.get(&path(other.id)).await.body["data"]["pagination"]["total"], 1);
    assert_eq!(admin.delete(&one).await.status, 200);
}

#[rstest]
#[case::a_customer("/api/customers/0199c1f0-6c00-7000-8000-000000000001/enrolment-codes", "customer not found")]
#[case::no_id("/api/customers/acme/enrolment-codes", "customer not found")]
#[tokio::test]
async fn codes_of_no_customer_are_404(#[case] path: &str, #[case] error: &str) {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for answer in [admin.get(path).await, admin.post(path, &json!({})).await] {
        assert_eq!((answer.status, &answer.body["error"]), (404, &json!(error)));
    }
}
