//! GraphQL refuses what REST refuses, with the same message, code and fields.

use rstest::rstest;
use serde_json::{Value, json};

use super::{of, transfer_after, with_agent};
use crate::support::{Answer, PASSWORD, TestApp};

/// The error code for the status of a REST answer.
fn code(answer: &Answer) -> &'static str {
    match answer.status {
        400 => "INVALID",
        401 => "UNAUTHENTICATED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        409 => "CONFLICT",
        other => panic!("{other}: {}", answer.body),
    }
}

fn assert_same(rest: &Answer, graphql: &Answer) {
    assert_eq!((graphql.status, graphql.codes()), (200, vec![code(rest)]), "{} {}", rest.body, graphql.body);
    let error = &graphql.body["errors"][0];
    assert_eq!(error["message"], rest.body["error"]);
    assert_eq!(error["extensions"].get("fields"), rest.body["details"].get("fields"));
}

#[rstest]
#[case::no_name("POST", "customers", json!({ "name": "" }), "createCustomer(input: { name: \"\" }) { id }")]
#[case::long_name(
    "POST", "customers", json!({ "name": "n".repeat(256) }), "createCustomer(input: { name: \"{256}\" }) { id }"
)]
#[case::name_taken_away(
    "PATCH", "customers/{customer}", json!({ "name": null, "suspended": null }),
    "updateCustomer(id: \"{customer}\", input: { name: null, suspended: null }) { id }"
)]
#[case::no_such_customer(
    "PATCH", "customers/{nowhere}", json!({ "name": "x" }),
    "updateCustomer(id: \"{nowhere}\", input: { name: \"x\" }) { id }"
)]
#[case::all_that_is_wrong_with_a_user(
    "POST", "users", json!({ "email": "nobody", "password": "short", "role": "customer" }),
    "createUser(input: { email: \"nobody\", password: \"short\", role: CUSTOMER }) { id }"
)]
#[case::an_admin_of_a_customer(
    "POST", "users", json!({ "email": "a@b", "password": PASSWORD, "role": "admin", "customerId": "{customer}" }),
    "createUser(input: { email: \"a@b\", password: \"{password}\", role: ADMIN, customerId: \"{customer}\" }) { id }"
)]
#[case::a_user_of_nobody(
    "POST", "users", json!({ "email": "a@b", "password": PASSWORD, "role": "customer", "customerId": "{nowhere}" }),
    "createUser(input: { email: \"a@b\", password: \"{password}\", role: CUSTOMER, customerId: \"{nowhere}\" }) { id }"
)]
#[case::taken(
    "POST", "users", json!({ "email": "Root@Example.com", "password": PASSWORD, "role": "admin" }),
    "createUser(input: { email: \"Root@Example.com\", password: \"{password}\", role: ADMIN }) { id }"
)]
#[case::no_such_user(
    "PATCH", "users/{nowhere}", json!({ "suspended": true }),
    "updateUser(id: \"{nowhere}\", input: { suspended: true }) { id }"
)]
#[case::short_password(
    "PATCH", "users/{root}", json!({ "password": "short", "role": null }),
    "updateUser(id: \"{root}\", input: { password: \"short\", role: null }) { id }"
)]
#[case::no_role_for_an_admin(
    "PATCH", "users/{root}", json!({ "role": "customer" }), "updateUser(id: \"{root}\", input: { role: CUSTOMER }) { id }"
)]
#[case::the_last_admin(
    "PATCH", "users/{root}", json!({ "suspended": true }), "updateUser(id: \"{root}\", input: { suspended: true }) { id }"
)]
#[case::a_code_that_never_works(
    "POST", "customers/{customer}/enrolment-codes", json!({ "maxUses": 0 }),
    "createEnrolmentCode(customerId: \"{customer}\", input: { maxUses: 0 }) { id }"
)]
#[case::a_code_of_yesterday(
    "POST", "customers/{customer}/enrolment-codes", json!({ "expiresAt": "2026-04-24T13:00:00Z" }),
    "createEnrolmentCode(customerId: \"{customer}\", input: { expiresAt: \"2026-04-24T13:00:00Z\" }) { id }"
)]
#[case::a_code_of_nobody(
    "POST", "customers/{nowhere}/enrolment-codes", json!({}), "createEnrolmentCode(customerId: \"{nowhere}\") { id }"
)]
#[case::no_such_code("DELETE", "enrolment-codes/{nowhere}", json!({}), "deleteEnrolmentCode(id: \"{nowhere}\")")]
#[case::less_than_no_overlap(
    "POST", "agents/{agent}/key", json!({ "overlapSeconds": -1 }),
    "rotateAgentKey(id: \"{agent}\", overlapSeconds: -1) { apiKey }"
)]
#[case::too_long_an_overlap(
    "POST", "agents/{agent}/key", json!({ "overlapSeconds": 2_592_001 }),
    "rotateAgentKey(id: \"{agent}\", overlapSeconds: 2592001) { apiKey }"
)]
#[case::no_such_agent(
    "POST", "agents/{nowhere}/key", json!({}), "rotateAgentKey(id: \"{nowhere}\") { apiKey }"
)]
#[case::nobody_to_ask_for_a_new_key(
    "POST", "agents/{nowhere}/rotate-key", json!({}), "requestKeyRotation(id: \"{nowhere}\") { id }"
)]
#[case::nobody_to_revoke("DELETE", "agents/{nowhere}", json!({}), "revokeAgent(id: \"{nowhere}\")")]
#[case::wrong_password(
    "POST", "auth/login", json!({ "email": "root@example.com", "password": "wrong" }),
    "login(email: \"root@example.com\", password: \"wrong\") { token }"
)]
#[case::a_zero_byte(
    "POST", "auth/login", json!({ "email": "a\u{0}b", "password": "x" }), "login(email: \"a\\u0000b\", password: \"x\") { token }"
)]
#[tokio::test]
async fn a_mutation_is_refused_alike(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: Value,
    #[case] mutation: &str,
) {
    let (app, customer, agent, _) = with_agent().await;
    let root = app.create_user("root", None).await;
    let admin = app.bearer(&super::token_of(&app, &root.email, chrono::TimeDelta::hours(1)).await);
    let filled = |text: &str| {
        text.replace("{customer}", &customer.id.to_string())
            .replace("{agent}", &agent.id.to_string())
            .replace("{root}", &root.id.to_string())
            .replace("{nowhere}", "0199c1f0-6c00-7000-8000-000000000001")
            .replace("{password}", PASSWORD)
            .replace("{256}", &"n".repeat(256))
    };
    let body: Value = serde_json::from_str(&filled(&body.to_string())).expect("JSON");
    let rest = admin.send(method, &filled(&format!("/api/{path}")), Some(&body)).await;
    assert_same(&rest, &admin.ask(&format!("mutation {{ {} }}", filled(mutation)), &Value::Null).await);
}

