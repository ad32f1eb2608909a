//! Transfers: one copy of one file, folder or pattern, and what is asked of them.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};
use utoipa::ToSchema;

use super::{
    Instant,
    agent::AgentRef,
    bounds::{MAX_ATTEMPT, MAX_BYTES, MAX_MEASURE, MAX_SPEED},
    fields::{Change, Fields, FromFields, id, integer, location, message, number, one_of, sha256_hex, text},
    input::input,
    source_url::without_password,
};
use crate::ids::{AgentId, CustomerId, RunId, TransferId};

mod advance;
mod filter;
pub use advance::{Advance, Progress, TransferState};
pub use filter::TransferFilter;

/// How far a transfer has come.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    VariantNames,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum TransferStatus {
    /// Not begun.
    Queued,
    /// On its way.
    Running,
    /// All there. Final.
    Completed,
    /// Ended with an error; a new attempt may follow.
    Failed,
    /// Ended because somebody wished it. Final.
    Cancelled,
}

impl TransferStatus {
    /// Whether nothing is on its way any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a user may cancel it.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// Whether a user may ask for another attempt.
    #[must_use]
    pub const fn can_be_retried(self) -> bool {
        matches!(self, Self::Failed)
    }

    /// Whether no other status can follow; a failed transfer may be tried again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

/// Which way the bytes go, seen from the agent.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Display,
    EnumString,
    VariantNames,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Direction {
    /// To the agent.
    Pull,
    /// From the agent.
    Push,
}

/// By which protocol the bytes go.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Display,
    EnumString,
    VariantNames,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Protocol {
    /// SSH file transfer.
    Sftp,
    /// FTP in the clear.
    Ftp,
    /// FTP over TLS.
    Ftps,
    /// Within the agent's machine.
    Local,
}

/// The network as the agent last measured it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Megabits per second.
    #[schema(required, minimum = 0)]
    pub throughput_mbps: Option<f64>,
    /// Round trip, in milliseconds.
    #[schema(required, minimum = 0)]
    pub latency_ms: Option<f64>,
    /// Packets lost, in per cent.
    #[schema(required, minimum = 0, maximum = 100)]
    pub packet_loss_percent: Option<f64>,
}

/// A transfer as everybody who may see it sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The agent that makes it.
    pub agent_id: AgentId,
    /// Where it reads; passwords were removed on arrival.
    #[schema(example = "sftp://ftp.example.com/files/data.csv")]
    pub source: String,
    /// Where it writes.
    #[schema(example = "/local/data/files/data.csv")]
    pub destination: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// How far it has come.
    pub status: TransferStatus,
    /// How far it has come, in per cent; never goes back within one attempt.
    #[schema(minimum = 0, maximum = 100, example = 45)]
    pub progress: f64,
    /// How many bytes there are in all; 0 when unknown, see `sizeKnown`.
    #[schema(minimum = 0, example = 1_048_576)]
    #[graphql(skip)]
    pub bytes_total: i64,
    /// Whether `bytesTotal` is known.
    pub size_known: bool,
    /// How many bytes have arrived; never goes back within one attempt.
    #[schema(minimum = 0, example = 471_859)]
    #[graphql(skip)]
    pub bytes_transferred: i64,
    /// Bytes per second, as last reported.
    #[schema(minimum = 0, example = 1_048_576)]
    pub speed: f64,
    /// Why it failed.
    #[schema(required)]
    pub error_message: Option<String>,
    /// When it first ran.
    #[schema(required)]
    pub started_at: Option<Instant>,
    /// When it ended.
    #[schema(required)]
    pub completed_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
    /// The agent that makes it.
    #[graphql(skip)]
    pub agent: AgentRef,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// Which way the bytes go.
    pub direction: Direction,
    /// The job run it belongs to.
    #[schema(required)]
    pub job_run_id: Option<RunId>,
    /// The pipeline run it belongs to.
    #[schema(required)]
    pub pipeline_run_id: Option<RunId>,
    /// Which attempt this is, from 1.
    #[schema(minimum = 1, example = 1)]
    pub attempt: i64,
    /// SHA-256 of what was copied, as hexadecimal digits; of a folder, that of its sorted manifest.
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    pub checksum_sha256: Option<String>,
    /// Counts the accepted changes; of two views the one with the higher figure is newer.
    #[schema(minimum = 1, example = 1)]
    pub revision: i64,
    /// Seconds until it will be done at the present speed, while it runs and that can be told.
    #[schema(required, minimum = 0)]
    #[graphql(skip)]
    pub eta_seconds: Option<i64>,
    /// Whether it runs and has made no progress for a while.
    pub stalled: bool,
    /// When the present attempt last made progress: it began to run, or its bytes or per cent rose.
    #[schema(required)]
    pub last_progress_at: Option<Instant>,
    /// When somebody asked for its end.
    #[schema(required)]
    pub cancel_requested_at: Option<Instant>,
    /// The network as last measured.
    pub network: Network,
    /// What a later version may add.
    #[cfg(feature = "next-version")]
    #[serde(default)]
    pub weight: i32,
}

