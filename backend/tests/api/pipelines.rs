//! Pipelines and their runs: one file per operation or rule.

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, TestApp,
    app::{TestAgent, TestCustomer},
};

mod create;
mod export;
mod get;
mod list;
mod replace;
mod schema;

/// A definition that says the least.
const SMALL: &str = "source: sftp://ftp.example.com/exports/orders.csv\ndestination: /data/in/\n";

/// Three steps in a line, with a fourth for when one of them fails.
const LINE: &str = "\
source: sftp://ftp.example.com/exports/orders.csv
destination: /data/in/orders.csv
steps:
  - { id: fetch, type: transfer }
  - { id: check, type: checksum, needs: [fetch], path: /data/in/orders.csv }
  - { id: pack, type: compress, needs: [check], path: /data/in/orders.csv }
  - { id: clean, type: delete, needs: [pack], when: failure, path: /data/in/orders.csv }
";

/// A server with a customer, an agent of theirs, and an administrator.
struct Place {
    app: TestApp,
    customer: TestCustomer,
    agent: TestAgent,
    user: Client,
    admin: Client,
}

impl Place {
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

    /// A run of such a pipeline.
    async fn run(&self, yaml: &str) -> Value {
        let pipeline = self.pipeline("daily", yaml).await;
        let answer = self.admin.post(&format!("/api/pipelines/{}/runs", id(&pipeline)), &json!({})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["data"]["run"].clone()
    }

    /// The run as it is now.
    async fn look(&self, run: &Value) -> Value {
        let path = format!("/api/pipelines/{}/runs?limit=100", text(&run["pipelineId"]));
        let runs = self.admin.get(&path).await.body["data"]["runs"].clone();
        let found = runs.as_array().expect("runs").iter().find(|found| found["id"] == run["id"]);
        found.expect("the run").clone()
    }

    /// What the agent says about a step.
    async fn report(&self, run: &Value, step: &str, report: &Value) -> Answer {
        self.app.key(&self.agent.key).patch(&step_path(run, step), report).await
    }

    /// The same, which must be taken.
    async fn says(&self, run: &Value, step: &str, status: &str) {
        let answer = self.report(run, step, &json!({ "status": status })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// What waits for the agent: types, with the steps they are about.
    async fn wishes(&self) -> Vec<(String, String)> {
        let wish = |directive: &Value| {
            let payload = &directive["payload"];
            let step = payload["stepId"].as_str().or_else(|| payload["step"]["id"].as_str()).unwrap_or("");
            (text(&directive["type"]).to_owned(), step.to_owned())
        };
        self.directives().await.iter().map(wish).collect()
    }

    async fn directives(&self) -> Vec<Value> {
        let open = self.app.key(&self.agent.key).get("/api/agents/directives").await;
        open.body["data"]["directives"].as_array().expect("directives").clone()
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

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn step_path(run: &Value, step: &str) -> String {
    format!("/api/pipelines/{}/runs/{}/steps/{step}", text(&run["pipelineId"]), id(run))
}

/// How far the steps of a run have come, in their order.
fn statuses(run: &Value) -> Vec<&str> {
    run["steps"].as_array().expect("steps").iter().map(|step| text(&step["status"])).collect()
}
