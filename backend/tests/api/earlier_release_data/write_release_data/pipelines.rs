//! Pipelines and their runs: completed, failed, cancelled and in progress.

use backend::model::{FromFields, pipeline::UpdatePipeline};
use serde_json::{Value, json};

use super::{MINUTE, Story, made, object, step_path, taken, text};
use crate::support::{Receiver, admin};

/// A definition with a step of every type; the last step is the server's.
const EVERY_STEP: &str = include_str!("../../../definitions/good/every-step.yaml");

impl Story {
    pub(super) async fn pipelines(&self, receiver: &Receiver) {
        let app = &self.app;
        let create = async |identifier: &str, yaml: &str| {
            let body =
                json!({ "identifier": identifier, "name": "A pipeline", "yaml": yaml, "description": "What it does" });
            made(&self.customer_user, "/api/pipelines", &body, "pipeline").await
        };
        let run_of = async |pipeline: &Value| {
            let path = format!("/api/pipelines/{}/runs", text(&pipeline["id"]));
            made(&self.root, &path, &json!({}), "run").await
        };
        let small = "source: /a\ndestination: /b\nagent: edge-2\n";
        let gone = create("gone", small).await;
        taken(self.root.delete(&format!("/api/pipelines/{}", text(&gone["id"]))).await);
        let every = create("every-step", EVERY_STEP).await;
        let small = create("small", &format!("{small}schedule: \"*/30 * * * *\"\n")).await;
        let yaml = format!(
            "source: /a\ndestination: /b\nagent: edge-2\nsteps:\n  - {{ id: copy, type: transfer }}\n  - {{ id: tell, \
             type: webhook, needs: [copy], url: \"{}\" }}\n",
            receiver.url()
        );
        let notified = create("told", &yaml).await;
        let path = format!("/api/pipelines/{}/yaml", text(&notified["id"]));
        taken(self.root.send("PUT", &path, Some(&json!({ "yaml": yaml, "gitSha": "3f78685" }))).await);
        let renamed = UpdatePipeline::read(object(&json!({ "name": "Told" }))).expect("a change");
        let id = |of: &Value| of["id"].as_str().and_then(|id| id.parse::<uuid::Uuid>().ok()).expect("an id");
        let meant = backend::ids::PipelineId(id(&notified)).into();
        app.cp().update_pipeline(&admin(), &meant, renamed).await.expect("a change");

        // One that is done, one that was given up and reported late, one that was called off, and one in the middle.
        let done = run_of(&notified).await;
        self.step(1, &done, "copy", &json!({ "status": "running", "progress": 50, "bytesTransferred": 512 })).await;
        self.step(1, &done, "copy", &json!({ "status": "completed" })).await;
        app.app.cp.advance_pipeline_runs().await.expect("a look");
        while receiver.received().is_empty() {
            tokio::task::yield_now().await;
        }
        let late = run_of(&small).await;
        taken(self.agent(1).post("/api/agents/heartbeat", &json!({ "status": "offline" })).await);
        self.advance(MINUTE * 6);
        app.app.cp.advance_pipeline_runs().await.expect("a look");
        let path = step_path(&late, "transfer");
        assert_eq!(self.agent(1).patch(&path, &json!({ "status": "completed" })).await.status, 409);
        taken(self.agent(1).post("/api/agents/heartbeat", &json!({})).await);
        let cancelled = run_of(&small).await;
        self.step(1, &cancelled, "transfer", &json!({ "status": "running" })).await;
        let run = backend::ids::RunId(id(&cancelled));
        app.cp().cancel_pipeline_run(&admin(), run).await.expect("a cancel");
        let middle = run_of(&every).await;
        let sum = json!({ "status": "running", "progress": 10 });
        self.step(0, &middle, "sum", &sum).await;
        self.step(0, &middle, "sum", &json!({ "status": "completed" })).await;
        self.step(0, &middle, "pack", &sum).await;
    }
}
