//! The contract's rules for the steps of pipelines, as far as an agent can notice.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{App, Server, World, failure, merge, success};
use crate::random::random_uuid;

impl Server {
    /// Sends the agent a step; gives the run's id and the directive's.
    pub(in crate::tests) fn send_step(&self, fields: Value) -> (Uuid, Uuid) {
        let run = random_uuid();
        (run, self.send_step_of(run, fields))
    }

    /// Sends the agent a step of this run.
    pub(in crate::tests) fn send_step_of(&self, run: Uuid, fields: Value) -> Uuid {
        let mut step = json!({"id": "step", "attempt": 1});
        merge(&mut step, fields);
        let view = json!({"id": step["id"], "type": step["type"], "attempt": step["attempt"], "status": "queued"});
        self.change(|world| world.steps.insert(run, view));
        self.direct("runStep", &json!({"runId": run, "pipelineId": random_uuid(), "step": step}))
    }
}

impl World {
    /// Whether every step there is stands like this.
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
    State(world): App,
    Path((_, run, _)): Path<(Uuid, Uuid, String)>,
    Json(body): Json<Value>,
) -> Response {
    match world.change(|world| world.update_step(run, body)) {
        Ok(step) => success(200, &json!({"step": step, "directives": []})),
        Err((status, error)) => failure(status, error),
    }
}
