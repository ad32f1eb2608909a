//! Directives: instructions of the server to an agent. They are part of answers to the agent, and are stored until the agent
//! acknowledges them or they expire.

use mftplus_protocol::{step::StepAction, wire::DirectiveKind};
use serde::{Deserialize, Serialize};

use super::{
    Instant,
    job::Job,
    transfer::{Direction, Protocol},
};
use crate::ids::{DirectiveId, JobId, PipelineId, RunId, TransferId};

mod openapi;

/// One instruction of the server to an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directive {
    /// The same each time the directive is delivered.
    pub id: DirectiveId,
    /// When it was created.
    pub created_at: Instant,
    /// From then on it is not delivered any more.
    pub expires_at: Instant,
    /// What the agent is asked to do.
    #[serde(flatten)]
    pub action: DirectiveAction,
}

/// What a directive asks an agent to do. In JSON `type` names it and `payload` holds its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum DirectiveAction {
    /// Run this job: start the run with `POST /api/jobs/{id}/runs` and this directive's id.
    StartJob {
        /// The job as it is configured when the directive is created or updated.
        job: Box<Job>,
        /// The slot of its schedule; null if a user started the job.
        scheduled_for: Option<Instant>,
        /// Which attempt it will be, from 1.
        attempt: i64,
        /// The failed run of which this is another attempt.
        retry_of: Option<RunId>,
    },
    /// Stop this run and report it `cancelled`; acknowledge the directive if the run is not active.
    CancelJobRun {
        /// The run to stop.
        run_id: RunId,
    },
    /// Stop this transfer and report it `cancelled`.
    CancelTransfer {
        /// The transfer to stop.
        transfer_id: TransferId,
    },
    /// Retry this transfer: report it `running` with this attempt. The answer says what to copy.
    RetryTransfer {
        /// The transfer to retry.
        transfer_id: TransferId,
        /// The number of the attempt to report.
        attempt: i64,
    },
    /// Execute a step of a pipeline, and report it with `PATCH /api/pipelines/{id}/runs/{runId}/steps/{stepId}`.
    RunStep {
        /// The run it belongs to.
        run_id: RunId,
        /// The pipeline that runs.
        pipeline_id: PipelineId,
        /// What to do.
        step: StepOrder,
    },
    /// Stop a step of a pipeline and report it `cancelled`; acknowledge the directive if the step is not active.
    CancelStep {
        /// The run it belongs to.
        run_id: RunId,
        /// The pipeline that runs.
        pipeline_id: PipelineId,
        /// The id of the step in its pipeline.
        step_id: String,
    },
    /// Get a new API key from `POST /api/agents/{id}/key`.
    RotateKey {},
    /// Send heartbeats at this interval from now on.
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
    /// The types of directives to stop something.
    pub const STOPS: [&'static str; 3] =
        [DirectiveKind::CancelJobRun.as_str(), DirectiveKind::CancelTransfer.as_str(), Self::CANCEL_STEP];

    /// The `type` in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The transfer to cancel or to retry.
    #[must_use]
    pub const fn transfer(&self) -> Option<TransferId> {
        match self {
            Self::CancelTransfer { transfer_id } | Self::RetryTransfer { transfer_id, .. } => Some(*transfer_id),
            _ => None,
        }
    }

    /// The job to start.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::StartJob { job, .. } => Some(job.id),
            _ => None,
        }
    }

    /// The job run to cancel.
    #[must_use]
    pub const fn job_run(&self) -> Option<RunId> {
        match self {
            Self::CancelJobRun { run_id } => Some(*run_id),
            _ => None,
        }
    }

    /// The pipeline run and the id of its step to execute or to cancel.
    #[must_use]
    pub const fn step(&self) -> Option<(RunId, &String)> {
        match self {
            Self::RunStep { run_id, step, .. } => Some((*run_id, &step.id)),
            Self::CancelStep { run_id, step_id, .. } => Some((*run_id, step_id)),
            _ => None,
        }
    }
}

/// A step of a pipeline, as its agent is told: what is left of the definition when parameters are filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepOrder {
    /// What it is called in its pipeline.
    pub id: String,
    /// Which attempt this is, from 1; reports name it.
    pub attempt: i64,
    /// How many seconds it may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// What to do.
    #[serde(flatten)]
    pub action: StepInstruction,
}

/// What an agent does for a step, with its text final: `type` names it.
pub type StepInstruction = StepAction<String, TransferInstruction>;

/// What an agent is told of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferInstruction {
    /// Where to read: a URL or a path.
    pub source: String,
    /// Where to write: a URL or a path.
    pub destination: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// Which way, seen from the agent.
    pub direction: Direction,
    /// By which digest to compare both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<String>,
    /// Which of the agent's sets of credentials to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
}
