//! The same query over REST and over GraphQL has the same answer.

use backend::{
    actor::Actor,
    ids::{CustomerId, JobId, PipelineId},
    model::{FromFields, enrolment_code::CreateEnrolmentCode, pipeline::UpdatePipeline},
};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::{transfer_after, two_customers_and_callers::COPY, with_agent};
use crate::support::{Client, TestApp, app::TestAgent, graphql::Schema};

/// Objects in every state, and a client that reads them.
struct World {
    app: TestApp,
    admin: Client,
    user: Client,
    agent: TestAgent,
    /// The job that has runs.
    job: JobId,
    /// The pipeline that has runs.
    pipeline: PipelineId,
}

impl World {
    async fn new() -> Self {
        let (app, customer, agent, user) = with_agent().await;
        let admin = app.admin().await;
        for heartbeat in [json!({ "status": "busy", "load": 0.5, "memory": 512 }), json!({ "load": 1.25 })] {
            app.key(&agent.key).post("/api/agents/heartbeat", &heartbeat).await;
        }
        app.agent(customer.id, "silent").await;
        let digest = "ab".repeat(32);
        for report in [
            json!({ "status": "running", "bytesTransferred": 500, "speed": 12.5 }),
            json!({ "status": "completed", "checksumSha256": digest }),
            json!({ "status": "failed", "error": "no route to host", "latencyMs": 12.5, "packetLossPercent": 3 }),
            json!({ "status": "cancelled" }),
            json!({ "size": 9_007_199_254_740_993_i64, "bytesTransferred": 9_007_199_254_740_993_i64 }),
        ] {
            app.advance(TimeDelta::milliseconds(1));
            transfer_after(&app, &agent, &report).await;
        }
        let stalled = transfer_after(&app, &agent, &json!({ "status": "running", "throughputMbps": 80 })).await;
        app.advance(TimeDelta::seconds(61));
        app.cp().mark_stalled_transfers().await.expect("a sweep");
        let cancel = "mutation ($id: ID!) { cancelTransfer(id: $id) { id } }";
        user.data(cancel, &json!({ "id": stalled["id"] })).await;
        app.transfer(&agent).await;
        for input in [json!({}), json!({ "maxUses": 3, "expiresAt": "2026-05-01T00:00:00Z" })] {
            let input = CreateEnrolmentCode::read(input.as_object().cloned().unwrap_or_default()).expect("an input");
            app.cp().create_enrolment_code(&Actor::System, customer.id, input).await.expect("a code");
        }
        app.create_user("ops", None).await;
        app.job(&agent, &json!({ "name": "Paused", "enabled": false, "direction": "push" })).await;
        let retry = json!({ "maxAttempts": 1, "initialDelay": "90s", "factor": 4, "maxDelay": "1h" });
        let fields = json!({ "name": "Nightly", "timezone": "Europe/Berlin", "overlap": "queue", "retry": retry });
        let job = app.job(&agent, &fields).await;
        for report in [
            json!({ "status": "completed", "bytesTransferred": 9_007_199_254_740_993_i64 }),
            json!({ "status": "failed", "errorMessage": "no route to host" }),
            json!({}),
        ] {
            app.cp().run_job(&Actor::System, job, None).await.expect("a run");
            app.advance(TimeDelta::milliseconds(1));
            let (key, path) = (app.key(&agent.key), format!("/api/jobs/{job}/runs"));
            let run = key.post(&path, &json!({})).await.body["data"]["run"]["id"].clone();
            let answer = key.patch(&format!("{path}/{}", run.as_str().expect("a run")), &report).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        let pipeline = pipelines(&app, customer.id, &agent).await;
        Self { app, admin, user, agent, job, pipeline }
    }
}

/// A pipeline that is disabled, and one with versions and runs in several states, which is returned.
async fn pipelines(app: &TestApp, customer: CustomerId, agent: &TestAgent) -> PipelineId {
    let paused = app.pipeline(customer, "paused", COPY).await;
    let input = json!({ "enabled": false, "description": "Not now" });
    let input = UpdatePipeline::read(input.as_object().cloned().unwrap_or_default()).expect("an input");
    app.cp().update_pipeline(&Actor::System, &paused.into(), input).await.expect("a change");
    let yaml = format!("{COPY}agent: server1\nparameters: {{ day: \"1\", hour: \"2\" }}\n");
    let pipeline = app.pipeline(customer, "orders", COPY).await;
    app.redefine(pipeline, &yaml, Some("abcdef1")).await;
    for report in [
        json!({ "status": "completed", "bytesTransferred": 9_007_199_254_740_993_i64 }),
        json!({ "status": "failed", "errorMessage": "no route to host" }),
        json!({ "status": "running", "progress": 12.5 }),
        json!({}),
    ] {
        app.advance(TimeDelta::milliseconds(1));
        let run = app.run(pipeline).await;
        app.step(agent, &run, "transfer", &report).await;
    }
    pipeline
}

/// An object of GraphQL in the form of REST: enum values in lower case, and only the fields that both have.
fn as_in_rest(schema: &Schema, ty: &str, from: &Value) -> Value {
    // What the viewer may do, GraphQL alone says.
    let shared = schema.fields(ty).into_iter().filter(|(name, _)| !name.starts_with("viewerCan"));
    let leaves = shared.filter_map(|(name, of)| {
        let is_part = ["network", "retry", "versions", "steps"].contains(&name);
        if !schema.is_leaf(of) && !schema.is_enum(of) && !is_part {
            // Links: REST has ids in their place.
            return None;
        }
        let value = from.get(name).unwrap_or_else(|| panic!("{ty}.{name} was asked for: {from}"));
        let value = match value {
            Value::Null => Value::Null,
            word if schema.is_enum(of) => json!(word.as_str().map(str::to_lowercase)),
            Value::Array(parts) if is_part => parts.iter().map(|part| as_in_rest(schema, of, part)).collect(),
            part if is_part => as_in_rest(schema, of, part),
            leaf => leaf.clone(),
        };
        Some((name.to_owned(), value))
    });
    let mut object: Map<String, Value> = leaves.collect();
    if ["Transfer", "Job"].contains(&ty) {
        // The one object that REST nests, and GraphQL links to.
        let agent = json!({
            "id": object["agentId"], "name": object.remove("agentName"), "hostname": object.remove("agentHostname"),
        });
        object.insert("agent".to_owned(), agent);
    }
    if ty == "PipelineRun" {
        for beside in ["plan", "draftYaml"] {
            object.remove(beside).expect("what GraphQL has beside");
        }
        let parameters = from["parameters"].as_array().expect("parameters").iter();
        let parameters = parameters.map(|one| (one["name"].as_str().expect("a name").to_owned(), one["value"].clone()));
        object.insert("parameters".to_owned(), Value::Object(parameters.collect()));
    }
    Value::Object(object)
}

#[rstest]
#[case::agents("agents", "Agent", "/api/agents", true)]
#[case::transfers("transfers", "Transfer", "/api/transfers", true)]
#[case::customers("customers", "Customer", "/api/customers", false)]
#[case::users("users", "User", "/api/users", false)]
#[case::codes("enrolmentCodes", "EnrolmentCode", "/api/customers/{customer}/enrolment-codes", true)]
#[case::jobs("jobs", "Job", "/api/jobs", true)]
#[case::pipelines("pipelines", "Pipeline", "/api/pipelines", true)]
#[tokio::test]
async fn every_object_reads_the_same_field_by_field(
    #[case] field: &str,
    #[case] ty: &str,
    #[case] path: &str,
    #[case] is_for_customers: bool,
) {
    let (world, schema) = (World::new().await, Schema::read());
    let customers = world.admin.get("/api/customers").await;
    let customer = customers.body["data"]["customers"][0]["id"].as_str().expect("an id").to_owned();
    let argument = if field == "enrolmentCodes" { format!(r#"(customerId: "{customer}")"#) } else { String::new() };
    let (everything, granted) = (schema.everything(ty, 1), schema.granted(ty, 1));
    let (admin, user) = ((&world.admin, everything), (&world.user, granted));
    for (client, selection) in [Some(admin), Some(user).filter(|_| is_for_customers)].into_iter().flatten() {
        let question = format!("{{ {field}{argument} {{ totalCount totalIsAtLeast nodes {{ {selection} }} }} }}");
        let rest = client.get(&path.replace("{customer}", &customer)).await;
        let rest = &rest.body["data"];
        let asked = &client.data(&question, &Value::Null).await[field];
        let nodes = asked["nodes"].as_array().expect("nodes").iter().map(|node| as_in_rest(&schema, ty, node));
        let nodes: Vec<Value> = nodes.collect();
        assert!(!nodes.is_empty());
        assert_eq!(json!(nodes), rest[field], "{field}");
        assert_eq!(asked["totalCount"], rest["pagination"]["total"], "{field}");
        assert_eq!(asked["totalIsAtLeast"], false);
    }
}

#[tokio::test]
async fn the_runs_of_a_job_read_the_same_field_by_field() {
    let (world, schema) = (World::new().await, Schema::read());
    let rest = world.admin.get(&format!("/api/jobs/{}/runs", world.job)).await;
    let selection = schema.everything("JobRun", 1);
    let question =
        format!("query ($id: ID!) {{ jobRuns(filter: {{ jobId: $id }}) {{ totalCount nodes {{ {selection} }} }} }}");
    let asked = &world.admin.data(&question, &super::of(&world.job)).await["jobRuns"];
    let nodes = asked["nodes"].as_array().expect("nodes").iter().map(|node| as_in_rest(&schema, "JobRun", node));
    let nodes: Vec<Value> = nodes.collect();
    assert_eq!((nodes.len(), json!(nodes)), (3, rest.body["data"]["runs"].clone()));
    assert_eq!(asked["totalCount"], rest.body["data"]["pagination"]["total"]);
    let question = format!("query ($id: ID!) {{ jobRun(id: $id) {{ {selection} }} }}");
    for run in nodes {
        let one = world.admin.data(&question, &json!({ "id": run["id"] })).await;
        assert_eq!(as_in_rest(&schema, "JobRun", &one["jobRun"]), run);
    }
}

#[tokio::test]
async fn the_runs_of_a_pipeline_read_the_same_field_by_field() {
    let (world, schema) = (World::new().await, Schema::read());
    let rest = world.admin.get(&format!("/api/pipelines/{}/runs", world.pipeline)).await;
    let selection = schema.everything("PipelineRun", 1);
    let question = format!(
        "query ($id: ID!) {{ pipelineRuns(filter: {{ pipelineId: $id }}) {{ totalCount nodes {{ {selection} }} }} }}"
    );
    let asked = &world.admin.data(&question, &super::of(&world.pipeline)).await["pipelineRuns"];
    let nodes = asked["nodes"].as_array().expect("nodes").iter().map(|node| as_in_rest(&schema, "PipelineRun", node));
    let nodes: Vec<Value> = nodes.collect();
    assert_eq!((nodes.len(), json!(nodes)), (4, rest.body["data"]["runs"].clone()));
    assert_eq!(asked["totalCount"], rest.body["data"]["pagination"]["total"]);
    let question = format!("query ($id: ID!) {{ pipelineRun(id: $id) {{ {selection} }} }}");
    for run in nodes {
        let one = world.admin.data(&question, &json!({ "id": run["id"] })).await;
        assert_eq!(as_in_rest(&schema, "PipelineRun", &one["pipelineRun"]), run);
    }
}

#[tokio::test]
async fn one_object_reads_as_it_does_in_its_list_and_as_a_node() {
    let (world, schema) = (World::new().await, Schema::read());
    let kinds = [
        ("agent", "Agent", "/api/agents"),
        ("transfer", "Transfer", "/api/transfers"),
        ("job", "Job", "/api/jobs"),
        ("pipeline", "Pipeline", "/api/pipelines"),
    ];
    for (field, ty, path) in kinds {
        let (list, selection) = (world.user.get(path).await, schema.granted(ty, 1));
        for expected in list.body["data"][format!("{field}s")].as_array().expect("a list") {
            let question = format!(
                "query ($id: ID!) {{ {field}(id: $id) {{ {selection} }} node(id: $id) {{ ... on {ty} {{ {selection} }} }} }}"
            );
            let data = world.user.data(&question, &json!({ "id": expected["id"] })).await;
            assert_eq!(as_in_rest(&schema, ty, &data[field]), *expected);
            assert_eq!(data["node"], data[field]);
        }
    }
}

#[tokio::test]
async fn an_agents_newest_transfers_are_those_of_rest() {
    let (world, schema) = (World::new().await, Schema::read());
    for _ in 0..20 {
        world.app.transfer(&world.agent).await;
    }
    let rest = world.user.get(&format!("/api/agents/{}", world.agent.id)).await;
    let rest = rest.body["data"]["agent"]["transfers"].as_array().expect("transfers").clone();
    let selection = schema.everything("Transfer", 1);
    let question = format!(
        "query ($id: ID!) {{ agent(id: $id) {{ transfers {{ {selection} }} three: transfers(first: 3) {{ id }} }} }}"
    );
    let agent = &world.user.data(&question, &super::of(&world.agent.id)).await["agent"];
    let transfers = agent["transfers"].as_array().expect("transfers");
    let transfers: Vec<Value> = transfers.iter().map(|node| as_in_rest(&schema, "Transfer", node)).collect();
    assert_eq!((transfers.len(), transfers), (20, rest.clone()));
    let ids: Vec<Value> = rest.iter().take(3).map(|transfer| json!({ "id": transfer["id"] })).collect();
    assert_eq!(agent["three"], json!(ids));
}

#[tokio::test]
async fn me_is_the_same_over_both_apis() {
    let (world, schema) = (World::new().await, Schema::read());
    for client in [&world.admin, &world.user] {
        let rest = client.get("/api/auth/me").await;
        let asked = client.data(&format!("{{ me {{ {} }} }}", schema.everything("User", 1)), &Value::Null).await;
        assert_eq!(as_in_rest(&schema, "User", &asked["me"]), rest.body["data"]["user"]);
    }
}

#[rstest]
#[case("", "{}")]
#[case("status=failed", "{ status: [FAILED] }")]
#[case("status=failed", "{ status: [FAILED, FAILED] }")]
#[case("", "{ status: [] }")]
#[case("agentId={agent}", r#"{ agentId: "{agent}" }"#)]
#[case("agentId={agent}&status=running", r#"{ agentId: "{agent}", status: [RUNNING] }"#)]
#[case("agentId=0199c1f0-6c00-7000-8000-000000000001", r#"{ agentId: "0199c1f0-6c00-7000-8000-000000000001" }"#)]
#[case("protocol=sftp&direction=pull", "{ protocol: SFTP, direction: PULL }")]
#[case("protocol=ftps", "{ protocol: FTPS }")]
#[case("createdAfter=2026-04-25T13:00:01Z", r#"{ createdAfter: "2026-04-25T13:00:01Z" }"#)]
#[case("createdBefore=2026-04-25T13:00:00.003Z", r#"{ createdBefore: "2026-04-25T15:00:00.003+02:00" }"#)]
#[case("completedAfter=2026-04-25T12:00:00Z", r#"{ completedAfter: "2026-04-25T14:00:00+02:00" }"#)]
#[case("search=DATA", r#"{ search: "DATA" }"#)]
#[case("search=other", r#"{ search: "other" }"#)]
#[tokio::test]
async fn a_filter_of_transfers_leaves_the_same(#[case] query: &str, #[case] filter: &str) {
    let world = World::new().await;
    let with_agent = |text: &str| text.replace("{agent}", &world.agent.id.to_string());
    let rest = world.user.get(&format!("/api/transfers?{}", with_agent(query))).await;
    let question = format!("{{ transfers(filter: {}) {{ totalCount nodes {{ id }} }} }}", with_agent(filter));
    let asked = &world.user.data(&question, &Value::Null).await["transfers"];
    let ids: Vec<Value> = rest.body["data"]["transfers"].as_array().expect("transfers").iter().map(id).collect();
    assert_eq!((&asked["nodes"], &asked["totalCount"]), (&json!(ids), &rest.body["data"]["pagination"]["total"]));
}

#[rstest]
#[case("", "{}", 2)]
#[case("enabled=true", "{ enabled: true }", 1)]
#[case("enabled=false", "{ enabled: false }", 1)]
#[case("agentId={agent}&enabled=true", r#"{ agentId: "{agent}", enabled: true }"#, 1)]
#[case("agentId=0199c1f0-6c00-7000-8000-000000000001", r#"{ agentId: "0199c1f0-6c00-7000-8000-000000000001" }"#, 0)]
#[tokio::test]
async fn a_filter_of_jobs_leaves_the_same(#[case] query: &str, #[case] filter: &str, #[case] found: usize) {
    let world = World::new().await;
    let with_agent = |text: &str| text.replace("{agent}", &world.agent.id.to_string());
    let rest = world.user.get(&format!("/api/jobs?{}", with_agent(query))).await;
    let question = format!("{{ jobs(filter: {}) {{ totalCount nodes {{ id }} }} }}", with_agent(filter));
    let asked = &world.user.data(&question, &Value::Null).await["jobs"];
    let ids: Vec<Value> = rest.body["data"]["jobs"].as_array().expect("jobs").iter().map(id).collect();
    assert_eq!((&asked["nodes"], &asked["totalCount"]), (&json!(ids), &json!(found)));
}

#[rstest]
#[case("", "{}", 2)]
#[case("", "{ enabled: null, search: \"\" }", 2)]
#[case("enabled=true", "{ enabled: true }", 1)]
#[case("enabled=false", "{ enabled: false }", 1)]
#[case("search=NOT%20now", r#"{ search: "NOT now" }"#, 1)]
#[case("enabled=true&search=paused", r#"{ enabled: true, search: "paused" }"#, 0)]
#[case("search=%25", r#"{ search: "%" }"#, 0)]
#[tokio::test]
async fn a_filter_of_pipelines_leaves_the_same(#[case] query: &str, #[case] filter: &str, #[case] found: usize) {
    let world = World::new().await;
    let rest = world.user.get(&format!("/api/pipelines?{query}")).await;
    let question = format!("{{ pipelines(filter: {filter}) {{ totalCount nodes {{ id }} }} }}");
    let asked = &world.user.data(&question, &Value::Null).await["pipelines"];
    let ids: Vec<Value> = rest.body["data"]["pipelines"].as_array().expect("pipelines").iter().map(id).collect();
    assert_eq!((&asked["nodes"], &asked["totalCount"]), (&json!(ids), &json!(found)));
}

#[rstest]
#[case("", "{}", 2)]
#[case("status=busy", "{ status: BUSY }", 1)]
#[case("search=SIL", r#"{ search: "SIL" }"#, 1)]
#[case("status=busy&search=sil", r#"{ status: BUSY, search: "sil" }"#, 0)]
#[case("search=%25", r#"{ search: "%" }"#, 0)]
#[tokio::test]
async fn a_filter_of_agents_leaves_the_same(#[case] query: &str, #[case] filter: &str, #[case] found: usize) {
    let world = World::new().await;
    let rest = world.user.get(&format!("/api/agents?{query}")).await;
    let question = format!("{{ agents(filter: {filter}) {{ totalCount nodes {{ id }} }} }}");
    let asked = &world.user.data(&question, &Value::Null).await["agents"];
    let ids: Vec<Value> = rest.body["data"]["agents"].as_array().expect("agents").iter().map(id).collect();
    assert_eq!((&asked["nodes"], &asked["totalCount"]), (&json!(ids), &json!(found)));
}

fn id(object: &Value) -> Value {
    json!({ "id": object["id"] })
}
