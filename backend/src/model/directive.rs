//! Directives: what the server wants of an agent. They ride on answers and wait in the store until acknowledged.

use mftplus_protocol::wire::DirectiveKind;
use serde::{Deserialize, Serialize};

use super::{
    Instant,
    job::Job,
    transfer::{Direction, Protocol},
};
use crate::ids::{DirectiveId, JobId, PipelineId, RunId, TransferId};

mod described;

/// One wish of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directive {
    /// Its id; what is delivered twice has the same.
    pub id: DirectiveId,
    /// When it was made.
    pub created_at: Instant,
    /// When it is void.
    pub expires_at: Instant,
    /// What is wanted.
    #[serde(flatten)]
    pub wish: Wish,
}

/// What is wanted: `type` names it, `payload` holds the particulars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Wish {
    /// Run this job: start with `POST /api/jobs/{id}/runs` and this directive's id.
    StartJob {
        /// The job, as it is to be run.
        job: Box<Job>,
        /// The slot of its schedule; null where somebody wishes it.
        scheduled_for: Option<Instant>,
        /// Which attempt it will be, from 1.
        attempt: i64,
        /// The failed run that it makes again.
        retry_of: Option<RunId>,
    },
    /// Stop this run and report it `cancelled`; acknowledge it if it is not at work.
    CancelJobRun {
        /// The run to stop.
        run_id: RunId,
    },
    /// Stop this transfer and report it `cancelled`.
    CancelTransfer {
        /// The transfer to stop.
        transfer_id: TransferId,
    },
    /// Make this transfer again: report it `running` with this attempt, the answer says what to copy.
    RetryTransfer {
        /// The transfer to make again.
        transfer_id: TransferId,
        /// The attempt it will be.
        attempt: i64,
    },
    /// Carry out a step of a pipeline, and report on it with `PATCH /api/pipelines/{id}/runs/{runId}/steps/{stepId}`.
    RunStep {
        /// The run it belongs to.
        run_id: RunId,
        /// The pipeline that runs.
        pipeline_id: PipelineId,
        /// What to do.
        step: StepOrder,
    },
    /// Stop a step of a pipeline and report it `cancelled`; acknowledge it if it is not at work.
    CancelStep {
        /// The run it belongs to.
        run_id: RunId,
        /// The pipeline that runs.
        pipeline_id: PipelineId,
        /// What the step is called in its pipeline.
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

impl Wish {
    /// The type of the wish that a step be carried out.
    pub const RUN_STEP: &'static str = DirectiveKind::RunStep.as_str();
    /// The type of the wish that a step be stopped.
    pub const CANCEL_STEP: &'static str = DirectiveKind::CancelStep.as_str();
    /// The types of the wishes that something be stopped.
    pub const STOPS: [&'static str; 3] =
        [DirectiveKind::CancelJobRun.as_str(), DirectiveKind::CancelTransfer.as_str(), Self::CANCEL_STEP];

    /// The name of the type on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The transfer it is about.
    #[must_use]
    pub const fn transfer(&self) -> Option<TransferId> {
        match self {
            Self::CancelTransfer { transfer_id } | Self::RetryTransfer { transfer_id, .. } => Some(*transfer_id),
            _ => None,
        }
    }

    /// The job it is to start.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::StartJob { job, .. } => Some(job.id),
            _ => None,
        }
    }

    /// The run of a job it is about.
    #[must_use]
    pub const fn job_run(&self) -> Option<RunId> {
        match self {
            Self::CancelJobRun { run_id } => Some(*run_id),
            _ => None,
        }
    }

    /// The run of a pipeline and the step of it that it is about.
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
    pub errand: Errand,
}

/// What an agent does for a step: `type` names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Errand {
    /// Copy a file, a folder or what fits a pattern.
    Transfer {
        /// Where to read: a URL or a path.
        source: String,
        /// Where to write: a URL or a path.
        destination: String,
        /// By which protocol.
        protocol: Protocol,
        /// Which way, seen from the agent.
        direction: Direction,
        /// By which digest to compare both sides.
        #[serde(skip_serializing_if = "Option::is_none")]
        verify: Option<String>,
        /// Which of the agent's sets of credentials to use.
        #[serde(skip_serializing_if = "Option::is_none")]
        credentials: Option<String>,
    },
    /// Take the SHA-256 of a file.
    Checksum {
        /// The file.
        path: String,
        /// What it must be, as 64 hexadecimal digits.
        #[serde(skip_serializing_if = "Option::is_none")]
        expected: Option<String>,
    },
    /// Compress a file.
    Compress {
        /// The file.
        path: String,
        /// Where to write; beside the file if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<String>,
        /// `gzip` or `zstd`.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<String>,
    },
    /// Decompress a file.
    Decompress {
        /// The file.
        path: String,
        /// Where to write; beside the file if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<String>,
        /// `gzip` or `zstd`; by the file's name if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<String>,
    },
    /// Rename or move a file.
    Rename {
        /// What it is called now.
        from: String,
        /// What it will be called.
        to: String,
    },
    /// Delete a file.
    Delete {
        /// The file.
        path: String,
    },
}