#[rstest]
#[case::agent("agents/{nowhere}", "agent(id: \"{nowhere}\") { id }")]
#[case::transfer("transfers/{nowhere}", "transfer(id: \"{nowhere}\") { id }")]
#[case::codes("customers/{nowhere}/enrolment-codes", "enrolmentCodes(customerId: \"{nowhere}\") { totalCount }")]
#[case::customers("customers", "customers { totalCount }")]
#[case::users("users", "users { totalCount }")]
#[case::a_long_search("transfers?search={256}", "transfers(filter: { search: \"{256}\" }) { totalCount }")]
#[case::another_long_search("agents?search={256}", "agents(filter: { search: \"{256}\" }) { totalCount }")]
#[tokio::test]
async fn a_query_is_refused_alike(#[case] path: &str, #[case] query: &str) {
    let (_app, _, _, user) = with_agent().await;
    let filled = |text: &str| {
        text.replace("{nowhere}", "0199c1f0-6c00-7000-8000-000000000001").replace("{256}", &"n".repeat(256))
    };
    let rest = user.get(&filled(&format!("/api/{path}"))).await;
    assert_same(&rest, &user.ask(&format!("{{ {} }}", filled(query)), &Value::Null).await);
}

#[rstest]
#[case::completed(json!({ "status": "completed" }), "cancelTransfer", "a transfer that is completed cannot be cancelled")]
#[case::failed(json!({ "status": "failed" }), "cancelTransfer", "a transfer that is failed cannot be cancelled")]
#[case::running(
    json!({ "status": "running" }), "retryTransfer",
    "a transfer that is running cannot be retried: only a failed one can"
)]
#[tokio::test]
async fn a_transfer_in_another_state_is_a_conflict(#[case] report: Value, #[case] field: &str, #[case] sentence: &str) {
    let (app, _, agent, user) = with_agent().await;
    let transfer = transfer_after(&app, &agent, &report).await;
    let id = transfer["id"].as_str().expect("an id");
    let answer = user.ask(&format!("mutation ($id: ID!) {{ {field}(id: $id) {{ id }} }}"), &of(&id)).await;
    assert_eq!((answer.status, answer.codes()), (200, vec!["CONFLICT"]));
    assert_eq!(answer.body["errors"][0]["message"], sentence);
    let after = user.get(&format!("/api/transfers/{id}")).await;
    assert_eq!(after.body["data"]["transfer"], transfer, "the row is untouched");
}

#[rstest]
#[case("agent(id: \"server1\") { id }")]
#[case("transfer(id: 7) { id }")]
#[case("transfers(filter: { agentId: \"server1\" }) { totalCount }")]
#[case("transfers(filter: { createdAfter: \"yesterday\" }) { totalCount }")]
#[case("transfers(filter: { createdAfter: \"2026-04-25\" }) { totalCount }")]
#[case("transfers(filter: { status: running }) { totalCount }")]
#[case("transfers(filter: { status: [BUSY] }) { totalCount }")]
#[case("transfers(filter: { size: 5 }) { totalCount }")]
#[case("transfers(first: \"5\") { totalCount }")]
#[case("transfers(first: 5.5) { totalCount }")]
#[case("transfers(first: 5000000000) { totalCount }")]
#[case("node(id: \"server1\") { id }")]
#[case("agent { id }")]
#[case("agents")]
#[case("me { id { id } }")]
#[case("me { nothing }")]
#[tokio::test]
async fn what_does_not_fit_the_schema_is_invalid(#[case] query: &str) {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.ask(&format!("{{ {query} }}"), &Value::Null).await;
    let codes = answer.codes();
    assert!(answer.status == 200 && !codes.is_empty(), "{}", answer.body);
    assert!(codes.iter().all(|code| *code == "INVALID"), "{}", answer.body);
    let mut given = answer.body["data"].as_object().into_iter().flatten();
    assert!(given.all(|(_, value)| value.is_null()), "{}", answer.body);
}

#[tokio::test]
async fn a_refused_mutation_changes_nothing() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let rename = "mutation ($id: ID!) { updateCustomer(id: $id, input: { name: \"Mine\" }) { name } }";
    let answer = app.bearer(&customer.token).ask(rename, &of(&customer.id)).await;
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
    let listed = app.admin().await.data("{ customers { nodes { name } } }", &Value::Null).await;
    assert_eq!(listed["customers"]["nodes"], json!([{ "name": "Acme" }]));
}
