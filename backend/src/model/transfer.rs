//! Transfers: copies of one file, folder or file pattern, with their inputs.

use mftplus_protocol::{failure_code, transfer::TransferDetails};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    Instant,
    agent::AgentRef,
    enum_macro::server_enum,
    field_reader::{
        Change, Check, Fields, FromFields, id, integer, location, message, number, one_of, sha256_hex, text,
    },
    input_macro::input,
    redaction::without_password,
    reported_value_limits::{MAX_ATTEMPT, MAX_BYTES, MAX_MEASURE, MAX_SPEED},
};
use crate::ids::{AgentId, CustomerId, RunId, TransferId};

mod bulk_selection;
mod filter;
mod samples;
mod sort;
mod state_machine;
pub use bulk_selection::{MAX_SELECTED, SelectTransfers, TransferSelection};
pub use filter::{TransferFilter, file_name};
pub use samples::{MAX_SAMPLES, MIN_INTERVAL, SampledTransfer, Samples, TransferSample};
pub use sort::{TransferSort, TransferSortField};
pub use state_machine::{Advance, Progress, TransferState};

mftplus_protocol::contract_enum!(TransferStatus, server_enum);

impl TransferStatus {
    /// Whether the transfer has ended. A failed one may be retried.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a user may cancel a transfer with this status.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// Whether a user may retry a transfer with this status.
    #[must_use]
    pub const fn can_be_retried(self) -> bool {
        matches!(self, Self::Failed)
    }

    /// Whether no other status can follow. `failed` is not final, because the transfer may be retried.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

mftplus_protocol::contract_enum!(Direction, server_enum);
mftplus_protocol::contract_enum!(Protocol, server_enum);

/// Network measurements of the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Throughput in megabits per second.
    #[schema(required, minimum = 0)]
    pub throughput_mbps: Option<f64>,
    /// Round-trip time in milliseconds.
    #[schema(required, minimum = 0)]
    pub latency_ms: Option<f64>,
    /// Packet loss in percent.
    #[schema(required, minimum = 0, maximum = 100)]
    pub packet_loss_percent: Option<f64>,
}

