//! The access table: every operation of the OpenAPI document, called by every kind of caller.

mod answers;
mod files_with_routes;
mod objects_of_other_customers;

use std::collections::BTreeMap;

use backend::{actor::Actor, model::enrolment_code::CreateEnrolmentCode, rest};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{
    Answer, Client, TestApp,
    app::{TestAgent, TestCustomer, item_of_failures},
    tls::AgentKey,
};

/// What each caller gets from an operation on an object of the customer `Owner`, in the order of [`CALLERS`].
type Row = (&'static str, [u16; 8]);

const CALLERS: [&str; 8] = [
    "nobody",
    "nobody with a garbage key",
    "nobody with a garbage token",
    "the owner's agent",
    "another customer's agent",
    "the owner",
    "another customer's user",
    "an administrator",
];

/// The rows of the access table: sections 1 and 2 of the contract. `logout` comes last, because it ends the sessions
/// that the others need.
const TABLE: &[Row] = &[
    ("get_health", [200; 8]),
    ("get_liveness", [200; 8]),
    ("get_readiness", [200; 8]),
    ("login", [200; 8]),
    ("refresh_session", [200; 8]),
    ("me", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("create_customer", [401, 401, 401, 401, 401, 403, 403, 201]),
    ("list_customers", [401, 401, 401, 401, 401, 403, 403, 200]),
    ("update_customer", [401, 401, 401, 401, 401, 403, 404, 200]),
    ("create_enrolment_code", [401, 401, 401, 401, 401, 201, 404, 201]),
    ("list_enrolment_codes", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("delete_enrolment_code", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("create_user", [401, 401, 401, 401, 401, 403, 403, 201]),
    ("list_users", [401, 401, 401, 401, 401, 403, 403, 200]),
    ("update_user", [401, 401, 401, 401, 401, 403, 404, 200]),
    ("create_view", [401, 401, 401, 401, 401, 201, 201, 201]),
    ("list_views", [401, 401, 401, 401, 401, 200, 200, 200]),
    // A view is seen by the user alone who has saved it.
    ("update_view", [401, 401, 401, 401, 401, 200, 404, 404]),
    ("delete_view", [401, 401, 401, 401, 401, 200, 404, 404]),
    // The body holds a code: only a wrong token stands against it, and a key says nothing here.
    ("register_agent", [201, 201, 401, 201, 201, 201, 201, 201]),
    ("record_heartbeat", [401, 401, 401, 200, 200, 401, 401, 401]),
    ("list_directives", [401, 401, 401, 200, 200, 401, 401, 401]),
    ("acknowledge_directive", [401, 401, 401, 200, 404, 401, 401, 401]),
    ("list_agents", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("get_agent", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("revoke_agent", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("list_agent_transfers", [401, 401, 401, 401, 401, 200, 404, 200]),
    // Before the rotation, after which the first key gets no certificate.
    ("issue_agent_certificate", [401, 401, 401, 201, 404, 401, 401, 401]),
    ("rotate_agent_key", [401, 401, 401, 201, 404, 201, 404, 201]),
    ("request_key_rotation", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("get_certificate_authority", [200; 8]),
    ("create_transfer", [401, 401, 401, 201, 201, 401, 401, 401]),
    ("list_transfers", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("get_transfer", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("update_transfer", [401, 401, 401, 200, 404, 401, 401, 401]),
    ("update_transfers", [401, 401, 401, 200, 200, 401, 401, 401]),
    ("retry_transfers", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("cancel_transfers", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("snooze_attention", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("end_attention_snooze", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("get_attention", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("create_job", [401, 401, 401, 401, 401, 403, 403, 201]),
    ("list_jobs", [401, 401, 401, 200, 200, 200, 200, 200]),
    ("get_job", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("update_job", [401, 401, 401, 401, 401, 403, 404, 200]),
    ("delete_job", [401, 401, 401, 401, 401, 403, 404, 200]),
    ("list_job_runs", [401, 401, 401, 401, 401, 403, 404, 200]),
    ("start_job_run", [401, 401, 401, 201, 404, 401, 401, 401]),
    ("update_job_run", [401, 401, 401, 200, 404, 401, 401, 401]),
    ("create_pipeline", [401, 401, 401, 401, 401, 201, 201, 201]),
    ("list_pipelines", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("get_pipeline_schema", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("dry_run_pipeline", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("get_pipeline", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("export_pipeline", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("replace_pipeline_definition", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("update_pipeline", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("delete_pipeline", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("list_pipeline_runs", [401, 401, 401, 401, 401, 403, 404, 200]),
    ("run_pipeline", [401, 401, 401, 401, 401, 403, 404, 201]),
    ("list_pipeline_versions", [401, 401, 401, 401, 401, 403, 404, 200]),
    ("update_pipeline_step", [401, 401, 401, 200, 404, 401, 401, 401]),
    ("get_agent_history", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("get_transfer_samples", [401, 401, 401, 401, 401, 200, 404, 200]),
    ("get_series", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("logout", [401, 401, 401, 401, 401, 200, 200, 200]),
];

/// The smallest definition.
const DEFINITION: &str = "source: sftp://ftp.example.com/data.csv\ndestination: /data/in/\n";

/// Operations whose credential is in the body: the credential of the request makes no difference.
const BY_BODY: [&str; 3] = ["login", "refresh_session", "register_agent"];

/// An operation of the OpenAPI document.
struct Operation {
    method: String,
    path: String,
    has_body: bool,
    statuses: Vec<String>,
}

/// Every operation of the document by its id.
fn operations() -> BTreeMap<String, Operation> {
    let document = serde_json::to_value(rest::document()).expect("a document");
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an operation's id").to_owned();
            let found = Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                has_body: operation.get("requestBody").is_some(),
                statuses: operation["responses"].as_object().expect("responses").keys().cloned().collect(),
            };
            assert!(operations.insert(id.clone(), found).is_none(), "two operations are called {id}");
        }
    }
    operations
}

/// Two customers with an agent each, and an administrator.
struct World {
    app: TestApp,
    owner: TestCustomer,
    owner_agent: TestAgent,
    other: TestCustomer,
    other_agent: TestAgent,
    admin: Client,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::with_authority().await;
        let owner = app.customer("Owner").await;
        let other = app.customer("Stranger").await;
        let owner_agent = app.agent(owner.id, "host-of-owner").await;
        let other_agent = app.agent(other.id, "host-of-stranger").await;
        app.transfer(&owner_agent).await;
        app.transfer(&other_agent).await;
        let admin = app.admin().await;
        let known = json!({ "email": "known@example.com", "password": "correct horse battery", "role": "admin" });
        assert_eq!(admin.post("/api/users", &known).await.status, 201);
        Self { app, owner, owner_agent, other, other_agent, admin }
    }

    fn caller(&self, caller: usize) -> Client {
        match caller {
            0 => self.app.anonymous(),
            1 => self.app.key("mft_ak_0123456789012345678901234567890123456789012"),
            2 => self.app.bearer("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"),
            3 => self.app.key(&self.owner_agent.key),
            4 => self.app.key(&self.other_agent.key),
            5 => self.app.bearer(&self.owner.token),
            6 => self.app.bearer(&self.other.token),
            _ => self.admin.clone(),
        }
    }

    /// The id in the path. It names an object of the customer `Owner`, or a new one if the call may end it.
    async fn target(&self, operation: &str) -> String {
        let owner = self.owner.id;
        match operation {
            "update_customer" | "create_enrolment_code" | "list_enrolment_codes" => owner.to_string(),
            "delete_enrolment_code" => self.code().await["id"].as_str().expect("an id").to_owned(),
            "update_user" => self.owner_user().await,
            // After a rotation the first key works on beside the new one.
            "get_agent"
            | "get_agent_history"
            | "list_agent_transfers"
            | "rotate_agent_key"
            | "issue_agent_certificate" => self.owner_agent.id.to_string(),
            "revoke_agent" | "request_key_rotation" => self.app.agent(owner, "host-of-owner").await.id.to_string(),
            "get_transfer" | "get_transfer_samples" | "update_transfer" => self.transfer().await,
            "acknowledge_directive" => self.directive().await,
            "update_view" | "delete_view" => self.view().await,
            "snooze_attention" | "end_attention_snooze" => self.attention_item().await,
            "get_job" | "update_job" | "delete_job" | "list_job_runs" | "start_job_run" => self.job().await,
            "update_job_run" => {
                let job = self.job().await;
                let started =
                    self.app.key(&self.owner_agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
                format!("{job}/runs/{}", started.body["data"]["run"]["id"].as_str().expect("an id"))
            }
            "get_pipeline"
            | "export_pipeline"
            | "replace_pipeline_definition"
            | "update_pipeline"
            | "delete_pipeline"
            | "list_pipeline_runs"
            | "run_pipeline"
            | "list_pipeline_versions" => self.pipeline().await,
            "update_pipeline_step" => {
                let pipeline = self.pipeline().await;
                let started = self.admin.post(&format!("/api/pipelines/{pipeline}/runs"), &json!({})).await;
                let run = started.body["data"]["run"]["id"].as_str().expect("an id");
                format!("{pipeline}/runs/{run}/steps/transfer")
            }
            other => panic!("say which object {other} is about"),
        }
    }

    /// A valid body for an operation.
    async fn body(&self, operation: &str) -> Value {
        match operation {
            "login" => json!({ "email": "known@example.com", "password": "correct horse battery" }),
            "refresh_session" => {
                let session = self.app.cp().issue_token(&Actor::System, "known@example.com", TimeDelta::hours(1)).await;
                json!({ "refreshToken": session.expect("a session").refresh_token })
            }
            "create_customer" => json!({ "name": "Third" }),
            "update_customer" | "update_user" => json!({ "suspended": false }),
            "create_user" => {
                json!({ "email": "fourth@example.com", "password": "correct horse battery", "role": "admin" })
            }
            "register_agent" => json!({
                "hostname": "newcomer", "os": "linux", "customerIdentifier": self.code().await["code"],
            }),
            "issue_agent_certificate" => json!({ "csr": AgentKey::generate().csr() }),
            "create_transfer" => json!({
                "sourceUrl": "sftp://ftp.example.com/data.csv", "destinationPath": "/data.csv", "direction": "pull",
                "protocol": "sftp",
            }),
            "update_transfer" => json!({ "status": "running", "progress": 45 }),
            "update_transfers" => json!({ "updates": [{ "id": self.transfer().await, "progress": 45 }] }),
            "retry_transfers" | "cancel_transfers" => json!({ "ids": [self.transfer().await] }),
            "snooze_attention" => json!({ "until": "2026-04-26T08:00:00Z", "reason": "the partner is informed" }),
            "create_enrolment_code"
            | "record_heartbeat"
            | "rotate_agent_key"
            | "logout"
            | "start_job_run"
            | "run_pipeline" => json!({}),
            "create_job" => json!({
                "agentId": self.owner_agent.id, "name": "Nightly", "sourcePath": "/out/", "destinationPath": "/in/",
                "schedule": "0 2 * * *", "protocol": "local", "direction": "pull",
            }),
            "create_view" => json!({ "name": "Failed", "page": "transfers", "query": "status=failed" }),
            "update_view" => json!({ "name": "Failed today" }),
            "update_job" => json!({ "name": "Daily" }),
            "update_job_run" | "update_pipeline_step" => json!({ "status": "completed" }),
            "create_pipeline" => json!({
                "identifier": format!("made-{}", crate::support::app::seed()), "name": "Daily", "yaml": DEFINITION,
            }),
            "dry_run_pipeline" | "replace_pipeline_definition" => json!({ "yaml": DEFINITION }),
            "update_pipeline" => json!({ "name": "Weekly" }),
            other => panic!("say what to send to {other}"),
        }
    }

    async fn code(&self) -> Value {
        let code = self.app.cp().create_enrolment_code(&Actor::System, self.owner.id, CreateEnrolmentCode::default());
        serde_json::to_value(code.await.expect("a code")).expect("JSON")
    }

    async fn transfer(&self) -> String {
        self.app.transfer(&self.owner_agent).await["id"].as_str().expect("an id").to_owned()
    }

    async fn job(&self) -> String {
        self.app.job(&self.owner_agent, &json!({})).await.to_string()
    }

    async fn pipeline(&self) -> String {
        let identifier = format!("of-owner-{}", crate::support::app::seed());
        let yaml = format!("{DEFINITION}agent: {}\n", self.owner_agent.id);
        let body = json!({ "identifier": identifier, "name": "Daily", "yaml": yaml });
        let made = self.app.bearer(&self.owner.token).post("/api/pipelines", &body).await;
        made.body["data"]["pipeline"]["id"].as_str().expect("an id").to_owned()
    }

    async fn directive(&self) -> String {
        let cp = self.app.cp();
        cp.request_key_rotation(&Actor::System, self.owner_agent.id).await.expect("a directive");
        let open = self.app.key(&self.owner_agent.key).get("/api/agents/directives").await;
        open.body["data"]["directives"][0]["id"].as_str().expect("an id").to_owned()
    }

    async fn view(&self) -> String {
        let body = json!({ "name": "Failed", "page": "transfers", "query": "status=failed" });
        let saved = self.app.bearer(&self.owner.token).post("/api/views", &body).await;
        saved.body["data"]["view"]["id"].as_str().expect("an id").to_owned()
    }

    /// The id of the item about a failed transfer.
    async fn attention_item(&self) -> String {
        self.app.failed_transfer(&self.owner_agent).await;
        item_of_failures(self.owner.id).to_string()
    }

    async fn owner_user(&self) -> String {
        let me = self.app.bearer(&self.owner.token).get("/api/auth/me").await;
        me.body["data"]["user"]["id"].as_str().expect("an id").to_owned()
    }

    async fn call(&self, id: &str, operation: &Operation, caller: usize) -> Answer {
        // Where several ids are in the path, the target is all of them.
        let path = operation.path.replace("/runs/{runId}", "").replace("/steps/{stepId}", "");
        let path = match path.split_once("{id}") {
            Some((before, after)) => format!("{before}{}{after}", self.target(id).await),
            None => path,
        };
        let path = match id {
            "get_series" => {
                format!("{path}?metric=bytes&step=1h&from=2026-04-25T12:00:00Z&to=2026-04-25T14:00:00Z")
            }
            _ => path,
        };
        let body = if operation.has_body { Some(self.body(id).await) } else { None };
        self.caller(caller).send(&operation.method, &path, body.as_ref()).await
    }
}

#[tokio::test]
async fn each_caller_gets_from_each_operation_what_the_contract_grants_and_no_more() {
    let operations = operations();
    for id in operations.keys() {
        assert!(TABLE.iter().any(|(listed, _)| listed == id), "{id} has no row in the access table");
    }
    let world = World::new().await;
    let mut wrong = Vec::new();
    for &(id, expected) in TABLE {
        let operation = operations.get(id).unwrap_or_else(|| panic!("the document has no operation {id}"));
        for (caller, expected) in expected.into_iter().enumerate() {
            let answer = world.call(id, operation, caller).await;
            let who = CALLERS[caller];
            if answer.status != expected {
                wrong.push(format!("{id} by {who}: {} instead of {expected}: {}", answer.status, answer.body));
            }
            let declared = operation.statuses.contains(&answer.status.to_string());
            assert!(declared, "{id} by {who}: the document does not know {}", answer.status);
            assert_envelope(id, who, &answer);
            assert_nothing_leaks(&world, id, caller, &answer);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn assert_envelope(id: &str, who: &str, answer: &Answer) {
    let is_file = matches!(id, "export_pipeline" | "get_certificate_authority") && answer.status == 200;
    if id == "get_health" || is_file {
        return;
    }
    let place = format!("{id} by {who}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"), "{place}");
    let envelope = answer.body.as_object().unwrap_or_else(|| panic!("{place}"));
    let keys: Vec<&str> = envelope.keys().map(String::as_str).collect();
    if answer.status < 400 {
        assert!(keys.len() == 2 && envelope["success"] == true && envelope["data"].is_object(), "{place}");
    } else {
        assert!(keys.len() == 3 && envelope["success"] == false, "{place}");
        assert!(envelope["error"].as_str().is_some_and(|error| !error.is_empty()), "{place}");
        assert!(envelope["details"].is_null() || envelope["details"].is_object(), "{place}");
    }
}

fn assert_nothing_leaks(world: &World, id: &str, caller: usize, answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.bytes);
    for inside in ["sqlx", "SELECT", "panicked", "backtrace", ".rs:"] {
        assert!(!text.contains(inside), "{id} by {}: {text}", CALLERS[caller]);
    }
    if BY_BODY.contains(&id) {
        return;
    }
    let of = |customer: &TestCustomer, agent: &TestAgent, name: &str| {
        [customer.id.to_string(), agent.id.to_string(), name.to_owned(), format!("host-of-{}", name.to_lowercase())]
    };
    let of_owner = of(&world.owner, &world.owner_agent, "Owner");
    let of_other = of(&world.other, &world.other_agent, "Stranger");
    let hidden = match CALLERS[caller] {
        "an administrator" => Vec::new(),
        "the owner's agent" | "the owner" => of_other.to_vec(),
        "another customer's agent" | "another customer's user" => of_owner.to_vec(),
        _ => [of_owner, of_other].concat(),
    };
    for secret in hidden {
        assert!(!text.contains(&secret), "{id} tells {} of {secret}: {text}", CALLERS[caller]);
    }
}
