//! The REST contract's rules for pipeline steps, as far as an agent can observe them.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{App, FakeServer, ServerState, failure, merge, success};

impl FakeServer {
    /// Sends the directive `runStep`; returns the ids of the run and of the directive.
    pub(in crate::tests) fn send_step(&self, fields: Value) -> (Uuid, Uuid) {
        let run = Uuid::new_v4();
        (run, self.send_attempt(run, fields))
    }

    /// Sends the directive `runStep` for this run; returns its id.
    pub(in crate::tests) fn send_attempt(&self, run: Uuid, fields: Value) -> Uuid {
        let mut step = json!({"id": "step", "attempt": 1});
        merge(&mut step, fields);
        let view = json!({"id": step["id"], "type": step["type"], "attempt": step["attempt"], "status": "queued"});
        self.change(|state| state.steps.insert(run, view));
        self.send_directive("runStep", &json!({"runId": run, "pipelineId": Uuid::new_v4(), "step": step}))
    }
}

impl ServerState {
    /// Whether there are steps, all with this status.
    pub(in crate::tests) fn steps_are(&self, status: &str) -> bool {
        !self.steps.is_empty() && self.steps.values().all(|step| step["status"] == status)
    }

    /// The step of a run.
    pub(in crate::tests) fn step(&self, run: Uuid) -> Value {
        self.steps.get(&run).cloned().unwrap_or_default()
    }

    fn update_step(&mut self, run: Uuid, update: Value) -> Result<Value, (u16, &'static str)> {
        let step = self.steps.get_mut(&run).ok_or((404, "Run not found"))?;
        if update["attempt"].as_u64() < step["attempt"].as_u64() {
            return Ok(step.clone());
        }
        if !["queued", "running"].contains(&step["status"].as_str().unwrap_or_default())
            && step["status"] != update["status"]
        {
            return Err((409, "The step is over"));
        }
        merge(step, update);
        let step = step.clone();
        let repeats = self.repeats_directives;
        self.directives.retain(|open| repeats || open["type"] != "runStep" || open["payload"]["runId"] != json!(run));
        Ok(step)
    }
}

pub(super) async fn update(
    State(state): App,
    Path((_, run, _)): Path<(Uuid, Uuid, String)>,
    Json(body): Json<Value>,
) -> Response {
    match state.change(|state| state.update_step(run, body)) {
        Ok(step) => success(200, &json!({"step": step, "directives": []})),
        Err((status, error)) => failure(status, error),
    }
}