/// Declares the view of a transfer, with its details.
macro_rules! transfer {
    ($($(#[$text:meta])+ $field:ident: $type:ident = $key:literal { shown($($shown:tt)*); $($report:tt)* })+) => {
        /// One copy of one file, folder or file pattern, as its agent reports it.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
        #[serde(rename_all = "camelCase")]
        #[graphql(complex)]
        pub struct Transfer {
            /// Id of the transfer.
            pub id: TransferId,
            /// Agent that makes the copy.
            pub agent_id: AgentId,
            /// Source: a URL or a path. Passwords were removed when it was received.
            #[schema(example = "sftp://ftp.example.com/files/data.csv")]
            pub source: String,
            /// Destination: a URL or a path. Passwords were removed when it was received.
            #[schema(example = "/local/data/files/data.csv")]
            pub destination: String,
            /// Protocol of the copy.
            pub protocol: Protocol,
            /// Status of the transfer.
            pub status: TransferStatus,
            /// Progress of the current attempt in percent; never decreases within an attempt.
            #[schema(minimum = 0, maximum = 100, example = 45)]
            pub progress: f64,
            /// Total size in bytes; 0 if it is unknown (see `sizeKnown`).
            #[schema(minimum = 0, example = 1_048_576)]
            #[graphql(skip)]
            pub bytes_total: i64,
            /// Whether `bytesTotal` is known.
            pub size_known: bool,
            /// Bytes copied so far in the current attempt; never decreases within an attempt.
            #[schema(minimum = 0, example = 471_859)]
            #[graphql(skip)]
            pub bytes_transferred: i64,
            /// Speed in bytes per second, as last reported.
            #[schema(minimum = 0, example = 1_048_576)]
            pub speed: f64,
            /// Reason for the failure, or what the copy of a completed transfer has left out.
            #[schema(required)]
            pub error_message: Option<String>,
            /// Start time of the first attempt.
            #[schema(required)]
            pub started_at: Option<Instant>,
            /// End time; null while the transfer has not ended.
            #[schema(required)]
            pub completed_at: Option<Instant>,
            /// Time at which the transfer was created.
            pub created_at: Instant,
            /// Agent that makes the copy.
            #[graphql(skip)]
            pub agent: AgentRef,
            /// Customer that owns the transfer.
            pub customer_id: CustomerId,
            /// Direction of the copy.
            pub direction: Direction,
            /// Job run that the transfer belongs to.
            #[schema(required)]
            pub job_run_id: Option<RunId>,
            /// Pipeline run that the transfer belongs to.
            #[schema(required)]
            pub pipeline_run_id: Option<RunId>,
            /// Number of the current attempt, counted from 1.
            #[schema(minimum = 1, example = 1)]
            pub attempt: i64,
            $($(#[$text])+ #[schema($($shown)*)] pub $field: Option<$type>,)+
            /// Increases with each accepted change. Of two states of one transfer, the one with the higher revision is newer.
            #[schema(minimum = 1, example = 1)]
            pub revision: i64,
            /// Estimated seconds until the end at the current speed; null if the transfer is not running or there is no
            /// estimate.
            #[schema(required, minimum = 0)]
            #[graphql(skip)]
            pub eta_seconds: Option<i64>,
            /// Whether the transfer is running and has made no progress for a while (one minute by default).
            pub stalled: bool,
            /// Time at which the current attempt started, or its bytes or percentage last increased.
            #[schema(required)]
            pub last_progress_at: Option<Instant>,
            /// Time at which a user requested the cancellation.
            #[schema(required)]
            pub cancel_requested_at: Option<Instant>,
            /// Latest network measurements.
            pub network: Network,
            /// A field that a later version may add.
            #[cfg(feature = "next-version")]
            #[serde(default)]
            pub weight: i32,
        }
    };
}

mftplus_protocol::transfer_details!(transfer);

/// The longest location, in characters.
const MAX_LOCATION: usize = 4096;
/// The longest error message, in characters.
const MAX_MESSAGE: usize = 4096;

/// Input for creating a transfer.
#[derive(Clone, Debug, PartialEq, ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/local/data/files/data.csv",
    "direction": "pull", "protocol": "sftp", "size": 1_048_576,
}))]
pub struct CreateTransfer {
    /// Source: a URL or a path. A password in it is removed and never stored. Alias: `source`.
    #[schema(min_length = 1, max_length = 4096)]
    pub source_url: String,
    /// Destination: a URL or a path. A password in it is removed and never stored. Alias: `destination`.
    #[schema(min_length = 1, max_length = 4096)]
    pub destination_path: String,
    /// Direction of the copy.
    pub direction: Direction,
    /// Protocol of the copy.
    pub protocol: Protocol,
    /// Total size in bytes, if known. Alias: `bytesTotal`.
    #[schema(minimum = 0, maximum = 1_152_921_504_606_846_976_i64)]
    pub size: Option<i64>,
    /// Agent of the transfer. If given, it must be the caller.
    pub agent_id: Option<AgentId>,
    /// Job run that the transfer belongs to. It must be a run of the calling agent.
    pub job_run_id: Option<RunId>,
    /// Pipeline run that the transfer belongs to. One of its steps must have been sent to the calling agent.
    pub pipeline_run_id: Option<RunId>,
    /// Id of the step in the pipeline run.
    #[schema(min_length = 1, max_length = 64)]
    pub step_id: Option<String>,
    /// SHA-256 of the source as hexadecimal digits, if known.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    pub checksum_sha256: Option<String>,
}

impl FromFields for CreateTransfer {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let source_url = fields.required("sourceUrl", &["source"], location(MAX_LOCATION));
        let destination_path = fields.required("destinationPath", &["destination"], location(MAX_LOCATION));
        let direction = fields.required("direction", &[], one_of);
        let protocol = fields.required("protocol", &[], one_of);
        let size = fields.optional("size", &["bytesTotal"], integer(0, MAX_BYTES));
        let agent_id = fields.optional("agentId", &[], id::<AgentId>);
        let job_run_id = fields.optional("jobRunId", &[], id::<RunId>);
        let pipeline_run_id = fields.optional("pipelineRunId", &[], id::<RunId>);
        let step_id = fields.optional("stepId", &[], text(1, 64));
        let checksum_sha256 = fields.optional("checksumSha256", &[], sha256_hex);
        match (&pipeline_run_id, &step_id) {
            (Some(Some(_)), Some(None)) => fields.problem("stepId", "is required with `pipelineRunId`"),
            (Some(None), Some(Some(_))) => fields.problem("pipelineRunId", "is required with `stepId`"),
            _ => {}
        }
        Some(Self {
            source_url: without_password(&source_url?),
            destination_path: without_password(&destination_path?),
            direction: direction?,
            protocol: protocol?,
            size: size?,
            agent_id: agent_id?,
            job_run_id: job_run_id?,
            pipeline_run_id: pipeline_run_id?,
            step_id: step_id?,
            checksum_sha256: checksum_sha256?,
        })
    }
}

