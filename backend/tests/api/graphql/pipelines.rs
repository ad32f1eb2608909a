//! Pipelines over GraphQL: the same as over REST, and what only GraphQL can do.

mod definitions;
mod runs;
mod versions;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::{of, two_customers_and_callers::COPY, with_agent};
use crate::support::Client;

const PIPELINE: &str = "id identifier name description yaml enabled createdAt updatedAt version customerId nextRunAt \
                        versions { version createdAt gitSha }";

/// Two steps in a line, with a parameter.
const LINE: &str = "\
source: /out/orders-${{ params.date }}.csv
destination: /in/orders.csv
parameters: { date: \"2026-01-01\" }
steps:
  - { id: fetch, type: transfer }
  - { id: check, type: checksum, needs: [fetch], path: /in/orders.csv }
";

async fn pipeline_in_rest(client: &Client, id: &Value) -> Value {
    let answer = client.get(&format!("/api/pipelines/{}", id.as_str().expect("an id"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["pipeline"].clone()
}

pub(super) async fn created(client: &Client, identifier: &str, yaml: &str) -> Value {
    let input = json!({ "identifier": identifier, "name": "Orders", "yaml": yaml });
    let create =
        format!("mutation ($input: CreatePipelineInput!) {{ made: createPipeline(input: $input) {{ {PIPELINE} }} }}");
    client.data(&create, &json!({ "input": input })).await["made"].clone()
}

#[tokio::test]
async fn a_pipeline_is_made_changed_and_deleted_as_over_rest() {
    let (app, customer, _, user) = with_agent().await;
    let input = json!({
        "identifier": "orders", "name": "Orders", "description": "Every night", "yaml": COPY, "enabled": false,
        "gitSha": "ABCDEF1",
    });
    let create =
        format!("mutation ($input: CreatePipelineInput!) {{ made: createPipeline(input: $input) {{ {PIPELINE} }} }}");
    let made = user.data(&create, &json!({ "input": input })).await["made"].clone();
    assert_eq!(made["customerId"], json!(customer.id));
    assert_eq!(made["versions"], json!([{ "version": 1, "createdAt": made["createdAt"], "gitSha": "abcdef1" }]));
    assert_eq!(made, pipeline_in_rest(&user, &made["id"]).await);

    app.advance(TimeDelta::seconds(1));
    let update = format!(
        "mutation ($id: ID!, $input: UpdatePipelineInput!) {{ is: updatePipeline(id: $id, input: $input) {{ {PIPELINE} }} }}"
    );
    let input = json!({ "name": "Orders by day", "description": null, "enabled": true });
    let changed = user.data(&update, &json!({ "id": "orders", "input": input })).await["is"].clone();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Orders by day"), &Value::Null));
    assert_eq!((&changed["enabled"], &changed["version"], &changed["yaml"]), (&json!(true), &json!(1), &json!(COPY)));
    assert_eq!(changed, pipeline_in_rest(&user, &made["id"]).await);
    let nothing = user.data(&update, &json!({ "id": made["id"], "input": {} })).await["is"].clone();
    assert_eq!(nothing, changed);

    let one = format!("query ($id: ID!) {{ pipeline(id: $id) {{ {PIPELINE} }} }}");
    for id in [&json!("orders"), &made["id"]] {
        assert_eq!(user.data(&one, &json!({ "id": id })).await["pipeline"], changed, "by id and by identifier");
    }
    let deleted = user.data("mutation ($id: ID!) { deletePipeline(id: $id) }", &json!({ "id": "orders" })).await;
    assert_eq!(deleted["deletePipeline"], made["id"]);
    assert_eq!(user.ask(&one, &json!({ "id": made["id"] })).await.codes(), ["NOT_FOUND"]);
}

#[rstest]
#[case(json!({ "identifier": "Orders!", "name": "", "description": "d".repeat(501), "yaml": COPY, "gitSha": "x" }),
    &["description", "gitSha", "identifier", "name"])]
#[case(json!({ "identifier": "orders", "name": "A", "yaml": COPY, "customerId": "0199c1f0-6c00-7000-8000-000000000001" }),
    &["customerId"])]
#[tokio::test]
async fn what_is_wrong_beside_the_definition_is_named_as_over_rest(#[case] body: Value, #[case] fields: &[&str]) {
    let (app, ..) = with_agent().await;
    let admin = app.admin().await;
    let create = "mutation ($input: CreatePipelineInput!) { createPipeline(input: $input) { id } }";
    let answer = admin.ask(create, &json!({ "input": body })).await;
    assert_eq!((answer.codes(), answer.wrong_arguments().as_slice()), (vec!["INVALID"], fields), "{}", answer.body);
    let rest = admin.post("/api/pipelines", &body).await;
    assert_eq!(answer.body["errors"][0]["extensions"]["fields"], rest.body["details"]["fields"]);
}

#[tokio::test]
async fn an_identifier_that_several_have_names_them_all_and_one_that_is_taken_is_a_conflict() {
    let (app, customer, _, user) = with_agent().await;
    let other = app.customer("Other").await;
    let admin = app.admin().await;
    let ids = [app.pipeline(customer.id, "orders", COPY).await, app.pipeline(other.id, "orders", COPY).await];
    let one = "{ pipeline(id: \"orders\") { id } }";
    let several = admin.ask(one, &Value::Null).await;
    assert_eq!(
        several.body["errors"][0]["extensions"],
        json!({ "code": "CONFLICT", "details": { "ids": ids } }),
        "{}",
        several.body
    );
    assert_eq!(user.data(one, &Value::Null).await["pipeline"]["id"], json!(ids[0]));
    let input = json!({ "identifier": "orders", "name": "Again", "yaml": COPY });
    let create = "mutation ($input: CreatePipelineInput!) { createPipeline(input: $input) { id } }";
    assert_eq!(user.ask(create, &json!({ "input": input })).await.codes(), ["CONFLICT"]);
    let neither = user.ask("{ pipeline(id: \"No such thing!\") { id } }", &Value::Null).await;
    assert_eq!(neither.codes(), ["INVALID"]);
}

