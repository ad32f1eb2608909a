//! The enums of the REST API for agents: statuses, kinds and protocols. A test of the server compares their names with
//! those of the server's own enums.

use crate::words::text_enum;

text_enum! {
    /// The status of a transfer.
    pub enum TransferStatus {
        /// It waits for its agent.
        Queued = "queued",
        /// The agent copies.
        Running = "running",
        /// The copy is verified and has its name.
        Completed = "completed",
        /// The copy failed; it can be retried.
        Failed = "failed",
        /// A user cancelled it.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// The status of a step in a pipeline run.
    pub enum StepStatus {
        /// It has not begun.
        Queued = "queued",
        /// It is carried out.
        Running = "running",
        /// It did what it was for.
        Completed = "completed",
        /// It did not.
        Failed = "failed",
        /// A user cancelled it.
        Cancelled = "cancelled",
        /// It was not for it to run.
        Skipped = "skipped",
    }
}

text_enum! {
    /// The statuses that an agent reports, of transfers, job runs and steps alike.
    pub enum ReportedStatus {
        /// The agent works on it.
        Running = "running",
        /// It is done.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
        /// It was cancelled, and nothing of it is active any more.
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
        /// Heartbeats arrive, and it works.
        Busy = "busy",
        /// It reports a fault of its own.
        Error = "error",
    }
}

text_enum! {
    /// The direction of a transfer, as seen from the agent.
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
    /// How files are reached.
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
        /// By their SHA-256.
        #[default]
        Sha256 = "sha256",
        /// Not at all.
        None = "none",
    }
}

text_enum! {
    /// The kind of a directive: what the server wants of an agent.
    pub enum DirectiveKind {
        /// Run a job.
        StartJob = "startJob",
        /// Stop a job run.
        CancelJobRun = "cancelJobRun",
        /// Stop a transfer.
        CancelTransfer = "cancelTransfer",
        /// Make the next attempt of a transfer.
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
    /// Whether it may still go on by itself.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl StepStatus {
    /// Whether it has not ended.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}
