//! Runs of a pipeline over GraphQL: started, followed, rerun and cancelled, by hand and by schedule.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{COPY, LINE, created, with_agent};
use crate::support::{Client, TestApp, app::TestAgent};

const RUN: &str = "id pipelineId version status trigger startedAt completedAt errorMessage revision \
                   cancelRequestedAt rerunOf parameters { name value } steps { id type status attempt progress \
                   bytesTransferred startedAt completedAt errorMessage transferId }";

/// A run of REST in the form of GraphQL.
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

/// Sends a report of an agent about a step of a run.
async fn says(app: &TestApp, agent: &TestAgent, run: &Value, step: &str, report: &Value) {
    let (pipeline, id) = (run["pipelineId"].as_str().expect("an id"), run["id"].as_str().expect("an id"));
    let path = format!("/api/pipelines/{pipeline}/runs/{id}/steps/{step}");
    let answer = app.key(&agent.key).patch(&path, report).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
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
async fn a_draft_is_run_once_and_read_with_its_run() {
    let (app, _, _, user) = with_agent().await;
    let admin = app.admin().await;
    created(&user, "orders", COPY).await;
    let start = format!(
        "mutation ($yaml: String, $parameters: [ParameterInput!]) {{
            run: runPipeline(id: \"orders\", yaml: $yaml, parameters: $parameters) {{
                {RUN} draftYaml plan pipeline {{ version yaml }} }} }}"
    );
    let given = json!([{ "name": "date", "value": "2026-04-25" }]);
    let mut run = admin.data(&start, &json!({ "yaml": LINE, "parameters": given })).await["run"].clone();
    assert_eq!((&run["version"], &run["parameters"]), (&json!(0), &given));
    let fields = run.as_object_mut().expect("a run");
    assert_eq!(fields.remove("draftYaml"), Some(json!(LINE)));
    assert_eq!(fields.remove("pipeline"), Some(json!({ "version": 1, "yaml": COPY })));
    let plan = fields.remove("plan").expect("a plan");
    assert_eq!(plan["steps"][0]["source"]["location"], "/out/orders-2026-04-25.csv");
    assert_eq!(run, run_in_rest(&admin, &run).await);
    let saved = admin.data(&start, &Value::Null).await["run"].clone();
    assert_eq!((&saved["version"], &saved["draftYaml"]), (&json!(1), &Value::Null));
    let both = admin.data("{ pipelineRuns { nodes { draftYaml } } }", &Value::Null).await;
    assert_eq!(both["pipelineRuns"]["nodes"], json!([{ "draftYaml": null }, { "draftYaml": LINE }]));

    let refused = admin.ask(&start, &json!({ "yaml": "source: /a\nsorce: /b\n" })).await;
    assert_eq!(refused.codes(), ["INVALID"], "{}", refused.body);
    let details = &refused.body["errors"][0]["extensions"]["details"];
    assert!(details["diagnostics"][0]["line"].is_u64(), "{}", refused.body);
    assert_eq!(user.ask(&start, &json!({ "yaml": LINE })).await.codes(), ["FORBIDDEN"]);
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
async fn the_slot_history_of_a_pipeline_leads_to_its_runs() {
    let (app, _, _, user) = with_agent().await;
    let due = format!("{COPY}schedule: \"0 * * * *\"\noverlap: skip\n");
    let pipeline = created(&user, "orders", &due).await;
    let next = "{ pipeline(id: \"orders\") { enabled nextRunAt } }";
    assert_eq!(user.data(next, &Value::Null).await["pipeline"]["nextRunAt"], "2026-04-25T14:00:00Z");
    for _ in 0..2 {
        app.advance(TimeDelta::hours(1));
        app.cp().decide_due_slots().await.expect("slots are decided");
    }
    // No token lives that long.
    let admin = app.admin().await;
    let query = "{ pipelineSlots(pipelineId: \"orders\") { totalCount nodes {
        id pipelineId pipeline { identifier } scheduledFor outcome reason runId from to count run { status trigger } } } }";
    let slots = admin.data(query, &Value::Null).await["pipelineSlots"].clone();
    assert_eq!(slots["totalCount"], 2);
    let [later, earlier] = slots["nodes"].as_array().expect("slots").as_slice() else { panic!("two slots: {slots}") };
    let shown = |slot: &Value, at: &str| (slot["scheduledFor"].as_str() == Some(at), slot["outcome"].clone());
    assert_eq!(shown(later, "2026-04-25T15:00:00Z"), (true, json!("SKIPPED")));
    assert_eq!((&later["runId"], &later["run"], later["reason"].is_string()), (&Value::Null, &Value::Null, true));
    assert_eq!(shown(earlier, "2026-04-25T14:00:00Z"), (true, json!("RAN")));
    assert_eq!((&earlier["pipelineId"], &earlier["run"]["trigger"]), (&pipeline["id"], &json!("SCHEDULE")));
    assert_eq!(later["pipeline"]["identifier"], "orders");
    let node = "query ($id: ID!) { node(id: $id) { ... on PipelineSlot { runId } } }";
    let found = admin.data(node, &json!({ "id": earlier["id"] })).await;
    assert_eq!(found["node"]["runId"], earlier["runId"]);
    let disable = "mutation { updatePipeline(id: \"orders\", input: { enabled: false }) { nextRunAt } }";
    assert_eq!(admin.data(disable, &Value::Null).await["updatePipeline"]["nextRunAt"], Value::Null);
}
