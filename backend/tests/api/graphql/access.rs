//! The access table of GraphQL: every root field of the schema, requested by every kind of caller.

mod answers;

use backend::{
    actor::Actor,
    ids::PipelineId,
    model::{
        PageRequest, enrolment_code::CreateEnrolmentCode, job_and_pipeline_order::ScheduledSort,
        pipeline::PipelineFilter,
    },
};
use serde_json::Value;

use super::{
    transfer_after,
    two_customers_and_callers::{COPY, OUTCASTS, World},
};
use crate::support::{Answer, app::item_of_failures, graphql::Schema};

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The requested value.
    Given,
    /// Null, and no error.
    Nothing,
    /// An error with this code.
    Refused(&'static str),
}
use Outcome::{Given, Nothing, Refused};

const UNAUTHENTICATED: Outcome = Refused("UNAUTHENTICATED");
const FORBIDDEN: Outcome = Refused("FORBIDDEN");
const NOT_FOUND: Outcome = Refused("NOT_FOUND");

/// The callers, one per column.
const CALLERS: [&str; 4] = ["nobody", "the owner", "another customer's user", "an administrator"];

/// What each of [`CALLERS`] gets of a field that is about an object of the customer `Owner`. Contract, sections 2 and 6.
type Row = (&'static str, &'static str, [Outcome; 4]);

