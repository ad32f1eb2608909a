//! The enums of the REST API for agents: statuses, kinds and protocols. A test of the server compares their names with
//! those of the server's own enums.

use crate::text_enum::text_enum;

text_enum! {
    /// The status of a transfer.
    pub enum TransferStatus {
        /// The transfer waits for its agent.
        Queued = "queued",
        /// The agent copies.
        Running = "running",
        /// The copy is complete, verified and renamed to its destination.
        Completed = "completed",
        /// The copy failed. It can be retried.
        Failed = "failed",
        /// A user cancelled the transfer.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// The status of a step of a pipeline run.
    pub enum StepStatus {
        /// The step has not started.
        Queued = "queued",
        /// The step is being carried out.
        Running = "running",
        /// The step ended successfully.
        Completed = "completed",
        /// The step failed.
        Failed = "failed",
        /// A user cancelled the step.
        Cancelled = "cancelled",
        /// The step did not run, because of the outcome of the steps that it needs.
        Skipped = "skipped",
    }
}

text_enum! {
    /// The statuses that an agent reports of transfers, job runs and steps.
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
    /// The status of an agent.
    pub enum AgentStatus {
        /// Heartbeats arrive.
        Online = "online",
        /// No heartbeat for three intervals, or the process has ended.
        Offline = "offline",
        /// Heartbeats arrive, and the agent is working.
        Busy = "busy",
        /// Heartbeats arrive, and the agent reports an error of its own.
        Error = "error",
    }
}

text_enum! {
    /// The direction of a transfer, seen from the agent.
    #[derive(Default)]
    pub enum Direction {
        /// From the agent's machine.
        #[default]
        Push = "push",
        /// To the agent's machine.
        Pull = "pull",
    }
}

text_enum! {
    /// The protocol of a copy.
    pub enum Protocol {
        /// An SFTP server.
        Sftp = "sftp",
        /// An FTP server.
        Ftp = "ftp",
        /// An FTP server with TLS.
        Ftps = "ftps",
        /// The agent's own machine.
        Local = "local",
    }
}

text_enum! {
    /// How a copy is compared with its source.
    #[derive(Default)]
    pub enum Verify {
        /// Their SHA-256 digests are compared.
        #[default]
        Sha256 = "sha256",
        /// Only their sizes are compared.
        None = "none",
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
    /// Whether the step has not ended.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}
