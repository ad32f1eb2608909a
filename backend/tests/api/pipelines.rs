//! Pipelines and their runs, with one file per operation or rule.

use std::time::Duration;

use backend::{
    ids::RunId,
    model::{PageRequest, pipeline::PipelineRef},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{
    Answer, Client, TestApp, admin,
    app::{TestAgent, TestCustomer},
};

const MINUTE: TimeDelta = TimeDelta::minutes(1);
const HOUR: TimeDelta = TimeDelta::hours(1);
const MOMENT: TimeDelta = TimeDelta::milliseconds(1);

mod cancel;
mod create;
mod delete;
mod drafts;
mod dry_run;
mod engine_against_model;
mod export;
mod get;
mod list;
mod lost_agents;
mod parameter_escaping;
mod replace;
mod rerun;
mod runs;
mod schedule;
mod schema;
mod server_restarts;
mod step_order;
mod steps;
mod transfers;
mod update;
mod versions;
mod webhooks;

/// The smallest definition.
const SMALL: &str = "source: sftp://ftp.example.com/exports/orders.csv\ndestination: /data/in/\n";

/// Three steps in a line, with a fourth one that runs if one of them fails.
const LINE: &str = "\
source: sftp://ftp.example.com/exports/orders.csv
destination: /data/in/orders.csv
steps:
  - { id: fetch, type: transfer }
  - { id: check, type: checksum, needs: [fetch], path: /data/in/orders.csv }
  - { id: pack, type: compress, needs: [check], path: /data/in/orders.csv }
  - { id: clean, type: delete, needs: [pack], when: failure, path: /data/in/orders.csv }
";

/// A server with a customer, an agent of the customer, and an administrator.
struct Fixture {
    app: TestApp,
    customer: TestCustomer,
    agent: TestAgent,
    user: Client,
    admin: Client,
}

impl Fixture {
    async fn new() -> Self {
        Self::of(TestApp::start().await).await
    }

    async fn of(app: TestApp) -> Self {
        let customer = app.customer("acme").await;
        let agent = app.agent(customer.id, "edge-1").await;
        let (user, admin) = (app.bearer(&customer.token), app.admin().await);
        Self { app, customer, agent, user, admin }
    }

    /// A pipeline of the customer with this definition.
    async fn pipeline(&self, identifier: &str, yaml: &str) -> Value {
        created(&self.user, identifier, yaml).await
    }

    /// The same server, stopped and started after this time.
    async fn restarted(self, after: TimeDelta) -> Self {
        let Self { app, customer, agent, user, admin } = self;
        // Whoever could call it keeps it.
        drop((user, admin));
        let app = app.restarted(after).await;
        let (user, admin) = (app.bearer(&customer.token), app.admin().await);
        Self { app, customer, agent, user, admin }
    }

    /// Advances the clock, and lets the engine advance the runs.
    async fn look_after(&self, after: TimeDelta) {
        self.app.advance(after);
        self.app.app.cp.advance_pipeline_runs().await.expect("a look");
    }

    /// Advances the clock, and lets the scheduler decide due slots.
    async fn dispatch(&self, after: TimeDelta) -> usize {
        self.app.advance(after);
        self.app.cp().decide_due_slots().await.expect("slots are decided")
    }

    /// The slot history of a pipeline, oldest first: hour and minute of each slot, or the number of slots of a range,
    /// and the outcome.
    async fn slot_history(&self, identifier: &str) -> Vec<String> {
        let line = |slot: &Value| match slot["count"].as_i64() {
            Some(count) => format!("{count}x {}", text(&slot["outcome"])),
            None => format!("{} {}", &text(&slot["scheduledFor"])[11..16], text(&slot["outcome"])),
        };
        self.slots(identifier).await.iter().rev().map(line).collect()
    }

    /// The slots of a pipeline, newest first.
    async fn slots(&self, identifier: &str) -> Vec<Value> {
        let meant: PipelineRef = identifier.parse().expect("an identifier");
        let page = self
            .app
            .cp()
            .list_pipeline_slots(&admin(), &meant, PageRequest::page(1, 100))
            .await
            .expect("a slot history");
        page.items.iter().map(|slot| json!(slot)).collect()
    }

    /// The runs of a pipeline, newest first.
    async fn history(&self, identifier: &str) -> Vec<Value> {
        let meant: PipelineRef = identifier.parse().expect("an identifier");
        let page =
            self.app.cp().list_runs_of_pipeline(&admin(), &meant, PageRequest::page(1, 100)).await.expect("runs");
        page.items.iter().map(|run| json!(run)).collect()
    }

    /// The time of the next slot of a pipeline.
    async fn next_run_at(&self, identifier: &str) -> Value {
        let meant: PipelineRef = identifier.parse().expect("an identifier");
        json!(self.app.cp().get_pipeline(&admin(), &meant).await.expect("a pipeline").next_run_at)
    }

    /// Sends a heartbeat of the agent.
    async fn heartbeat(&self, body: &Value) {
        assert_eq!(self.app.key(&self.agent.key).post("/api/agents/heartbeat", body).await.status, 200);
    }

    /// Replaces a definition, as an administrator who has just signed in.
    async fn put(&self, identifier: &str, yaml: &str) -> Answer {
        let path = format!("/api/pipelines/{identifier}/yaml");
        self.app.admin().await.send("PUT", &path, Some(&json!({ "yaml": yaml }))).await
    }

    /// Changes the fields of a pipeline that need no new version, as an administrator who has just signed in.
    async fn patch(&self, identifier: &str, body: &Value) -> Answer {
        self.app.admin().await.patch(&format!("/api/pipelines/{identifier}"), body).await
    }

    /// The run once the condition is true. Other tasks get their turn meanwhile.
    async fn until(&self, run: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let now = self.look(run).await;
                if is_so(&now) {
                    return now;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_mins(1), wait).await.expect("it becomes so")
    }

    /// Starts a run of a new pipeline with this definition.
    async fn run(&self, yaml: &str) -> Value {
        let pipeline = self.pipeline("daily", yaml).await;
        let answer = self.admin.post(&format!("/api/pipelines/{}/runs", id(&pipeline)), &json!({})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["data"]["run"].clone()
    }

    /// The current state of the run.
    async fn look(&self, run: &Value) -> Value {
        json!(self.app.cp().get_pipeline_run(&admin(), run_id(run)).await.expect("the run"))
    }

    /// Sends a report of the agent about a step.
    async fn report(&self, run: &Value, step: &str, report: &Value) -> Answer {
        self.app.key(&self.agent.key).patch(&step_path(run, step), report).await
    }

    /// Sends a report of the agent about a step, which must be accepted.
    async fn says(&self, run: &Value, step: &str, status: &str) {
        let answer = self.report(run, step, &json!({ "status": status })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The waiting directives of the agent: types, with the steps that they are about.
    async fn delivered(&self) -> Vec<(String, String)> {
        let read = |directive: &Value| {
            let payload = &directive["payload"];
            let step = payload["stepId"].as_str().or_else(|| payload["step"]["id"].as_str()).unwrap_or("");
            (text(&directive["type"]).to_owned(), step.to_owned())
        };
        self.directives().await.iter().map(read).collect()
    }

    async fn directives(&self) -> Vec<Value> {
        let open = self.app.key(&self.agent.key).get("/api/agents/directives").await;
        open.body["data"]["directives"].as_array().expect("directives").clone()
    }

    /// A run whose only step failed because its lease ended, and waits for its agent to stop it before the next
    /// attempt.
    async fn given_up(&self) -> Value {
        let yaml = "source: /a\ndestination: /b\nretry: { maxAttempts: 2, initialDelay: 1s }\n";
        let run = self.run(yaml).await;
        self.says(&run, "transfer", "running").await;
        self.heartbeat(&json!({ "status": "offline" })).await;
        self.look_after(MINUTE * 5).await;
        run
    }

    async fn acknowledge(&self, directive: &Value) {
        let path = format!("/api/agents/directives/{}/ack", id(directive));
        assert_eq!(self.app.key(&self.agent.key).send("POST", &path, None).await.status, 200);
    }

    async fn acknowledge_all(&self) {
        for directive in self.directives().await {
            self.acknowledge(&directive).await;
        }
    }
}

async fn created(client: &Client, identifier: &str, yaml: &str) -> Value {
    let body = json!({ "identifier": identifier, "name": "A pipeline", "yaml": yaml });
    let answer = client.post("/api/pipelines", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["data"]["pipeline"].clone()
}

fn id(object: &Value) -> &str {
    text(&object["id"])
}

fn run_id(run: &Value) -> RunId {
    id(run).parse().expect("a run's id")
}

/// A step of a run.
fn step<'v>(run: &'v Value, id: &str) -> &'v Value {
    run["steps"].as_array().expect("steps").iter().find(|step| step["id"] == id).expect("the step")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn step_path(run: &Value, step: &str) -> String {
    format!("/api/pipelines/{}/runs/{}/steps/{step}", text(&run["pipelineId"]), id(run))
}

/// The statuses of the steps of a run, in their order.
fn statuses(run: &Value) -> Vec<&str> {
    run["steps"].as_array().expect("steps").iter().map(|step| text(&step["status"])).collect()
}
