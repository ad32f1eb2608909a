//! `Idempotency-Key` over GraphQL: a mutation that creates or starts something has one effect, however often it is
//! repeated.

use rstest::rstest;
use serde_json::{Value, json};

use super::{jobs, mutations::log, pipelines, two_customers_and_callers::COPY, with_agent};
use crate::support::{Client, PASSWORD, TestApp};

/// Sends a mutation twice with a key and checks that the second one changes nothing. Returns the answer to both.
async fn twice(app: &TestApp, client: &Client, mutation: &str, variables: &Value) -> Value {
    let client = client.with("Idempotency-Key", "one");
    let first = client.data(mutation, variables).await;
    let after_the_first = log(app).await;
    let second = client.data(mutation, variables).await;
    assert_eq!(first, second, "{mutation}");
    assert_eq!(log(app).await, after_the_first, "{mutation}");
    first
}

#[rstest]
#[case::a_customer("createCustomer", "CreateCustomerInput", json!({ "name": "Acme" }))]
#[case::a_user("createUser", "CreateUserInput", json!({ "email": "a@b.example", "password": PASSWORD, "role": "ADMIN" }))]
#[case::a_view("createView", "CreateViewInput", json!({ "name": "All", "page": "transfers", "query": "" }))]
#[tokio::test]
async fn a_mutation_with_a_key_creates_one_object(#[case] name: &str, #[case] kind: &str, #[case] input: Value) {
    let app = TestApp::start().await;
    let mutation = format!("mutation ($input: {kind}!) {{ {name}(input: $input) {{ id }} }}");
    twice(&app, &app.admin().await, &mutation, &json!({ "input": input })).await;
}

#[tokio::test]
async fn a_job_is_created_and_started_once_for_each_key() {
    let (app, _, agent, _) = with_agent().await;
    let admin = app.admin().await;
    let input = json!({
        "agentId": agent.id, "name": "Nightly", "source": "/out/", "destination": "/in/", "schedule": "0 * * * *",
        "protocol": "LOCAL", "direction": "PULL", "overlap": "ALLOW",
    });
    let create = "mutation ($input: CreateJobInput!) { job: createJob(input: $input) { id } }";
    let job = twice(&app, &admin, create, &json!({ "input": input })).await["job"].clone();
    let run = "mutation ($id: ID!) { job: runJob(id: $id) { id } }";
    twice(&app, &admin, run, &job).await;
    let before = log(&app).await.len();
    admin.with("Idempotency-Key", "two").data(run, &job).await;
    assert!(log(&app).await.len() > before, "another key starts another run");
    let other = jobs::created(&admin, &agent, &json!({})).await;
    let answer = admin.with("Idempotency-Key", "one").ask(run, &json!({ "id": other["id"] })).await;
    assert_eq!(answer.codes(), ["UNPROCESSABLE"], "{}", answer.body);
}

#[tokio::test]
async fn a_pipeline_is_created_and_started_once_for_each_key() {
    let (app, _, _, user) = with_agent().await;
    let admin = app.admin().await;
    let input = json!({ "identifier": "orders", "name": "Orders", "yaml": COPY });
    let create = "mutation ($input: CreatePipelineInput!) { createPipeline(input: $input) { id } }";
    twice(&app, &user, create, &json!({ "input": input })).await;
    let run = "mutation ($id: ID!, $yaml: String) { run: runPipeline(id: $id, yaml: $yaml) { id } }";
    let first = twice(&app, &admin, run, &json!({ "id": "orders" })).await;
    let other = admin.with("Idempotency-Key", "two").data(run, &json!({ "id": "orders" })).await;
    assert_ne!(first, other, "another key starts another run");
    pipelines::created(&user, "bills", COPY).await;
    for variables in [json!({ "id": "bills" }), json!({ "id": "orders", "yaml": COPY })] {
        let answer = admin.with("Idempotency-Key", "one").ask(run, &variables).await;
        assert_eq!(answer.codes(), ["UNPROCESSABLE"], "{variables}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_pipeline_run_is_repeated_once_for_each_key() {
    let (app, _, agent, user) = with_agent().await;
    let admin = app.admin().await;
    pipelines::created(&user, "orders", COPY).await;
    let start = "mutation { run: runPipeline(id: \"orders\") { id pipelineId steps { id } } }";
    let run = admin.data(start, &Value::Null).await["run"].clone();
    let ids = [&run["pipelineId"], &run["id"], &run["steps"][0]["id"]];
    let [pipeline, id, step] = ids.map(|id| id.as_str().expect("an id"));
    let path = format!("/api/pipelines/{pipeline}/runs/{id}/steps/{step}");
    let failed = app.key(&agent.key).patch(&path, &json!({ "status": "failed", "errorMessage": "disk full" })).await;
    assert_eq!(failed.status, 200, "{}", failed.body);
    let rerun = "mutation ($id: ID!) { run: rerunPipelineRun(id: $id) { id } }";
    twice(&app, &admin, rerun, &json!({ "id": id })).await;
}

#[rstest]
#[case::empty("")]
#[case::a_space("a b")]
#[tokio::test]
async fn a_key_of_another_form_is_refused(#[case] key: &str) {
    let app = TestApp::start().await;
    let client = app.admin().await.with("Idempotency-Key", key);
    let create = "mutation { createCustomer(input: { name: \"Acme\" }) { id } }";
    let answer = client.ask(create, &Value::Null).await;
    assert_eq!(
        (answer.codes(), answer.wrong_arguments()),
        (vec!["INVALID"], vec!["Idempotency-Key"]),
        "{}",
        answer.body
    );
    assert_eq!(client.data("{ customers { totalCount } }", &Value::Null).await["customers"]["totalCount"], 0);
}

#[tokio::test]
async fn the_same_key_with_another_input_creates_nothing() {
    let app = TestApp::start().await;
    let client = app.admin().await.with("Idempotency-Key", "one");
    let create = "mutation ($name: String!) { createCustomer(input: { name: $name }) { id } }";
    client.data(create, &json!({ "name": "Acme" })).await;
    let answer = client.ask(create, &json!({ "name": "Other" })).await;
    assert_eq!(answer.codes(), ["UNPROCESSABLE"], "{}", answer.body);
    assert_eq!(client.data("{ customers { totalCount } }", &Value::Null).await["customers"]["totalCount"], 1);
}

#[tokio::test]
async fn each_mutation_of_a_document_is_carried_out_once_for_each_key() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let create = "mutation ($input: CreateCustomerInput!) { \
        createCustomer(input: $input) { id } \
        same: createCustomer(input: $input) { id } \
        other: createCustomer(input: { name: \"Other\" }) { id } }";
    let created = twice(&app, &admin, create, &json!({ "input": { "name": "Acme" } })).await;
    let found = admin.data("{ customers { nodes { id name } } }", &Value::Null).await["customers"]["nodes"].clone();
    let named = |customer: &str, name: &str| json!({ "id": created[customer]["id"], "name": name });
    let mut found: Vec<Value> = found.as_array().expect("customers").clone();
    let mut expected = vec![named("createCustomer", "Acme"), named("same", "Acme"), named("other", "Other")];
    for customers in [&mut found, &mut expected] {
        customers.sort_by_key(|customer| customer["id"].to_string());
    }
    assert_eq!(found, expected);
}
