//! The enums of the REST API for agents: statuses, kinds and protocols. The server declares some of these enums itself;
//! one of its tests compares their names with the names here.

use crate::text_enum::{shared_enum, text_enum};

crate::contract_enum!(AgentStatus, shared_enum);
crate::contract_enum!(Direction, shared_enum);
crate::contract_enum!(Protocol, shared_enum);
crate::contract_enum!(StepStatus, shared_enum);
crate::contract_enum!(TransferStatus, shared_enum);
crate::contract_enum!(Verify, shared_enum);

text_enum! {
    /// The status of a transfer, job run or step in an agent's report.
    pub enum ReportedStatus {
        /// The agent is carrying out the work.
        Running = "running",
        /// The work ended successfully.
        Completed = "completed",
        /// The work failed.
        Failed = "failed",
        /// The work was cancelled, and no part of it is active any more.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// The kind of a directive: what the agent must do.
    pub enum DirectiveKind {
        /// Start a job.
        StartJob = "startJob",
        /// Stop a job run.
        CancelJobRun = "cancelJobRun",
        /// Stop a transfer.
        CancelTransfer = "cancelTransfer",
        /// Start the next attempt of a transfer.
        RetryTransfer = "retryTransfer",
        /// Carry out a step of a pipeline.
        RunStep = "runStep",
        /// Stop a step of a pipeline.
        CancelStep = "cancelStep",
        /// Get a new API key.
        RotateKey = "rotateKey",
        /// Send heartbeats at another interval.
        SetHeartbeatInterval = "setHeartbeatInterval",
    }
}

impl TransferStatus {
    /// Whether the transfer is queued or running.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl StepStatus {
    /// Whether the step is queued or running.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}