const TABLE: &[Row] = &[
    ("Query", "me", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "views", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "fleet", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "attention", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "agent", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Query", "agents", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "transfer", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Query", "transfers", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "job", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Query", "jobs", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "jobRun", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "jobRuns", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "jobSlots", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "schedulePreview", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "pipeline", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Query", "pipelines", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "pipelineRun", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "pipelineRuns", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "pipelineSlots", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "pipelineVersions", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "pipelineVersionYaml", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "pipelineDiff", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Query", "pipelineSchema", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "dryRunPipeline", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "customers", [UNAUTHENTICATED, FORBIDDEN, FORBIDDEN, Given]),
    ("Query", "users", [UNAUTHENTICATED, FORBIDDEN, FORBIDDEN, Given]),
    ("Query", "enrolmentCodes", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Query", "events", [UNAUTHENTICATED, Given, Given, Given]),
    ("Query", "node", [UNAUTHENTICATED, Given, Nothing, Given]),
    ("Query", "agentCertificates", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Query", "agentDirectives", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Query", "agentHistory", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Query", "series", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "login", [Given, Given, Given, Given]),
    ("Mutation", "logout", [UNAUTHENTICATED, Given, Given, Given]),
    ("Mutation", "createCustomer", [UNAUTHENTICATED, FORBIDDEN, FORBIDDEN, Given]),
    ("Mutation", "updateCustomer", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "createUser", [UNAUTHENTICATED, FORBIDDEN, FORBIDDEN, Given]),
    ("Mutation", "updateUser", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "createView", [UNAUTHENTICATED, Given, Given, Given]),
    ("Mutation", "updateView", [UNAUTHENTICATED, Given, NOT_FOUND, NOT_FOUND]),
    ("Mutation", "deleteView", [UNAUTHENTICATED, Given, NOT_FOUND, NOT_FOUND]),
    ("Mutation", "createEnrolmentCode", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "deleteEnrolmentCode", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "rotateAgentKey", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "requestKeyRotation", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "revokeAgent", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "cancelTransfer", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "retryTransfer", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "cancelTransfers", [UNAUTHENTICATED, Given, Given, Given]),
    ("Mutation", "retryTransfers", [UNAUTHENTICATED, Given, Given, Given]),
    ("Mutation", "snoozeAttention", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "endAttentionSnooze", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "createJob", [UNAUTHENTICATED, FORBIDDEN, FORBIDDEN, Given]),
    ("Mutation", "updateJob", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "deleteJob", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "enableJob", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "disableJob", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "runJob", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "cancelJobRun", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "retryJobRun", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "previewBackfill", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "backfillJob", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "createPipeline", [UNAUTHENTICATED, Given, Given, Given]),
    ("Mutation", "updatePipeline", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "replacePipelineDefinition", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "deletePipeline", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
    ("Mutation", "restorePipelineVersion", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "runPipeline", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "cancelPipelineRun", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "rerunPipelineRun", [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, Given]),
    ("Mutation", "rotateWebhookSecret", [UNAUTHENTICATED, Given, NOT_FOUND, Given]),
];

impl World {
    /// The arguments of a field. They name an object of the customer `Owner`, or a new one if the call may end it.
    async fn arguments(&self, field: &str) -> String {
        let owner = &self.owner;
        match field {
            "me" | "views" | "fleet" | "attention" | "logout" => String::new(),
            "agents" | "transfers" | "jobs" | "customers" | "users" | "events" => "(first: 5)".to_owned(),
            "agent" | "agentCertificates" | "agentDirectives" | "agentHistory" | "rotateAgentKey"
            | "requestKeyRotation" => {
                format!(r#"(id: "{}")"#, owner.agent.id)
            }
            "transfer" | "node" => format!("(id: {})", owner.transfer["id"]),
            "enrolmentCodes" => format!(r#"(customerId: "{}", first: 5)"#, owner.customer.id),
            "createEnrolmentCode" => format!(r#"(customerId: "{}", input: {{ maxUses: 2 }})"#, owner.customer.id),
            "deleteEnrolmentCode" => format!(r#"(id: "{}")"#, self.code().await),
            "login" => r#"(email: "root@example.com", password: "correct horse battery")"#.to_owned(),
            "createCustomer" => r#"(input: { name: "Third" })"#.to_owned(),
            "updateCustomer" => format!(r#"(id: "{}", input: {{ name: "Owner" }})"#, owner.customer.id),
            "createUser" => {
                r#"(input: { email: "new@example.com", password: "correct horse battery", role: ADMIN })"#.to_owned()
            }
            "updateUser" => format!(r#"(id: "{}", input: {{ suspended: false }})"#, owner.person.id),
            "revokeAgent" => {
                format!(r#"(id: "{}")"#, self.app.agent(owner.customer.id, "host-of-Owner").await.id)
            }
            "cancelTransfer" => format!("(id: {})", self.app.transfer(&owner.agent).await["id"]),
            "cancelTransfers" | "retryTransfers" => {
                format!("(ids: [{}])", self.app.transfer(&owner.agent).await["id"])
            }
            "retryTransfer" => {
                let failed = serde_json::json!({ "status": "failed" });
                format!("(id: {})", transfer_after(&self.app, &owner.agent, &failed).await["id"])
            }
            "createView" => r#"(input: { name: "Failed", page: "transfers", query: "status=failed" })"#.to_owned(),
            "updateView" => format!(r#"(id: {}, input: {{ name: "Failed today" }})"#, self.view().await),
            "deleteView" => format!("(id: {})", self.view().await),
            "snoozeAttention" => {
                let id = self.attention_item().await;
                format!(r#"(id: "{id}", until: "2026-04-26T08:00:00Z", reason: "the partner is informed")"#)
            }
            "endAttentionSnooze" => format!(r#"(id: "{}")"#, self.attention_item().await),
            "schedulePreview" => r#"(schedule: "@daily")"#.to_owned(),
            "series" => {
                let window = r#"from: "2026-04-25T12:00:00Z", to: "2026-04-25T14:00:00Z", step: HOUR"#;
                format!(r#"(metric: BYTES, {window}, agentId: "{}")"#, owner.agent.id)
            }
            "createJob" => {
                let (agent, rest) = (owner.agent.id, "schedule: \"@daily\", protocol: LOCAL, direction: PULL");
                format!(r#"(input: {{ agentId: "{agent}", name: "New", source: "/out", destination: "/in", {rest} }})"#)
            }
            "updateJob" => format!(r#"(id: "{}", input: {{ name: "Renamed" }})"#, self.job().await),
            "job" | "deleteJob" | "enableJob" | "disableJob" | "runJob" => format!(r#"(id: "{}")"#, self.job().await),
            "jobRuns" => format!(r#"(filter: {{ jobId: "{}" }}, first: 5)"#, self.job().await),
            "jobSlots" => format!(r#"(jobId: "{}", first: 5)"#, self.job().await),
            "previewBackfill" | "backfillJob" => {
                let range = r#"from: "2026-04-25T10:00:00Z", to: "2026-04-25T12:00:00Z""#;
                format!(r#"(jobId: "{}", {range})"#, self.job().await)
            }
            "jobRun" | "cancelJobRun" => format!("(id: {})", self.job_run(&serde_json::json!({})).await),
            "retryJobRun" => format!("(id: {})", self.job_run(&serde_json::json!({ "status": "failed" })).await),
            _ => self.arguments_about_pipelines(field).await,
        }
    }

    async fn arguments_about_pipelines(&self, field: &str) -> String {
        match field {
            "pipelineSchema" => String::new(),
            "pipelines" => "(first: 5)".to_owned(),
            "dryRunPipeline" => format!("(yaml: {COPY:?})"),
            "createPipeline" => format!(r#"(input: {{ identifier: "new", name: "New", yaml: {COPY:?} }})"#),
            "rotateWebhookSecret" => format!(r#"(customerId: "{}")"#, self.owner.customer.id),
            "pipelineRun" | "cancelPipelineRun" => format!("(id: {})", self.pipeline_run(None).await),
            "rerunPipelineRun" => format!("(id: {})", self.pipeline_run(Some("failed")).await),
            _ => {
                let pipeline = self.pipeline().await;
                match field {
                    "pipeline" | "deletePipeline" | "runPipeline" => format!(r#"(id: "{pipeline}")"#),
                    "updatePipeline" => format!(r#"(id: "{pipeline}", input: {{ name: "Renamed" }})"#),
                    "replacePipelineDefinition" => format!(r#"(id: "{pipeline}", yaml: {COPY:?})"#),
                    "pipelineRuns" => format!(r#"(filter: {{ pipelineId: "{pipeline}" }}, first: 5)"#),
                    "pipelineSlots" | "pipelineVersions" => format!(r#"(pipelineId: "{pipeline}", first: 5)"#),
                    "pipelineVersionYaml" | "restorePipelineVersion" => {
                        format!(r#"(pipelineId: "{pipeline}", version: 1)"#)
                    }
                    "pipelineDiff" => format!(r#"(pipelineId: "{pipeline}", from: 1, to: 1)"#),
                    other => panic!("say what to ask {other} about"),
                }
            }
        }
    }

    /// A new pipeline of the customer `Owner`.
    async fn pipeline(&self) -> PipelineId {
        let (cp, all) = (self.app.cp(), PipelineFilter::default());
        let (sort, request) = (ScheduledSort::default(), PageRequest::default());
        let listed = cp.list_pipelines(&Actor::System, &all, sort, request).await.expect("pipelines");
        let number = listed.total.count();
        // There are others by now.
        let yaml = format!("{COPY}agent: {}\n", self.owner.agent.id);
        self.app.pipeline(self.owner.customer.id, &format!("pipeline-of-owner-{number}"), &yaml).await
    }

    /// The id of a run of such a pipeline, after this report of its step.
    async fn pipeline_run(&self, status: Option<&str>) -> Value {
        let run = self.app.run(self.pipeline().await).await;
        if let Some(status) = status {
            self.app.step(&self.owner.agent, &run, "transfer", &serde_json::json!({ "status": status })).await;
        }
        serde_json::json!(run.id)
    }

    async fn job(&self) -> String {
        self.app.job(&self.owner.agent, &serde_json::json!({})).await.to_string()
    }

    /// The id of a new job run of the customer `Owner`, after this report.
    async fn job_run(&self, report: &Value) -> Value {
        let (agent, path) = (self.app.key(&self.owner.agent.key), format!("/api/jobs/{}/runs", self.job().await));
        let started = agent.post(&path, &serde_json::json!({})).await;
        let id = started.body["data"]["run"]["id"].clone();
        let answer = agent.patch(&format!("{path}/{}", id.as_str().expect("an id")), report).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        id
    }

    /// The id of a new view of the user of the customer `Owner`.
    async fn view(&self) -> Value {
        let question = "mutation ($arguments: CreateViewInput!) { createView(input: $arguments) { id } }";
        let view = serde_json::json!({ "arguments": { "name": "Failed", "page": "transfers", "query": "" } });
        self.caller("the owner").await.data(question, &view).await["createView"]["id"].clone()
    }

    /// The id of the item about a failed transfer of the customer `Owner`.
    async fn attention_item(&self) -> String {
        self.app.failed_transfer(&self.owner.agent).await;
        item_of_failures(self.owner.customer.id).to_string()
    }

    async fn code(&self) -> String {
        let cp = self.app.cp();
        let code = cp.create_enrolment_code(&Actor::System, self.owner.customer.id, CreateEnrolmentCode::default());
        code.await.expect("a code").id.to_string()
    }

    /// Requests everything that is reachable from a field.
    async fn ask(&self, root: &str, field: &str, who: &str) -> Answer {
        let ty = self.schema.fields(root).into_iter().find(|(name, _)| *name == field).map(|(_, ty)| ty);
        let ty = ty.unwrap_or_else(|| panic!("{root} has no field {field}"));
        let all = if who == "an administrator" { self.schema.everything(ty, 3) } else { self.schema.granted(ty, 3) };
        let selection = if self.schema.is_leaf(ty) { String::new() } else { format!("{{ {all} }}") };
        let (operation, arguments) = (root.to_lowercase(), self.arguments(field).await);
        self.caller(who).await.ask(&format!("{operation} {{ {field}{arguments} {selection} }}"), &Value::Null).await
    }
}

fn outcome(answer: &Answer, field: &str) -> Outcome {
    match answer.codes().as_slice() {
        [] if answer.body["data"][field].is_null() => Nothing,
        [] => Given,
        [code, others @ ..] => {
            assert!(answer.body["data"][field].is_null() && others.is_empty(), "{}", answer.body);
            let known = ["UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND"];
            Refused(known.into_iter().find(|known| known == code).unwrap_or("SOMETHING ELSE"))
        }
    }
}

#[test]
fn every_field_at_the_root_of_the_schema_has_a_row() {
    let schema = Schema::read();
    for root in ["Query", "Mutation"] {
        let fields = schema.fields(root);
        assert!(fields.len() >= 11, "{root} is not where it was: {fields:?}");
        for (field, _) in fields {
            let has_row = TABLE.iter().any(|(of, name, _)| (*of, *name) == (root, field));
            assert!(has_row, "{root}.{field} has no row in the access table");
        }
    }
}

#[tokio::test]
async fn each_caller_gets_from_each_field_what_the_contract_grants_and_no_more() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for &(root, field, expected) in TABLE {
        for (who, expected) in CALLERS.into_iter().zip(expected) {
            let answer = world.ask(root, field, who).await;
            assert_eq!(answer.status, 200, "{root}.{field} by {who}: {}", answer.body);
            if outcome(&answer, field) != expected {
                wrong.push(format!("{root}.{field} by {who} is not {expected:?}: {}", answer.body));
            }
            assert_nothing_leaks(&world, field, who, &answer);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_invalid_token_is_401_whatever_the_field() {
    let world = World::new().await;
    for &(root, field, _) in TABLE {
        for who in OUTCASTS {
            let answer = world.ask(root, field, who).await;
            assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]), "{root}.{field} by {who}");
            assert_eq!(answer.body.get("data"), None, "{root}.{field} by {who}");
            assert_nothing_leaks(&world, field, who, &answer);
        }
    }
}

fn assert_nothing_leaks(world: &World, field: &str, who: &str, answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.bytes);
    for inside in ["sqlx", "SELECT", "panicked", "backtrace", ".rs:"] {
        assert!(!text.contains(inside), "{field} by {who}: {text}");
    }
    let (of_owner, of_other) = (world.owner.secrets("Owner"), world.other.secrets("Stranger"));
    let hidden = match who {
        "an administrator" => Vec::new(),
        "the owner" => of_other,
        "another customer's user" => of_owner,
        _ => [of_owner, of_other].concat(),
    };
    for secret in hidden {
        assert!(!text.contains(&secret), "{field} tells {who} of {secret}: {text}");
    }
}

#[tokio::test]
async fn without_a_token_the_schema_is_refused() {
    let world = World::new().await;
    for question in ["{ __schema { queryType { name } } }", r#"{ __type(name: "Agent") { name } }"#] {
        let answer = world.caller("nobody").await.ask(question, &Value::Null).await;
        assert_eq!(answer.codes(), ["UNAUTHENTICATED"], "{question}: {}", answer.body);
        let answer = world.caller("another customer's user").await.ask(question, &Value::Null).await;
        assert_eq!(answer.codes(), [""; 0], "{question}: {}", answer.body);
    }
    let answer = world.caller("nobody").await.data("{ __typename }", &Value::Null).await;
    assert_eq!(answer, serde_json::json!({ "__typename": "Query" }));
}

#[tokio::test]
async fn an_object_of_another_customer_looks_like_one_that_does_not_exist() {
    let world = World::new().await;
    let nowhere = "0199c1f0-6c00-7000-8000-000000000001";
    let of_owner = &world.owner;
    let transfer = of_owner.transfer["id"].as_str().expect("an id").to_owned();
    let other_user = world.caller("another customer's user").await;
    for (question, foreign) in [
        ("query ($id: ID!) { agent(id: $id) { id } }", of_owner.agent.id.to_string()),
        ("query ($id: ID!) { transfer(id: $id) { id } }", transfer.clone()),
        ("query ($id: ID!) { enrolmentCodes(customerId: $id) { totalCount } }", of_owner.customer.id.to_string()),
        ("query ($id: ID!) { node(id: $id) { id } }", of_owner.customer.id.to_string()),
        ("query ($id: ID!) { node(id: $id) { id } }", of_owner.person.id.to_string()),
        ("query ($id: ID!) { node(id: $id) { id } }", of_owner.agent.id.to_string()),
        ("query ($id: ID!) { node(id: $id) { id } }", world.code().await),
        ("mutation ($id: ID!) { cancelTransfer(id: $id) { id } }", transfer),
        ("mutation ($id: ID!) { requestKeyRotation(id: $id) { id } }", of_owner.agent.id.to_string()),
        ("mutation ($id: ID!) { revokeAgent(id: $id) }", of_owner.agent.id.to_string()),
        ("mutation ($id: ID!) { deleteEnrolmentCode(id: $id) }", world.code().await),
        ("mutation ($id: ID!) { updateUser(id: $id, input: {}) { id } }", of_owner.person.id.to_string()),
    ] {
        let is_foreign = other_user.ask(question, &super::of(&foreign)).await;
        let is_missing = other_user.ask(question, &super::of(&nowhere)).await;
        assert_eq!(is_foreign.body, is_missing.body, "{question}");
    }
}

#[tokio::test]
async fn a_link_to_what_the_caller_may_not_see_is_null() {
    let world = World::new().await;
    let question = "query ($id: ID!) { transfer(id: $id) { agentName agent { id } customer { name } } }";
    let id = super::of(&world.owner.transfer["id"].as_str().expect("an id"));
    let owner = world.caller("the owner").await;
    let seen = &owner.data(question, &id).await["transfer"];
    assert_eq!((&seen["agentName"], &seen["customer"]["name"]), (&"host-of-Owner".into(), &"Owner".into()));
    world.app.cp().revoke_agent(&Actor::System, world.owner.agent.id).await.expect("a revocation");
    let seen = &owner.data(question, &id).await["transfer"];
    assert_eq!((&seen["agentName"], &seen["agent"]), (&"host-of-Owner".into(), &Value::Null));
}
