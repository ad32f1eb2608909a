//! Tests of `POST /api/agents/register`.

use backend::{
    actor::Actor,
    model::{
        customer::UpdateCustomer,
        enrolment_code::{CreateEnrolmentCode, EnrolmentCode},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    app::{START, TestCustomer},
};

const PATH: &str = "/api/agents/register";

async fn code(app: &TestApp, customer: &TestCustomer, input: CreateEnrolmentCode) -> EnrolmentCode {
    app.cp().create_enrolment_code(&Actor::System, customer.id, input).await.expect("a code")
}

fn with_code(code: &str) -> Value {
    json!({ "hostname": "server1.example.com", "os": "linux", "customerIdentifier": code })
}

#[tokio::test]
async fn a_customers_token_registers_an_agent_of_theirs() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let body = json!({
        "name": "production-server-1", "hostname": "server1.example.com", "os": "linux", "version": "0.1.0",
    });
    let answer = app.bearer(&customer.token).post(PATH, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let data = &answer.body["data"];
    let (id, key, template) = (&data["agent"]["id"], &data["apiKey"], &data["mtls"]["csrTemplate"]);
    assert_eq!(
        answer.body,
        json!({ "success": true, "data": {
        "agent": {
            "id": id, "name": "production-server-1", "hostname": "server1.example.com", "os": "linux", "version": "0.1.0",
            "status": "online", "statusReason": null, "lastHeartbeat": START, "ipAddress": "127.0.0.1", "createdAt": START,
            "customerId": customer.id, "load": null, "memory": null, "revision": 1,
        },
        "apiKey": key,
        "mtls": { "enabled": false, "csrTemplate": template },
    } })
    );
    let (id, key) = (id.as_str().expect("an id"), key.as_str().expect("a key"));
    let digits = key.strip_prefix("mft_ak_").expect("the prefix of keys");
    assert!(digits.len() == 43 && digits.bytes().all(|digit| digit.is_ascii_alphanumeric()), "{key}");
    let template = template.as_str().expect("a template");
    assert!(template.contains(&format!("\nCN = {id}\n")), "{template}");
    assert!(template.contains(&format!("\nO = {}\n", customer.id)), "{template}");
    assert_eq!(app.key(key).post("/api/agents/heartbeat", &json!({})).await.status, 200);
}

#[tokio::test]
async fn a_name_and_a_version_may_be_left_out_and_need_not_be_unique() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let client = app.bearer(&customer.token);
    for body in [
        json!({ "hostname": "twin", "os": "windows" }),
        json!({ "hostname": "twin", "os": "darwin", "name": null, "version": "" }),
    ] {
        let answer = client.post(PATH, &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let agent = &answer.body["data"]["agent"];
        assert_eq!((&agent["name"], &agent["version"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(client.get("/api/agents?search=twin").await.body["data"]["pagination"]["total"], 2);
}

#[tokio::test]
async fn an_enrolment_code_registers_an_agent_without_a_token_and_counts_it() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let code = code(&app, &customer, CreateEnrolmentCode::default()).await;
    let answer = app.anonymous().post(PATH, &with_code(&code.code)).await;
    assert_eq!((answer.status, &answer.body["data"]["agent"]["customerId"]), (201, &json!(customer.id)));
    let codes = app.bearer(&customer.token).get(&format!("/api/customers/{}/enrolment-codes", customer.id)).await;
    assert_eq!(codes.body["data"]["enrolmentCodes"][0]["uses"], 1);
}

#[tokio::test]
async fn an_administrator_registers_an_agent_for_the_customer_of_a_code_and_needs_one() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let admin = app.admin().await;
    let code = code(&app, &customer, CreateEnrolmentCode::default()).await;
    let answer = admin.post(PATH, &with_code(&code.code)).await;
    assert_eq!((answer.status, &answer.body["data"]["agent"]["customerId"]), (201, &json!(customer.id)));
    let without = admin.post(PATH, &json!({ "hostname": "server1", "os": "linux" })).await;
    assert_eq!((without.status, without.wrong_fields()), (400, vec!["customerIdentifier"]));
    assert_eq!(admin.post(PATH, &with_code("mft_ec_unknown")).await.status, 403);
}

#[tokio::test]
async fn a_customer_needs_no_code_and_another_customers_changes_nothing() {
    let app = TestApp::start().await;
    let (own, other) = (app.customer("Own").await, app.customer("Other").await);
    let code = code(&app, &other, CreateEnrolmentCode::default()).await;
    let answer = app.bearer(&own.token).post(PATH, &with_code(&code.code)).await;
    assert_eq!((answer.status, &answer.body["data"]["agent"]["customerId"]), (201, &json!(own.id)));
}

#[tokio::test]
async fn without_a_token_and_a_code_it_is_401() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let body = json!({ "hostname": "server1", "os": "linux" });
    for client in [app.anonymous(), app.key(&agent.key)] {
        assert_eq!(client.post(PATH, &body).await.status, 401);
    }
}

#[rstest]
#[case("Bearer garbage")]
#[case("Bearer ")]
#[case("Basic dXNlcjpwYXNz")]
#[tokio::test]
async fn a_bad_token_is_401_even_with_a_good_code(#[case] authorization: &str) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let code = code(&app, &customer, CreateEnrolmentCode::default()).await;
    let client = app.anonymous().with("Authorization", authorization);
    assert_eq!(client.post(PATH, &with_code(&code.code)).await.status, 401);
}

#[tokio::test]
async fn a_code_works_until_it_expires() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let now: DateTime<Utc> = START.parse().expect("an instant");
    let input = CreateEnrolmentCode { expires_at: Some(now + TimeDelta::minutes(5)), ..CreateEnrolmentCode::default() };
    let code = code(&app, &customer, input).await;
    app.advance(TimeDelta::minutes(5) - TimeDelta::milliseconds(1));
    assert_eq!(app.anonymous().post(PATH, &with_code(&code.code)).await.status, 201);
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!(app.anonymous().post(PATH, &with_code(&code.code)).await.status, 403);
}

#[tokio::test]
async fn a_code_works_as_often_as_it_says_and_a_refused_registration_does_not_count() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let code = code(&app, &customer, CreateEnrolmentCode { max_uses: Some(2), ..CreateEnrolmentCode::default() }).await;
    let anyone = app.anonymous();
    let mut wrong = with_code(&code.code);
    wrong["os"] = json!("plan9");
    assert_eq!(anyone.post(PATH, &wrong).await.status, 400);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(anyone.post(PATH, &with_code(&code.code)).await.status);
    }
    assert_eq!(statuses, [201, 201, 403]);
}

