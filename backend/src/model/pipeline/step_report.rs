//! Reports of agents about steps.

use serde_json::Value;
use utoipa::ToSchema;

use super::run::StepStatus;
use crate::{
    ids::InstanceId,
    model::{
        field_reader::{Check, Fields, FromFields, id, integer, message, number, one_of},
        reported_value_limits::{MAX_ATTEMPT, MAX_BYTES},
    },
};

/// The longest error message, in characters.
const MAX_MESSAGE: usize = 4096;

/// Report of an agent about a step. Omitted fields keep their values.
#[derive(Clone, Debug, Default, PartialEq, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "status": "running", "attempt": 1, "progress": 45, "bytesTransferred": 471_859,
}))]
pub struct UpdateStep {
    /// Status of the step: `running`, `completed`, `failed` or `cancelled`.
    #[schema(nullable = false)]
    pub status: Option<StepStatus>,
    /// Number of the attempt, as in the directive. A report about an earlier attempt is ignored.
    #[schema(nullable = false, minimum = 1, maximum = 2_147_483_647)]
    pub attempt: Option<i64>,
    /// Progress in percent. A lower value than the stored one is ignored.
    #[schema(minimum = 0, maximum = 100)]
    pub progress: Option<f64>,
    /// Bytes copied so far. A lower value than the stored one is ignored.
    #[schema(minimum = 0, maximum = 1_152_921_504_606_846_976_i64)]
    pub bytes_transferred: Option<i64>,
    /// Reason for the failure. It is cut off after 4,096 characters.
    pub error_message: Option<String>,
    /// Process that reports: the `instanceId` that the agent process sends in its heartbeats.
    pub instance_id: Option<InstanceId>,
}

impl FromFields for UpdateStep {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let status = fields.update("status", &[], reported);
        let attempt = fields.update("attempt", &[], integer(1, MAX_ATTEMPT));
        let progress = fields.optional("progress", &[], number(0.0, 100.0));
        let bytes_transferred = fields.optional("bytesTransferred", &[], integer(0, MAX_BYTES));
        let error_message = fields.optional("errorMessage", &["error"], message(MAX_MESSAGE));
        let instance_id = fields.optional("instanceId", &[], id::<InstanceId>);
        Some(Self {
            status: status?,
            attempt: attempt?,
            progress: progress?,
            bytes_transferred: bytes_transferred?,
            error_message: error_message?.filter(|message| !message.is_empty()),
            instance_id: instance_id?,
        })
    }
}

/// A status that an agent may report.
fn reported(value: Value) -> Check<StepStatus> {
    match one_of(value) {
        Ok(StepStatus::Queued | StepStatus::Skipped) | Err(_) => {
            Err("must be one of running, completed, failed, cancelled".to_owned())
        }
        Ok(status) => Ok(status),
    }
}
