//! Directives: what the server wants of an agent. They ride on answers and wait in the store until acknowledged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Instant, job::Job};
use crate::ids::{DirectiveId, JobId, RunId, TransferId};

/// One wish of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, strum::IntoStaticStr)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Wish {
    /// Run this job: start with `POST /api/jobs/{id}/runs` and this directive's id.
    StartJob {
        /// The job, as it is to be run.
        job: Box<Job>,
        /// The slot of its schedule; null where somebody wishes it.
        #[schema(required)]
        scheduled_for: Option<Instant>,
        /// Which attempt it will be, from 1.
        #[schema(minimum = 1, example = 1)]
        attempt: i64,
        /// The failed run that it makes again.
        #[schema(required)]
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
    /// Get a new API key from `POST /api/agents/{id}/key`.
    RotateKey {},
    /// Send heartbeats at this interval from now on.
    SetHeartbeatInterval {
        /// The interval in seconds.
        #[schema(minimum = 1, example = 30)]
        seconds: i64,
    },
}

impl Wish {
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

    /// The run it is about.
    #[must_use]
    pub const fn job_run(&self) -> Option<RunId> {
        match self {
            Self::CancelJobRun { run_id } => Some(*run_id),
            _ => None,
        }
    }
}
