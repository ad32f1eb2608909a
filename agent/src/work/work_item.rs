//! Work items and their state, as the journal stores them. The stored names must not change.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::server::api::StepPath;
use crate::server::wire::{Job, RunEnd};

/// A job run or a pipeline step that the server has requested.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkItem {
    /// The first directive that requested the work item.
    pub(crate) directive: Uuid,
    pub(crate) task: Task,
    /// The idempotency key of the item's transfer.
    pub(crate) transfer_key: Uuid,
    /// Whether the server has cancelled the item.
    #[serde(default)]
    pub(crate) is_cancelled: bool,
    /// The directives to acknowledge when the item has ended.
    #[serde(default, rename = "answers")]
    pub(crate) directives_to_acknowledge: Vec<Uuid>,
    /// The end of the item; `None` until it has ended.
    #[serde(default)]
    pub(crate) end: Option<RunEnd>,
}

/// The kinds of work items.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Task {
    /// One job run.
    Job {
        /// The job, from the directive.
        job: Job,
        /// The id of the job run; `None` until the run is started on the server.
        run: Option<Uuid>,
    },
    /// One attempt of a pipeline step.
    Step(Step),
}

/// A step of a pipeline run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    pub(crate) pipeline: Uuid,
    pub(crate) run: Uuid,
    /// The id of the step in the definition.
    pub(crate) name: String,
    /// The number of the attempt, counted from 1.
    pub(crate) attempt: u32,
    /// The field `step` of the directive.
    #[serde(rename = "order")]
    pub(crate) instruction: Value,
    /// The identity of the file that the step is about to rename or delete, by which the agent can tell after a restart
    /// whether that was done.
    #[serde(default)]
    pub(crate) mark: Option<String>,
}

impl Step {
    pub(crate) fn path(&self) -> StepPath<'_> {
        StepPath { pipeline: self.pipeline, run: self.run, step: &self.name }
    }
}

impl WorkItem {
    /// Creates a work item with a new idempotency key for its transfer.
    pub(crate) fn new(directive: Uuid, task: Task) -> Self {
        let transfer_key = Uuid::new_v4();
        Self { directive, task, transfer_key, is_cancelled: false, directives_to_acknowledge: Vec::new(), end: None }
    }

    /// The key of the item in the journal. It is the same for each delivery of its directive.
    pub(crate) fn key(&self) -> String {
        match &self.task {
            Task::Job { .. } => format!("job/{}", self.directive),
            Task::Step(Step { run, name, attempt, .. }) => format!("step/{run}/{name}/{attempt}"),
        }
    }
}
