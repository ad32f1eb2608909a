//! The bodies of requests and responses of the server's REST API, with the fields that the agent uses.

use chrono::{DateTime, Utc};
use mftplus_protocol::characters::printable;
use mftplus_protocol::wire::{TransferStatus, Verify};
pub(crate) use mftplus_protocol::{
    transfer::TransferDetails,
    wire::{AgentStatus, Direction, ReportedStatus as Status},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A client certificate that the server has issued.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssuedCertificate {
    pub(crate) pem: String,
    pub(crate) expires_at: DateTime<Utc>,
}

/// One report of `PATCH /api/transfers`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransferUpdate {
    pub(crate) id: Uuid,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<f64>,
    pub(crate) bytes_transferred: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) speed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    #[serde(flatten)]
    pub(crate) details: TransferDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// The server's result for one report; `status` is an HTTP status code.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UpdateResult {
    pub(crate) id: Uuid,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) transfer: Option<AttemptView>,
    #[serde(default)]
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) details: Option<Value>,
}

/// The attempt in the view of a transfer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AttemptView {
    /// The number of the attempt. The field is additive, so a server may omit it.
    #[serde(default = "first_attempt")]
    pub(crate) attempt: u32,
}

/// The server's view of a transfer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TransferView {
    pub(crate) id: Uuid,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) protocol: String,
    /// The number of the attempt. The field is additive, so a server may omit it.
    #[serde(default = "first_attempt")]
    pub(crate) attempt: u32,
    #[serde(default)]
    pub(crate) direction: Option<Direction>,
    #[serde(default)]
    pub(crate) status: Option<String>,
}

impl TransferView {
    /// Whether the transfer has ended, so that there is nothing to copy.
    pub(crate) fn has_ended(&self) -> bool {
        let status = self.status.as_deref().and_then(TransferStatus::from_name);
        status.is_some_and(|status| !status.is_active())
    }
}

fn first_attempt() -> u32 {
    1
}

/// The body of `POST /api/transfers`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateTransfer<'a> {
    pub(crate) source_url: &'a str,
    pub(crate) destination_path: &'a str,
    pub(crate) direction: Direction,
    pub(crate) protocol: &'static str,
    /// The size in bytes; `None` if it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    #[serde(flatten)]
    pub(crate) part_of: &'a PartOf,
}

/// The job run or pipeline step that a transfer belongs to, if any.
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartOf {
    /// The job run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_run_id: Option<Uuid>,
    /// The pipeline run, and the step in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pipeline_run_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step_id: Option<String>,
}

impl PartOf {
    /// Whether the transfer belongs to no run.
    pub(crate) fn is_standalone(&self) -> bool {
        *self == Self::default()
    }
}

/// The copy rules of a job or a transfer step, as the server sends them. An absent rule has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CopyRuleFields {
    /// The name of a set of credentials in the agent's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credentials: Option<String>,
    /// The name of an endpoint in the agent's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
    /// `overwrite`, `skip`, `rename` or `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_exists: Option<String>,
    /// `keep`, `delete` or `moveTo:<path>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after_success: Option<String>,
    /// `times` and `modes`, as a list or as one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) preserve: Option<Value>,
    /// `fail` or `skip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_file_error: Option<String>,
    /// `keep`, `follow`, `skip` or `fail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) symlinks: Option<String>,
}

/// A job, with the fields that an agent needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) protocol: String,
    #[serde(default)]
    pub(crate) direction: Direction,
    /// How the copy is verified; `None` means the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verify: Option<Verify>,
    #[serde(flatten)]
    pub(crate) rules: CopyRuleFields,
}

/// The server's view of a job run, with the fields that an agent needs.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct RunView {
    pub(crate) id: Uuid,
}

/// The end of a job run: the body of `PATCH /api/jobs/{id}/runs/{runId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunEnd {
    pub(crate) status: Status,
    pub(crate) bytes_transferred: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<String>,
}

/// The body of `POST /api/agents/register`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegisterAgent<'a> {
    pub(crate) customer_identifier: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    pub(crate) hostname: &'a str,
    pub(crate) os: &'static str,
    pub(crate) version: &'static str,
}

/// The body of `POST /api/agents/heartbeat`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Heartbeat {
    pub(crate) status: AgentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<u64>,
}

/// A request body with the id of the sending process, by which the server detects two processes that share a copied
/// state folder.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithInstance<'a, T> {
    #[serde(flatten)]
    pub(crate) body: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance_id: Option<Uuid>,
}

/// An instruction of the server to this agent.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Directive {
    pub(crate) id: Uuid,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) payload: Value,
}

/// The field `data.directives`, which any response may contain.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Directives {
    #[serde(default)]
    directives: Vec<Value>,
}

impl Directives {
    /// The directives that can be parsed; the others are logged and skipped.
    pub(crate) fn readable(self) -> Vec<Directive> {
        let parse = |directive: Value| match serde_json::from_value(directive) {
            Ok(directive) => Some(directive),
            Err(error) => {
                tracing::warn!(error = printable(&error.to_string()), "a directive cannot be read");
                None
            }
        };
        self.directives.into_iter().filter_map(parse).collect()
    }
}

/// The body of `PATCH /api/pipelines/{id}/runs/{runId}/steps/{stepId}`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepUpdate {
    pub(crate) status: Status,
    pub(crate) attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_transferred: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<String>,
}

/// The server's view of a step, with the fields that an agent needs.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StepView {
    pub(crate) status: String,
    #[serde(default = "first_attempt")]
    pub(crate) attempt: u32,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Directives;

    #[test]
    fn a_directive_that_cannot_be_read_does_not_spoil_the_rest() -> serde_json::Result<()> {
        let answer =
            json!({"directives": [{"id": 7}, {"id": "0192f0c1-2345-7abc-8def-0123456789ab", "type": "rotateKey"}]});
        let directives = serde_json::from_value::<Directives>(answer)?.readable();
        assert_eq!(directives.iter().map(|d| d.kind.as_str()).collect::<Vec<_>>(), ["rotateKey"]);
        Ok(())
    }
}
