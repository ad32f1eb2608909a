//! Directives: instructions of the server to an agent. They are part of answers to the agent, and are stored until the agent
//! acknowledges them or they expire.

use mftplus_protocol::{step::StepAction, wire::DirectiveKind};
use serde::{Deserialize, Serialize};

use super::{
    Instant,
    copy_rules::CopyRules,
    job::Job,
    transfer::{Direction, Protocol},
};
use crate::ids::{DirectiveId, JobId, PipelineId, RunId, TransferId};

mod openapi;

/// One instruction of the server to an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directive {
    /// The id of the directive; the same each time it is delivered.
    pub id: DirectiveId,
    /// The time at which the directive was created.
    pub created_at: Instant,
    /// The time from which the directive is no longer delivered.
    pub expires_at: Instant,
    /// The instruction of the directive.
    #[serde(flatten)]
    pub action: DirectiveAction,
}

/// The instruction of a directive. In JSON, `type` names the instruction and `payload` holds its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum DirectiveAction {
    /// Run this job: start the run with `POST /api/jobs/{id}/runs` and this directive's id.
    StartJob {
        /// The job as it is configured when the directive is created or updated.
        job: Box<Job>,
        /// The slot of the schedule; null if a user started the job.
        scheduled_for: Option<Instant>,
        /// The number of the attempt, counted from 1.
        attempt: i64,
        /// The failed run that this run retries.
        retry_of: Option<RunId>,
    },
    /// Stop the job run and report it `cancelled`; acknowledge the directive if the run is not active.
    CancelJobRun {
        /// The run to stop.
        run_id: RunId,
    },
    /// Stop the transfer and report it `cancelled`.
    CancelTransfer {
        /// The transfer to stop.
        transfer_id: TransferId,
    },
    /// Retry the transfer: report it `running` with the given attempt. The answer says what to copy.
    RetryTransfer {
        /// The transfer to retry.
        transfer_id: TransferId,
        /// The number of the attempt to report.
        attempt: i64,
    },
    /// Execute a step of a pipeline, and report it with `PATCH /api/pipelines/{id}/runs/{runId}/steps/{stepId}`.
    RunStep {
        /// The pipeline run that the step belongs to.
        run_id: RunId,
        /// The pipeline of the run.
        pipeline_id: PipelineId,
        /// The step to carry out.
        step: StepOrder,
    },
    /// Stop a step of a pipeline and report it `cancelled`; acknowledge the directive if the step is not active.
    CancelStep {
        /// The pipeline run that the step belongs to.
        run_id: RunId,
        /// The pipeline of the run.
        pipeline_id: PipelineId,
        /// The id of the step in its pipeline.
        step_id: String,
    },
    /// Get a new API key from `POST /api/agents/{id}/key`.
    RotateKey {},
    /// Send heartbeats at the given interval from now on.
    SetHeartbeatInterval {
        /// The interval in seconds.
        seconds: i64,
    },
}

impl DirectiveAction {
    /// The type of a directive to execute a step.
    pub const RUN_STEP: &'static str = DirectiveKind::RunStep.as_str();
    /// The type of a directive to stop a step.
    pub const CANCEL_STEP: &'static str = DirectiveKind::CancelStep.as_str();
    /// The types of directives to stop a job run, a transfer or a step.
    pub const STOPS: [&'static str; 3] =
        [DirectiveKind::CancelJobRun.as_str(), DirectiveKind::CancelTransfer.as_str(), Self::CANCEL_STEP];

    /// The `type` of the directive in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The transfer that the directive cancels or retries; `None` for other directives.
    #[must_use]
    pub const fn transfer(&self) -> Option<TransferId> {
        match self {
            Self::CancelTransfer { transfer_id } | Self::RetryTransfer { transfer_id, .. } => Some(*transfer_id),
            _ => None,
        }
    }

    /// The job that the directive starts; `None` for other directives.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::StartJob { job, .. } => Some(job.id),
            _ => None,
        }
    }

    /// The job run that the directive cancels; `None` for other directives.
    #[must_use]
    pub const fn job_run(&self) -> Option<RunId> {
        match self {
            Self::CancelJobRun { run_id } => Some(*run_id),
            _ => None,
        }
    }

    /// The pipeline run, and the id of the step that the directive starts or cancels; `None` for other directives.
    #[must_use]
    pub const fn step(&self) -> Option<(RunId, &String)> {
        match self {
            Self::RunStep { run_id, step, .. } => Some((*run_id, &step.id)),
            Self::CancelStep { run_id, step_id, .. } => Some((*run_id, step_id)),
            _ => None,
        }
    }
}

/// A step of a pipeline as it is sent to its agent, with parameters filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepOrder {
    /// The id of the step in its pipeline.
    pub id: String,
    /// The number of the attempt, counted from 1. Reports about the attempt must name it.
    pub attempt: i64,
    /// The maximum duration of the attempt, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// The action of the step.
    #[serde(flatten)]
    pub action: StepInstruction,
}

/// The action of a step for an agent, with final text; `type` names it.
pub type StepInstruction = StepAction<String, TransferInstruction>;

/// The copy of a step, as it is sent to the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferInstruction {
    /// The source: a URL or a path.
    pub source: String,
    /// The destination: a URL or a path.
    pub destination: String,
    /// The protocol of the copy.
    pub protocol: Protocol,
    /// The direction of the copy, seen from the agent.
    pub direction: Direction,
    /// The rules of the copy.
    #[serde(flatten)]
    pub rules: CopyRules,
}
