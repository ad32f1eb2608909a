//! One thing to do, and how far it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::random::random_uuid;
use crate::server::wire::{Job, RunEnd};

/// Something to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Errand {
    /// The directive that asked for it first.
    pub(crate) directive: Uuid,
    /// What is to be done.
    pub(crate) task: Task,
    /// Under which its copy is begun, and found again.
    pub(crate) transfer_key: Uuid,
    /// The server wants it to stop.
    #[serde(default)]
    pub(crate) is_cancelled: bool,
    /// Directives that its end answers.
    #[serde(default)]
    pub(crate) answers: Vec<Uuid>,
    /// How it ended, until the server has heard of it.
    #[serde(default)]
    pub(crate) end: Option<RunEnd>,
}

/// The kinds of errand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Task {
    /// One run of a job.
    Job {
        /// As the directive showed it.
        job: Job,
        /// The server's run, once it was claimed.
        run: Option<Uuid>,
    },
    /// One attempt of a pipeline's step.
    Step(Step),
}

/// A step of a pipeline's run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    /// The pipeline.
    pub(crate) pipeline: Uuid,
    /// Its run.
    pub(crate) run: Uuid,
    /// The step's id in the definition.
    pub(crate) name: String,
    /// Counts from 1.
    pub(crate) attempt: u32,
    /// As the directive showed it.
    pub(crate) order: Value,
    /// What was about to be changed for good.
    #[serde(default)]
    pub(crate) mark: Option<String>,
}

impl Step {
    /// The ids in its address.
    pub(crate) fn path(&self) -> (Uuid, Uuid, &str) {
        (self.pipeline, self.run, &self.name)
    }
}

impl Errand {
    /// An errand on which nothing has been done.
    pub(crate) fn new(directive: Uuid, task: Task) -> Self {
        let transfer_key = random_uuid();
        Self { directive, task, transfer_key, is_cancelled: false, answers: Vec::new(), end: None }
    }

    /// The name by which the same errand is known again, however often it is sent.
    pub(crate) fn key(&self) -> String {
        match &self.task {
            Task::Job { .. } => format!("job/{}", self.directive),
            Task::Step(Step { run, name, attempt, .. }) => format!("step/{run}/{name}/{attempt}"),
        }
    }
}
