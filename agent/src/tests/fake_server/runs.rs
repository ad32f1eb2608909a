//! The REST contract's rules for job runs, as far as an agent can observe them.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{App, FakeServer, ServerState, failure, merge, success};

impl FakeServer {
    /// Sends the directive `startJob`; returns the ids of the job and of the directive.
    pub(in crate::tests) fn send_job(&self, fields: Value) -> (Uuid, Uuid) {
        let id = Uuid::new_v4();
        let mut job = json!({"id": id, "name": "nightly", "protocol": "local", "direction": "push", "schedule": "* * * * *", "enabled": true});
        merge(&mut job, fields);
        let directive = self.send_directive("startJob", &json!({"job": job, "scheduledFor": "2026-01-01T00:00:00Z"}));
        (id, directive)
    }
}

impl ServerState {
    /// Whether there are `count` runs, all with this status.
    pub(in crate::tests) fn runs_are(&self, count: usize, status: &str) -> bool {
        self.runs.len() == count && self.runs.values().all(|run| run["status"] == status)
    }

    /// The only job run.
    pub(in crate::tests) fn only_run(&self) -> Value {
        assert_eq!(self.runs.len(), 1, "{:?}", self.runs);
        self.runs.values().next().cloned().unwrap_or_default()
    }

    fn start_run(&mut self, job: Uuid, directive: &Value) -> Result<Value, (u16, &'static str)> {
        if let Some(run) = self.runs.values().find(|run| run["directiveId"] == *directive) {
            return if run["status"] == "running" { Ok(run.clone()) } else { Err((409, "The run has ended")) };
        }
        if !self.directives.iter().any(|open| open["id"] == *directive) {
            return Err((409, "The directive has expired"));
        }
        let id = Uuid::new_v4();
        let run = json!({"id": id, "jobId": job, "directiveId": directive, "status": "running"});
        self.directives.retain(|open| open["id"] != *directive || self.repeats_directives);
        self.runs.insert(id, run.clone());
        Ok(run)
    }

    fn end_run(&mut self, id: Uuid, end: Value) -> Result<Value, (u16, &'static str)> {
        let run = self.runs.get_mut(&id).ok_or((404, "Run not found"))?;
        if run["status"] != "running" {
            return Err((409, "The run has ended"));
        }
        merge(run, end);
        Ok(run.clone())
    }
}

pub(super) async fn start(State(state): App, Path(job): Path<Uuid>, Json(body): Json<Value>) -> Response {
    let started = state.change(|state| {
        state.claims.push(body["directiveId"].clone());
        if state.rejects_jobs { Err((404, "Job not found")) } else { state.start_run(job, &body["directiveId"]) }
    });
    answer(201, started)
}

pub(super) async fn end(State(state): App, Path((_, run)): Path<(Uuid, Uuid)>, Json(body): Json<Value>) -> Response {
    answer(200, state.change(|state| state.end_run(run, body)))
}

fn answer(status: u16, run: Result<Value, (u16, &'static str)>) -> Response {
    match run {
        Ok(run) => success(status, &json!({"run": run})),
        Err((status, error)) => failure(status, error),
    }
}
