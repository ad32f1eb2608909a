//! Pipelines over GraphQL: the same as over REST, and what only GraphQL can do.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::{of, with_agent, world::COPY};
use crate::support::{Client, TestApp, app::TestAgent};

const PIPELINE: &str = "id identifier name description yaml enabled createdAt updatedAt version customerId nextRunAt \
                        versions { version createdAt gitSha }";
const RUN: &str = "id pipelineId version status trigger startedAt completedAt errorMessage revision \
                   cancelRequestedAt rerunOf parameters { name value } steps { id type status attempt progress \
                   bytesTransferred startedAt completedAt errorMessage transferId }";

/// Two steps in a line, with a parameter.
const LINE: &str = "\
source: /out/orders-${{ params.date }}.csv
destination: /in/orders.csv
parameters: { date: \"2026-01-01\" }
steps:
  - { id: fetch, type: transfer }
  - { id: check, type: checksum, needs: [fetch], path: /in/orders.csv }
";

/// A mistake at its line.
const WRONG: &str = "sorce: /out\ndestination: /in\n";

async fn pipeline_in_rest(client: &Client, id: &Value) -> Value {
    let answer = client.get(&format!("/api/pipelines/{}", id.as_str().expect("an id"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["pipeline"].clone()
}

/// A run as REST shows it, said as GraphQL says it.
async fn run_in_rest(admin: &Client, run: &Value) -> Value {
    let path = format!("/api/pipelines/{}/runs?limit=100", run["pipelineId"].as_str().expect("an id"));
    let runs = admin.get(&path).await.body["data"]["runs"].clone();
    let found = runs.as_array().expect("runs").iter().find(|found| found["id"] == run["id"]);
    let mut run = found.unwrap_or_else(|| panic!("no {run}")).clone();
    let parameters = run["parameters"].as_object().expect("parameters").iter();
    run["parameters"] = parameters.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    for word in ["status", "trigger"] {
        run[word] = json!(run[word].as_str().expect("a word").to_uppercase());
    }
    for step in run["steps"].as_array_mut().expect("steps") {
        step["status"] = json!(step["status"].as_str().expect("a word").to_uppercase());
    }
    run
}

async fn created(client: &Client, identifier: &str, yaml: &str) -> Value {
    let input = json!({ "identifier": identifier, "name": "Orders", "yaml": yaml });
    let create =
        format!("mutation ($input: CreatePipelineInput!) {{ made: createPipeline(input: $input) {{ {PIPELINE} }} }}");
    client.data(&create, &json!({ "input": input })).await["made"].clone()
}

/// What a step of a run is said to have come to.
async fn says(app: &TestApp, agent: &TestAgent, run: &Value, step: &str, report: &Value) {
    let (pipeline, id) = (run["pipelineId"].as_str().expect("an id"), run["id"].as_str().expect("an id"));
    let path = format!("/api/pipelines/{pipeline}/runs/{id}/steps/{step}");
    let answer = app.key(&agent.key).patch(&path, report).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
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

#[tokio::test]
async fn a_new_definition_is_a_version_unless_it_is_the_same_and_a_lost_update_names_both_versions() {
    let (_app, _, _, user) = with_agent().await;
    let made = created(&user, "orders", COPY).await;
    let replace = "mutation ($yaml: String!, $expected: Int) {
        is: replacePipelineDefinition(id: \"orders\", yaml: $yaml, expectedVersion: $expected, gitSha: \"1234567\") {
            id version yaml versions { version gitSha } } }";
    let same = user.data(replace, &json!({ "yaml": COPY, "expected": 1 })).await["is"].clone();
    assert_eq!((&same["version"], &same["versions"][0]["gitSha"]), (&json!(1), &Value::Null), "nothing to save");
    let edit = json!({ "yaml": LINE, "expected": 1 });
    let newer = user.data(replace, &edit).await["is"].clone();
    assert_eq!((&newer["version"], &newer["yaml"], &newer["id"]), (&json!(2), &json!(LINE), &made["id"]));
    assert_eq!(newer["versions"], json!([{ "version": 2, "gitSha": "1234567" }]), "a customer's is the current one");
    let lost = user.ask(replace, &edit).await;
    let error = &lost.body["errors"][0];
    assert_eq!(
        (&error["extensions"], &error["message"]),
        (
            &json!({ "code": "CONFLICT", "details": { "currentVersion": 2, "expectedVersion": 1 } }),
            &json!("version 2 is current, and not version 1 as you expect")
        )
    );
    let wrong = user.ask(replace, &json!({ "yaml": COPY, "expected": 0 })).await;
    assert_eq!((wrong.codes(), wrong.wrong_arguments()), (vec!["INVALID"], vec!["expectedVersion"]));
}

#[tokio::test]
async fn a_definition_that_is_not_valid_is_refused_with_the_details_of_rest() {
    let (_app, _, _, user) = with_agent().await;
    created(&user, "orders", COPY).await;
    let body = json!({ "identifier": "wrong", "name": "Wrong", "yaml": WRONG });
    let rest = user.post("/api/pipelines", &body).await;
    assert_eq!(rest.status, 400);
    let details = &rest.body["details"];
    assert_eq!((&details["diagnostics"][0]["line"], &details["diagnostics"][0]["column"]), (&json!(1), &json!(1)));
    assert!(details["errors"][0].as_str().is_some_and(|error| error.contains("did you mean `source`")), "{details}");
    let create = "mutation ($input: CreatePipelineInput!) { createPipeline(input: $input) { id } }";
    let replace = "mutation ($input: String!) { replacePipelineDefinition(id: \"orders\", yaml: $input) { id } }";
    for (mutation, input) in [(create, body.clone()), (replace, json!(WRONG))] {
        let answer = user.ask(mutation, &json!({ "input": input })).await;
        let error = &answer.body["errors"][0];
        assert_eq!(error["extensions"], json!({ "code": "INVALID", "details": details }));
        assert_eq!(error["message"], rest.body["error"]);
    }
    let list = "{ pipelines { nodes { identifier version } } }";
    let nodes = user.data(list, &Value::Null).await["pipelines"]["nodes"].clone();
    assert_eq!(nodes, json!([{ "identifier": "orders", "version": 1 }]), "nothing was done");
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
async fn versions_are_listed_read_compared_and_brought_back() {
    let (app, _, _, user) = with_agent().await;
    let admin = app.admin().await;
    let made = created(&user, "orders", COPY).await;
    app.advance(TimeDelta::seconds(1));
    let longer = format!("{COPY}timeout: 2h\n");
    let put = admin.send("PUT", "/api/pipelines/orders/yaml", Some(&json!({ "yaml": longer }))).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let query = "{
        pipelineVersions(pipelineId: \"orders\") { totalCount nodes { version createdAt gitSha } }
        first: pipelineVersionYaml(pipelineId: \"orders\", version: 1)
        second: pipelineVersionYaml(pipelineId: \"orders\", version: 2)
        pipelineDiff(pipelineId: \"orders\", from: 1, to: 2) {
            from to added removed lines { change oldNumber newNumber text } } }";
    let found = admin.data(query, &Value::Null).await;
    let rest = admin.get("/api/pipelines/orders/versions").await.body["data"].clone();
    assert_eq!(found["pipelineVersions"], json!({ "totalCount": 2, "nodes": rest["versions"] }));
    assert_eq!((&found["first"], &found["second"]), (&json!(COPY), &json!(longer)));
    let line = |change: &str, old: Value, new: Value, text: &str| json!({ "change": change, "oldNumber": old, "newNumber": new, "text": text });
    let lines = [
        line("SAME", json!(1), json!(1), "source: /out/orders.csv"),
        line("SAME", json!(2), json!(2), "destination: /in/orders.csv"),
        line("ADDED", Value::Null, json!(3), "timeout: 2h"),
    ];
    assert_eq!(found["pipelineDiff"], json!({ "from": 1, "to": 2, "added": 1, "removed": 0, "lines": lines }));

    let restore = "mutation ($expected: Int) {
        is: restorePipelineVersion(pipelineId: \"orders\", version: 1, expectedVersion: $expected) {
            id version yaml versions { version } } }";
    assert_eq!(admin.ask(restore, &json!({ "expected": 1 })).await.codes(), ["CONFLICT"]);
    let restored = admin.data(restore, &json!({ "expected": 2 })).await["is"].clone();
    let versions = json!([{ "version": 3 }, { "version": 2 }, { "version": 1 }]);
    assert_eq!(restored, json!({ "id": made["id"], "version": 3, "yaml": COPY, "versions": versions }));
    for query in [
        "{ pipelineVersionYaml(pipelineId: \"orders\", version: 4) }",
        "{ pipelineDiff(pipelineId: \"orders\", from: 0, to: 1) { added } }",
        "mutation { restorePipelineVersion(pipelineId: \"orders\", version: 4) { id } }",
    ] {
        assert_eq!(admin.ask(query, &Value::Null).await.codes(), ["NOT_FOUND"], "{query}");
    }
}

#[rstest]
#[case(LINE)]
#[case(WRONG)]
#[case("]")]
#[case("source: /out\ndestination: /in\nagent: nobody\nschedule: \"0 2 * * *\"\n")]
#[tokio::test]
async fn a_dry_run_says_what_rest_says(#[case] yaml: &str) {
    let (_app, _, _, user) = with_agent().await;
    let mut rest = user.post("/api/pipelines/dry-run", &json!({ "yaml": yaml })).await.body["data"].clone();
    for diagnostic in rest["diagnostics"].as_array_mut().expect("diagnostics") {
        diagnostic["severity"] = json!(diagnostic["severity"].as_str().expect("a word").to_uppercase());
    }
    let query = "query ($yaml: String!) { is: dryRunPipeline(yaml: $yaml) {
        valid errors warnings ast diagnostics { severity line column message path } } }";
    assert_eq!(user.data(query, &json!({ "yaml": yaml })).await["is"], rest);
    let schema = user.get("/api/pipelines/schema").await.body["data"]["schema"].clone();
    assert_eq!(user.data("{ pipelineSchema }", &Value::Null).await["pipelineSchema"], schema);
}

#[tokio::test]
async fn a_run_is_started_followed_gone_on_with_and_cancelled() {
    let (app, _, agent, user) = with_agent().await;
    let admin = app.admin().await;
    let pipeline = created(&user, "orders", LINE).await;
    let start = format!(
        "mutation ($parameters: [ParameterInput!]) {{
            run: runPipeline(id: \"orders\", parameters: $parameters) {{ {RUN} pipeline {{ name }} plan }} }}"
    );
    let given = json!([{ "name": "date", "value": "2026-04-25" }]);
    let mut run = admin.data(&start, &json!({ "parameters": given })).await["run"].clone();
    assert_eq!((&run["parameters"], &run["trigger"], &run["version"]), (&given, &json!("MANUAL"), &json!(1)));
    let fields = run.as_object_mut().expect("a run");
    assert_eq!(fields.remove("pipeline"), Some(json!({ "name": "Orders" })));
    let plan = fields.remove("plan").expect("a plan");
    assert_eq!(plan["steps"][0]["source"]["location"], "/out/orders-2026-04-25.csv");
    assert_eq!((&plan["steps"][1]["needs"], &plan["steps"][1]["type"]), (&json!(["fetch"]), &json!("checksum")));
    assert_eq!((&plan["steps"][0]["agent"]["id"], &plan["schedule"]), (&json!(agent.id), &Value::Null));
    assert_eq!(run, run_in_rest(&admin, &run).await);

    let body = json!({
        "sourceUrl": "/out/orders-2026-04-25.csv", "destinationPath": "/in/orders.csv", "direction": "push",
        "protocol": "local", "pipelineRunId": run["id"], "stepId": "fetch",
    });
    let transfer = app.key(&agent.key).post("/api/transfers", &body).await;
    assert_eq!(transfer.status, 201, "{}", transfer.body);
    says(&app, &agent, &run, "fetch", &json!({ "status": "completed", "bytesTransferred": 9_007_199_254_740_993_i64 }))
        .await;
    says(&app, &agent, &run, "check", &json!({ "status": "failed", "errorMessage": "no such file" })).await;
    let query = format!(
        "query ($id: ID!) {{ pipelineRun(id: $id) {{ {RUN} steps {{ transfer {{ id }} }} }}
            node(id: $id) {{ ... on PipelineRun {{ status }} }} }}"
    );
    let mut found = admin.data(&query, &json!({ "id": run["id"] })).await;
    assert_eq!(found["node"]["status"], found["pipelineRun"]["status"]);
    let steps = found["pipelineRun"]["steps"].as_array_mut().expect("steps");
    let link = steps[0].as_object_mut().expect("a step").remove("transfer");
    assert_eq!(link, Some(json!({ "id": transfer.body["data"]["transfer"]["id"] })));
    assert_eq!(steps[1].as_object_mut().expect("a step").remove("transfer"), Some(Value::Null));
    assert_eq!(steps[0]["bytesTransferred"], json!(9_007_199_254_740_993_i64));
    assert_eq!(found["pipelineRun"]["status"], "FAILED");
    assert_eq!(found["pipelineRun"], run_in_rest(&admin, &run).await);

    let rerun = format!("mutation ($id: ID!) {{ run: rerunPipelineRun(id: $id) {{ {RUN} }} }}");
    let again = admin.data(&rerun, &json!({ "id": run["id"] })).await["run"].clone();
    assert_eq!((&again["trigger"], &again["rerunOf"]), (&json!("RERUN"), &run["id"]));
    assert_eq!((&again["steps"][0]["status"], &again["parameters"]), (&json!("COMPLETED"), &given));
    let cancel = format!("mutation ($id: ID!) {{ run: cancelPipelineRun(id: $id) {{ {RUN} }} }}");
    let cancelled = admin.data(&cancel, &json!({ "id": again["id"] })).await["run"].clone();
    assert!(cancelled["cancelRequestedAt"].is_string());
    assert_eq!(cancelled, run_in_rest(&admin, &again).await);
    says(&app, &agent, &again, "check", &json!({ "status": "cancelled" })).await;
    assert_eq!(admin.ask(&cancel, &json!({ "id": again["id"] })).await.codes(), ["CONFLICT"]);

    let query = "query ($id: ID!) {
        cancelled: pipelineRuns(filter: { pipelineId: $id, status: CANCELLED }) { totalCount nodes { id } }
        all: pipelineRuns { totalCount nodes { id } }
        pipeline(id: $id) { runs(first: 1) { id } } }";
    let found = admin.data(query, &json!({ "id": pipeline["id"] })).await;
    let (first, second) = (json!({ "id": run["id"] }), json!({ "id": again["id"] }));
    assert_eq!(found["cancelled"], json!({ "totalCount": 1, "nodes": [second] }));
    assert_eq!(found["all"], json!({ "totalCount": 2, "nodes": [second, first] }));
    assert_eq!(found["pipeline"]["runs"], json!([second]));
}

#[tokio::test]
async fn the_plan_of_a_run_stays_what_it_was_whatever_becomes_of_the_pipeline_and_its_agents() {
    let (app, customer, agent, user) = with_agent().await;
    let admin = app.admin().await;
    created(&user, "orders", COPY).await;
    let run =
        admin.data("mutation { run: runPipeline(id: \"orders\") { id plan } }", &Value::Null).await["run"].clone();
    assert_eq!(run["plan"]["steps"][0]["agent"]["hostname"], "server1");
    let put = admin.send("PUT", "/api/pipelines/orders/yaml", Some(&json!({ "yaml": LINE }))).await;
    assert_eq!(put.status, 200, "{}", put.body);
    app.agent(customer.id, "server2").await;
    assert_eq!(admin.delete(&format!("/api/agents/{}", agent.id)).await.status, 200);
    let one = "query ($id: ID!) { run: pipelineRun(id: $id) { id plan } }";
    assert_eq!(admin.data(one, &json!({ "id": run["id"] })).await["run"], run);
}

#[tokio::test]
async fn a_run_that_cannot_be_started_says_why() {
    let (app, customer, agent, user) = with_agent().await;
    let admin = app.admin().await;
    created(&user, "orders", LINE).await;
    let start =
        "mutation ($parameters: [ParameterInput!]) { runPipeline(id: \"orders\", parameters: $parameters) { id } }";
    let given = json!([{ "name": "date", "value": "1" }, { "name": "date", "value": "2" }]);
    let twice = admin.ask(start, &json!({ "parameters": given })).await;
    assert_eq!((twice.codes(), twice.wrong_arguments()), (vec!["INVALID"], vec!["parameters"]), "{}", twice.body);
    let unknown = admin.ask(start, &json!({ "parameters": [{ "name": "dat", "value": "1" }] })).await;
    let rest = admin.post("/api/pipelines/orders/runs", &json!({ "parameters": { "dat": "1" } })).await;
    assert_eq!(unknown.body["errors"][0]["extensions"]["fields"], rest.body["details"]["fields"]);
    assert_eq!(unknown.wrong_arguments(), ["parameters"]);

    let second = app.agent(customer.id, "server2").await;
    let several = admin.ask(start, &Value::Null).await;
    let details = json!({ "ids": [agent.id, second.id] });
    assert_eq!(several.body["errors"][0]["extensions"], json!({ "code": "INVALID", "details": details }));
    let disable = "mutation { updatePipeline(id: \"orders\", input: { enabled: false }) { enabled } }";
    user.data(disable, &Value::Null).await;
    let disabled = admin.ask(start, &Value::Null).await;
    assert_eq!(disabled.codes(), ["INVALID"]);
    assert_eq!(disabled.body["errors"][0]["message"], "the pipeline is disabled: enable it first");
    let nodes = admin.data("{ pipelineRuns { nodes { id } } }", &Value::Null).await["pipelineRuns"]["nodes"].clone();
    assert_eq!(nodes, json!([]));
}

#[tokio::test]
async fn customers_read_and_write_their_own_pipelines_and_learn_nothing_of_runs_and_versions() {
    let (app, _, _, user) = with_agent().await;
    let (admin, stranger) = (app.admin().await, app.bearer(&app.customer("Other").await.token));
    let pipeline = created(&user, "orders", COPY).await;
    let run = admin.data("mutation { runPipeline(id: \"orders\") { id } }", &Value::Null).await["runPipeline"].clone();
    let list = format!("{{ pipelines {{ totalCount nodes {{ {PIPELINE} }} }} }}");
    assert_eq!(user.data(&list, &Value::Null).await["pipelines"], json!({ "totalCount": 1, "nodes": [pipeline] }));
    assert_eq!(stranger.data(&list, &Value::Null).await["pipelines"], json!({ "totalCount": 0, "nodes": [] }));
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
        assert_eq!(stranger.ask(query, &id).await.codes(), ["NOT_FOUND"], "{query}");
    }
    let node = "query ($id: ID!) { node(id: $id) { id } }";
    assert_eq!(user.data(node, &json!({ "id": run["id"] })).await["node"], Value::Null);
    assert_eq!(user.data(node, &json!({ "id": pipeline["id"] })).await["node"]["id"], pipeline["id"]);
}

#[tokio::test]
async fn the_ledger_of_a_pipeline_leads_to_its_runs() {
    let (app, _, _, user) = with_agent().await;
    let due = format!("{COPY}schedule: \"0 * * * *\"\noverlap: skip\n");
    let pipeline = created(&user, "orders", &due).await;
    let next = "{ pipeline(id: \"orders\") { enabled nextRunAt } }";
    assert_eq!(user.data(next, &Value::Null).await["pipeline"]["nextRunAt"], "2026-04-25T14:00:00Z");
    for _ in 0..2 {
        app.advance(TimeDelta::hours(1));
        app.cp().dispatch_due_slots().await.expect("slots are decided");
    }
    // No token lives that long.
    let admin = app.admin().await;
    let query = "{ pipelineSlots(pipelineId: \"orders\") { totalCount nodes {
        id pipelineId scheduledFor outcome reason runId from to count run { status trigger } } } }";
    let slots = admin.data(query, &Value::Null).await["pipelineSlots"].clone();
    assert_eq!(slots["totalCount"], 2);
    let [later, earlier] = slots["nodes"].as_array().expect("slots").as_slice() else { panic!("two slots: {slots}") };
    let shown = |slot: &Value, at: &str| (slot["scheduledFor"].as_str() == Some(at), slot["outcome"].clone());
    assert_eq!(shown(later, "2026-04-25T15:00:00Z"), (true, json!("SKIPPED")));
    assert_eq!((&later["runId"], &later["run"], later["reason"].is_string()), (&Value::Null, &Value::Null, true));
    assert_eq!(shown(earlier, "2026-04-25T14:00:00Z"), (true, json!("RAN")));
    assert_eq!((&earlier["pipelineId"], &earlier["run"]["trigger"]), (&pipeline["id"], &json!("SCHEDULE")));
    let node = "query ($id: ID!) { node(id: $id) { ... on PipelineSlot { runId } } }";
    let found = admin.data(node, &json!({ "id": earlier["id"] })).await;
    assert_eq!(found["node"]["runId"], earlier["runId"]);
    let disable = "mutation { updatePipeline(id: \"orders\", input: { enabled: false }) { nextRunAt } }";
    assert_eq!(admin.data(disable, &Value::Null).await["updatePipeline"]["nextRunAt"], Value::Null);
}