/// The longest location, in characters.
const MAX_LOCATION: usize = 4096;
/// The longest error message, in characters.
const MAX_MESSAGE: usize = 4096;

/// What is said to make a transfer.
#[derive(Clone, Debug, PartialEq, ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/local/data/files/data.csv",
    "direction": "pull", "protocol": "sftp", "size": 1_048_576,
}))]
pub struct CreateTransfer {
    /// Where it reads. A password in it is removed and never stored. Alias: `source`.
    #[schema(min_length = 1, max_length = 4096)]
    pub source_url: String,
    /// Where it writes. A password in it is removed and never stored. Alias: `destination`.
    #[schema(min_length = 1, max_length = 4096)]
    pub destination_path: String,
    /// Which way the bytes go.
    pub direction: Direction,
    /// By which protocol.
    pub protocol: Protocol,
    /// How many bytes there are in all, if known. Alias: `bytesTotal`.
    #[schema(minimum = 0, maximum = 1_152_921_504_606_846_976_i64)]
    pub size: Option<i64>,
    /// The agent; if given, it must be the caller itself.
    pub agent_id: Option<AgentId>,
    /// The job run it belongs to; one of the agent's own.
    pub job_run_id: Option<RunId>,
    /// The pipeline run it belongs to; one with a step sent to this agent.
    pub pipeline_run_id: Option<RunId>,
    /// The step of the pipeline run.
    #[schema(min_length = 1, max_length = 64)]
    pub step_id: Option<String>,
    /// SHA-256 of the source, if known.
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
            (Some(Some(_)), Some(None)) => fields.problem("stepId", "is required with pipelineRunId"),
            (Some(None), Some(Some(_))) => fields.problem("pipelineRunId", "is required with stepId"),
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

input! {
    /// What an agent reports about a transfer. A field that is left out stays as it is.
    #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
    #[schema(rename_all = "camelCase")]
    #[schema(example = json!({ "status": "running", "progress": 45, "bytesTransferred": 471_859, "speed": 1_048_576 }))]
    pub struct UpdateTransfer {
        /// How far it has come.
        #[schema(nullable = false)]
        status: Option<TransferStatus> = update("status", &[], one_of),
        /// In per cent. A lower figure than the stored one is ignored.
        #[schema(nullable = false, minimum = 0, maximum = 100)]
        progress: Option<f64> = update("progress", &[], number(0.0, 100.0)),
        /// Bytes that have arrived. A lower figure than the stored one is ignored.
        #[schema(nullable = false, minimum = 0, maximum = 1_152_921_504_606_846_976_i64)]
        bytes_transferred: Option<i64> = update("bytesTransferred", &[], integer(0, MAX_BYTES)),
        /// Bytes per second.
        #[schema(nullable = false, minimum = 0, maximum = 1_000_000_000_000_000_000_i64)]
        speed: Option<f64> = update("speed", &[], number(0.0, MAX_SPEED)),
        /// Why it failed; null clears it. Alias: `errorMessage`.
        #[schema(value_type = Option<String>)]
        error: Change<String> = clearable("error", &["errorMessage"], message(MAX_MESSAGE)),
        /// Megabits per second; null clears it.
        #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000_000_000_i64)]
        throughput_mbps: Change<f64> = clearable("throughputMbps", &[], number(0.0, MAX_MEASURE)),
        /// Round trip in milliseconds; null clears it.
        #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000_000_000_i64)]
        latency_ms: Change<f64> = clearable("latencyMs", &[], number(0.0, MAX_MEASURE)),
        /// Packets lost, in per cent; null clears it.
        #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
        packet_loss_percent: Change<f64> = clearable("packetLossPercent", &[], number(0.0, 100.0)),
        /// How many bytes there are in all. Alias: `bytesTotal`.
        #[schema(nullable = false, minimum = 0, maximum = 1_152_921_504_606_846_976_i64)]
        size: Option<i64> = update("size", &["bytesTotal"], integer(0, MAX_BYTES)),
        /// The attempt this report is about; one lower than the stored attempt is ignored.
        #[schema(nullable = false, minimum = 1, maximum = 2_147_483_647)]
        attempt: Option<i64> = update("attempt", &[], integer(1, MAX_ATTEMPT)),
        /// SHA-256 of what was copied; null clears it.
        #[schema(value_type = Option<String>, pattern = "^[0-9a-fA-F]{64}$")]
        checksum_sha256: Change<String> = clearable("checksumSha256", &[], sha256_hex),
    }
}