#[tokio::test]
async fn a_withdrawn_code_and_a_suspended_customers_code_are_403() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let withdrawn = code(&app, &customer, CreateEnrolmentCode::default()).await;
    let kept = code(&app, &customer, CreateEnrolmentCode::default()).await;
    app.cp().delete_enrolment_code(&Actor::System, withdrawn.id).await.expect("withdrawn");
    assert_eq!(app.anonymous().post(PATH, &with_code(&withdrawn.code)).await.status, 403);
    let suspend = UpdateCustomer { suspended: Some(true), ..UpdateCustomer::default() };
    app.cp().update_customer(&Actor::System, customer.id, suspend).await.expect("suspended");
    let answer = app.anonymous().post(PATH, &with_code(&kept.code)).await;
    assert_eq!((answer.status, answer.body["error"].as_str().map(str::is_empty)), (403, Some(false)));
}

#[rstest]
#[case(json!({}), &["hostname", "os"])]
#[case(json!({ "hostname": "", "os": "linux" }), &["hostname"])]
#[case(json!({ "hostname": "  ", "os": "linux" }), &["hostname"])]
#[case(json!({ "hostname": "h".repeat(256), "os": "linux" }), &["hostname"])]
#[case(json!({ "hostname": "tab\tbed", "os": "linux" }), &["hostname"])]
#[case(json!({ "hostname": "h", "os": "Linux" }), &["os"])]
#[case(json!({ "hostname": "h", "os": null }), &["os"])]
#[case(json!({ "hostname": "h", "os": 7, "name": 7, "version": [], "customerIdentifier": {} }),
    &["customerIdentifier", "name", "os", "version"])]
#[tokio::test]
async fn a_registration_that_is_wrong_is_400_with_all_that_is_wrong(#[case] body: Value, #[case] wrong: &[&str]) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let answer = app.bearer(&customer.token).post(PATH, &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
}