/// The code of a failure. Codes of later agents are accepted, so that no report is refused because of its code.
fn failure_code(value: Value) -> Check<String> {
    match value {
        Value::String(code) if failure_code::is_code(&code) => Ok(code),
        _ => Err(format!("must be 1 to {} letters", failure_code::MAX_LENGTH)),
    }
}

/// Declares the report about a transfer, with the details that agents report.
macro_rules! update_transfer {
    ($($(#[$text:meta])+ $field:ident: $type:ident = $key:literal {
        shown $shown:tt;
        $($(#[$about:meta])+ reported($($schema:tt)*) $update:ident = $method:ident($($argument:expr),+);)?
    })+) => {
        input! {
            /// Report of an agent about a transfer. Omitted fields keep their values.
            #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
            #[schema(rename_all = "camelCase")]
            #[schema(example = json!({ "status": "running", "progress": 45, "bytesTransferred": 471_859, "speed": 1_048_576 }))]
            pub struct UpdateTransfer {
                /// Status of the transfer.
                #[schema(nullable = false)]
                status: Option<TransferStatus> = update("status", &[], one_of),
                /// Progress in percent. A lower value than the stored one is ignored.
                #[schema(nullable = false, minimum = 0, maximum = 100)]
                progress: Option<f64> = update("progress", &[], number(0.0, 100.0)),
                /// Bytes copied so far. A lower value than the stored one is ignored.
                #[schema(nullable = false, minimum = 0, maximum = 1_152_921_504_606_846_976_i64)]
                bytes_transferred: Option<i64> = update("bytesTransferred", &[], integer(0, MAX_BYTES)),
                /// Speed in bytes per second.
                #[schema(nullable = false, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
                speed: Option<f64> = update("speed", &[], number(0.0, MAX_SPEED)),
                /// Reason for the failure; with the status `completed`, what the copy has left out. Null removes it. Alias:
                /// `errorMessage`.
                #[schema(value_type = Option<String>)]
                error: Change<String> = clearable("error", &["errorMessage"], message(MAX_MESSAGE)),
                /// Throughput in megabits per second. Null removes it.
                #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000_000_000_i64)]
                throughput_mbps: Change<f64> = clearable("throughputMbps", &[], number(0.0, MAX_MEASURE)),
                /// Round-trip time in milliseconds. Null removes it.
                #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000_000_000_i64)]
                latency_ms: Change<f64> = clearable("latencyMs", &[], number(0.0, MAX_MEASURE)),
                /// Packet loss in percent. Null removes it.
                #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
                packet_loss_percent: Change<f64> = clearable("packetLossPercent", &[], number(0.0, 100.0)),
                /// Total size in bytes. Alias: `bytesTotal`.
                #[schema(nullable = false, minimum = 0, maximum = 1_152_921_504_606_846_976_i64)]
                size: Option<i64> = update("size", &["bytesTotal"], integer(0, MAX_BYTES)),
                /// Attempt that the report is about. A report about an earlier attempt than the stored one is ignored.
                #[schema(nullable = false, minimum = 1, maximum = 2_147_483_647)]
                attempt: Option<i64> = update("attempt", &[], integer(1, MAX_ATTEMPT)),
                $($(
                    $(#[$about])+
                    #[schema($($schema)*)]
                    $update: Change<$type> = $method($($argument),+),
                )?)+
            }
        }

        impl UpdateTransfer {
            /// Changes the details that the report has.
            fn change_details(&self, details: &mut TransferDetails) {
                $($(self.$update.apply(&mut details.$field);)?)+
            }
        }
    };
}

mftplus_protocol::transfer_details!(update_transfer);