#[tokio::test]
async fn a_secret_for_webhooks_is_shown_once() {
    let (app, customer, _, user) = with_agent().await;
    let (admin, stranger) = (app.admin().await, app.bearer(&app.customer("Other").await.token));
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
    assert_eq!(stranger.data(query, &json!({ "id": made["id"] })).await["node"], Value::Null);
    assert_eq!(stranger.ask(rotate, &of(&customer.id)).await.codes(), ["NOT_FOUND"]);
    let platform = admin.data(rotate, &Value::Null).await["made"].clone();
    assert_eq!(platform["customerId"], Value::Null);
    let rotated = admin.data(rotate, &of(&customer.id)).await["made"].clone();
    assert!(rotated["id"] != made["id"] && rotated["secret"] != made["secret"]);
    assert_eq!(user.data(query, &json!({ "id": made["id"] })).await["node"], Value::Null, "the one before is gone");
}

#[tokio::test]
async fn what_takes_long_to_read_costs_accordingly() {
    let (_app, _, _, user) = with_agent().await;
    let dry = |count: usize| {
        let one = |number| format!("d{number}: dryRunPipeline(yaml: \"]\") {{ valid }}");
        format!("{{ {} }}", (0..count).map(one).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(user.ask(&dry(19), &Value::Null).await.codes(), [""; 0]);
    assert_eq!(user.ask(&dry(20), &Value::Null).await.codes(), ["INVALID"]);
}