#[tokio::test]
async fn customers_read_and_write_their_own_pipelines_and_see_no_runs_and_versions() {
    let (app, _, _, user) = with_agent().await;
    let (admin, other_user) = (app.admin().await, app.bearer(&app.customer("Other").await.token));
    let pipeline = created(&user, "orders", COPY).await;
    let run = admin.data("mutation { runPipeline(id: \"orders\") { id } }", &Value::Null).await["runPipeline"].clone();
    let list = format!("{{ pipelines {{ totalCount nodes {{ {PIPELINE} }} }} }}");
    assert_eq!(user.data(&list, &Value::Null).await["pipelines"], json!({ "totalCount": 1, "nodes": [pipeline] }));
    assert_eq!(other_user.data(&list, &Value::Null).await["pipelines"], json!({ "totalCount": 0, "nodes": [] }));
    for query in [
        "query ($id: ID!) { pipelineRuns(filter: { pipelineId: $id }) { totalCount } }",
        "query ($id: ID!) { pipelineSlots(pipelineId: $id) { totalCount } }",
        "query ($id: ID!) { pipelineVersions(pipelineId: $id) { totalCount } }",
        "query ($id: ID!) { pipelineVersionYaml(pipelineId: $id, version: 1) }",
        "query ($id: ID!) { pipelineDiff(pipelineId: $id, from: 1, to: 1) { added } }",
        "query ($id: ID!) { pipeline(id: $id) { runs { id } } }",
        "query ($id: ID!) { pipelines { nodes { runs { plan } } } pipeline(id: $id) { id } }",
        "mutation ($id: ID!) { runPipeline(id: $id) { id } }",
        "mutation ($id: ID!) { restorePipelineVersion(pipelineId: $id, version: 1) { id } }",
    ] {
        let answer = user.ask(query, &of(&pipeline["id"].as_str().expect("an id"))).await;
        assert_eq!(answer.codes(), ["FORBIDDEN"], "{query}: {}", answer.body);
    }
    for query in [
        "query ($id: ID!) { pipelineRun(id: $id) { id } }",
        "mutation ($id: ID!) { cancelPipelineRun(id: $id) { id } }",
        "mutation ($id: ID!) { rerunPipelineRun(id: $id) { id } }",
    ] {
        let id = of(&run["id"].as_str().expect("an id"));
        assert_eq!(user.ask(query, &id).await.codes(), ["FORBIDDEN"], "{query}");
        assert_eq!(other_user.ask(query, &id).await.codes(), ["NOT_FOUND"], "{query}");
    }
    let node = "query ($id: ID!) { node(id: $id) { id } }";
    assert_eq!(user.data(node, &json!({ "id": run["id"] })).await["node"], Value::Null);
    assert_eq!(user.data(node, &json!({ "id": pipeline["id"] })).await["node"]["id"], pipeline["id"]);
}

#[tokio::test]
async fn a_secret_for_webhooks_is_shown_once() {
    let (app, customer, _, user) = with_agent().await;
    let (admin, other_user) = (app.admin().await, app.bearer(&app.customer("Other").await.token));
    let rotate = "mutation ($id: ID) { made: rotateWebhookSecret(customerId: $id) { id secret customerId createdAt } }";
    let made = user.data(rotate, &Value::Null).await["made"].clone();
    assert_eq!((&made["customerId"], &made["createdAt"]), (&json!(customer.id), &json!("2026-04-25T13:00:00Z")));
    let secret = made["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("mft_wh_") && !secret.ends_with('…'), "{secret}");
    let query = "query ($id: ID!) {
        events(first: 1) { nodes { kind object { ... on WebhookSecret { id secret } } } }
        node(id: $id) { ... on WebhookSecret { id secret } } }";
    for client in [&user, &admin] {
        let seen = client.data(query, &json!({ "id": made["id"] })).await;
        let event = &seen["events"]["nodes"][0];
        assert_eq!((&event["kind"], &event["object"]), (&json!("WEBHOOK_SECRET_ROTATED"), &seen["node"]));
        let shown = seen["node"]["secret"].as_str().expect("how it begins");
        assert!(shown.ends_with('…') && secret.starts_with(shown.trim_end_matches('…')), "{shown}");
        assert!(!seen.to_string().contains(secret));
    }
    assert_eq!(other_user.data(query, &json!({ "id": made["id"] })).await["node"], Value::Null);
    assert_eq!(other_user.ask(rotate, &of(&customer.id)).await.codes(), ["NOT_FOUND"]);
    let platform = admin.data(rotate, &Value::Null).await["made"].clone();
    assert_eq!(platform["customerId"], Value::Null);
    let rotated = admin.data(rotate, &of(&customer.id)).await["made"].clone();
    assert!(rotated["id"] != made["id"] && rotated["secret"] != made["secret"]);
    assert_eq!(user.data(query, &json!({ "id": made["id"] })).await["node"], Value::Null, "the one before is gone");
}
