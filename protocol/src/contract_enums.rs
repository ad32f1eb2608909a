//! The enums of the published contract that several programs need, each listed once.

/// Calls the macro `$macro` with the declaration of one enum of the contract. This list is the only declaration of
/// these enums. The server derives from it the types of both APIs, the events and the database; the dashboard derives
/// the enums of its operations; this crate derives the enums that agents use.
///
/// An enum consists of its description, its name in Rust and GraphQL, an optional `default` with the value that applies
/// if none is given, and its values. A value consists of its description, its name in Rust, and its name in JSON, in
/// texts and in the database. `graphql` and a name follow if the name in GraphQL is not the Rust name in upper case
/// with underscores.
#[macro_export]
macro_rules! contract_enum {
    (TransferStatus, $macro:ident) => {
        $macro! {
            /// Status of a transfer.
            TransferStatus {
                /// The transfer has not started.
                Queued = "queued",
                /// The transfer is running.
                Running = "running",
                /// All files were copied. Final.
                Completed = "completed",
                /// The transfer ended with an error. Another attempt may follow.
                Failed = "failed",
                /// The transfer was cancelled. Final.
                Cancelled = "cancelled",
            }
        }
    };
    (RunStatus, $macro:ident) => {
        $macro! {
            /// Status of a job run.
            RunStatus {
                /// The agent is working on the run.
                Running = "running",
                /// The run ended successfully. Final.
                Completed = "completed",
                /// The run ended with an error. Final: a retry is another run.
                Failed = "failed",
                /// The run was cancelled. Final.
                Cancelled = "cancelled",
            }
        }
    };
    (PipelineRunStatus, $macro:ident) => {
        $macro! {
            /// Status of a pipeline run.
            PipelineRunStatus {
                /// No step has started.
                Queued = "queued",
                /// Steps are running or waiting.
                Running = "running",
                /// All steps have ended and none failed. Final.
                Completed = "completed",
                /// All steps have ended and at least one failed. Final.
                Failed = "failed",
                /// The run was cancelled. Final.
                Cancelled = "cancelled",
            }
        }
    };
    (StepStatus, $macro:ident) => {
        $macro! {
            /// Status of a step.
            StepStatus {
                /// The step waits for other steps, for its next attempt, or for its agent to start it.
                Queued = "queued",
                /// The step is running.
                Running = "running",
                /// The step ended successfully. Final.
                Completed = "completed",
                /// The last attempt failed. Final.
                Failed = "failed",
                /// The step was cancelled. Final.
                Cancelled = "cancelled",
                /// The step did not run, because the steps that it needs did not end as its `when` requires. Final.
                Skipped = "skipped",
            }
        }
    };
    (Trigger, $macro:ident) => {
        $macro! {
            /// What started a pipeline run.
            Trigger {
                /// A user started it.
                Manual = "manual",
                /// The schedule of the pipeline started it.
                Schedule = "schedule",
                /// A user continued an earlier run from where it stopped.
                Rerun = "rerun",
            }
        }
    };
    (AgentStatus, $macro:ident) => {
        $macro! {
            /// Status of an agent.
            AgentStatus {
                /// Heartbeats arrive.
                Online = "online",
                /// The agent signed off, or sent no heartbeat for three intervals.
                Offline = "offline",
                /// Heartbeats arrive, and the agent is working.
                Busy = "busy",
                /// Heartbeats arrive, and the agent reports an error of its own.
                Error = "error",
            }
        }
    };
    (Os, $macro:ident) => {
        $macro! {
            /// Operating system of an agent.
            Os {
                /// Linux.
                Linux = "linux",
                /// Windows.
                Windows = "windows",
                /// macOS.
                Darwin = "darwin",
            }
        }
    };
    (Role, $macro:ident) => {
        $macro! {
            /// Role of a user, which decides the user's permissions.
            Role {
                /// Administrator: manages the platform and sees all customers.
                Admin = "admin",
                /// User of one customer: sees that customer's fleet only.
                Customer = "customer",
            }
        }
    };
    (Direction, $macro:ident) => {
        $macro! {
            /// Direction of a copy, seen from the agent.
            Direction default Push {
                /// To the agent.
                Pull = "pull",
                /// From the agent.
                Push = "push",
            }
        }
    };
    (Protocol, $macro:ident) => {
        $macro! {
            /// Protocol of a copy.
            Protocol {
                /// SSH File Transfer Protocol.
                Sftp = "sftp",
                /// FTP without encryption.
                Ftp = "ftp",
                /// FTP over TLS.
                Ftps = "ftps",
                /// A copy on the agent's machine.
                Local = "local",
            }
        }
    };
    (Overlap, $macro:ident) => {
        $macro! {
            /// Overlap policy: what happens to a slot that is due while an earlier run is active.
            Overlap default Skip {
                /// The slot is skipped.
                Skip = "skip",
                /// The slot waits until the earlier run has ended.
                Queue = "queue",
                /// The slot runs at the same time as the earlier run.
                Allow = "allow",
            }
        }
    };
    (CatchUp, $macro:ident) => {
        $macro! {
            /// Catch-up policy: what happens to slots that passed while no server was running.
            CatchUp default Last {
                /// One run replaces all missed slots of the last 24 hours.
                Last = "last",
                /// Missed slots do not run.
                Skip = "skip",
                /// Every missed slot of the last 24 hours runs, at most 100.
                All = "all",
            }
        }
    };
    (OnExists, $macro:ident) => {
        $macro! {
            /// What happens to a file that exists at the destination.
            OnExists default Overwrite {
                /// It is replaced.
                Overwrite = "overwrite",
                /// It stays, and the source is not copied.
                Skip = "skip",
                /// It stays, and the copy gets a free name such as `name (1).ext`.
                Rename = "rename",
                /// It stays, and the transfer fails.
                Fail = "fail",
            }
        }
    };
    (SymlinkRule, $macro:ident) => {
        $macro! {
            /// What happens to symbolic links in a folder.
            SymlinkRule default Keep {
                /// They are copied as links; where links are not supported, they are left out with a warning.
                Keep = "keep",
                /// The files that they point to are copied.
                Follow = "follow",
                /// They are left out.
                Skip = "skip",
                /// The transfer fails.
                Fail = "fail",
            }
        }
    };
    (OnFileError, $macro:ident) => {
        $macro! {
            /// What happens to a folder of which some files cannot be copied.
            OnFileError default Fail {
                /// All files are tried, each one that failed is named, and none is published.
                Fail = "fail",
                /// The other files are published.
                Skip = "skip",
            }
        }
    };
    (PreservedAttribute, $macro:ident) => {
        $macro! {
            /// An attribute that a copy can keep of its source.
            PreservedAttribute {
                /// The time of the last modification.
                Times = "times",
                /// The permissions.
                Modes = "modes",
            }
        }
    };
    (Verify, $macro:ident) => {
        $macro! {
            /// How a copy is compared with its source.
            Verify default Sha256 {
                /// By their SHA-256.
                Sha256 = "sha256" graphql "SHA256",
                /// Not at all.
                None = "none",
            }
        }
    };
}
