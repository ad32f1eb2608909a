//! Pipeline runs, as administrators see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::definition;
use crate::{
    ids::{PipelineId, RunId, TransferId},
    model::{
        Instant,
        enum_macro::server_enum,
        field_reader::{Fields, FromFields},
    },
};

mftplus_protocol::contract_enum!(PipelineRunStatus, server_enum);

impl PipelineRunStatus {
    /// Whether the run has ended.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a user may cancel a run with this status.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// Whether a user may continue a run with this status from where it failed, as another run.
    #[must_use]
    pub const fn can_be_rerun(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }
}

mftplus_protocol::contract_enum!(StepStatus, server_enum);

impl StepStatus {
    /// Whether the step has ended.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped)
    }
}

mftplus_protocol::contract_enum!(Trigger, server_enum);

/// The version number of runs that execute a draft. Real versions are counted from 1.
pub const DRAFT: i64 = 0;

/// The values of a definition's parameters, by name.
pub type Parameters = BTreeMap<String, String>;

/// One execution of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct PipelineRun {
    /// Id of the run.
    pub id: RunId,
    /// Pipeline of the run.
    pub pipeline_id: PipelineId,
    /// Version of the pipeline with which the run started. It does not change during the run. 0 if the run executes a
    /// draft, which is no version.
    #[schema(minimum = 0, example = 1)]
    pub version: i64,
    /// Status of the run.
    pub status: PipelineRunStatus,
    /// What started the run.
    pub trigger: Trigger,
    /// Time at which the first step was sent to its agent.
    #[schema(required)]
    pub started_at: Option<Instant>,
    /// End time; null while the run is active.
    #[schema(required)]
    pub completed_at: Option<Instant>,
    /// Reason for the failure.
    #[schema(required)]
    pub error_message: Option<String>,
    /// Increases with each change. Of two states of one run, the one with the higher revision is newer.
    #[schema(minimum = 1, example = 1)]
    pub revision: i64,
    /// Time at which a user requested the cancellation.
    #[schema(required)]
    pub cancel_requested_at: Option<Instant>,
    /// Values of the parameters by name.
    #[graphql(skip)]
    pub parameters: Parameters,
    /// Earlier run that this run continues.
    #[schema(required)]
    pub rerun_of: Option<RunId>,
    /// Steps in dependency order: each after the steps that it needs.
    #[graphql(complexity = "10 * child_complexity + 1")]
    pub steps: Vec<PipelineStep>,
}

/// A step of a pipeline run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct PipelineStep {
    /// Id of the step in the definition.
    #[schema(example = "fetch")]
    pub id: String,
    /// Type of the step, such as `transfer`.
    #[serde(rename = "type")]
    #[graphql(name = "type")]
    #[schema(example = "transfer")]
    pub kind: String,
    /// Status of the step.
    pub status: StepStatus,
    /// Number of the current or next attempt, counted from 1.
    #[schema(minimum = 1, example = 1)]
    pub attempt: i64,
    /// Progress of the current attempt in percent; never decreases within an attempt.
    #[schema(required, minimum = 0, maximum = 100)]
    pub progress: Option<f64>,
    /// Bytes copied so far in the current attempt; never decreases within an attempt.
    #[schema(required, minimum = 0)]
    #[graphql(skip)]
    pub bytes_transferred: Option<i64>,
    /// Start time of the first attempt.
    #[schema(required)]
    pub started_at: Option<Instant>,
    /// End time; null while the step has not ended.
    #[schema(required)]
    pub completed_at: Option<Instant>,
    /// Reason for which the last attempt failed or the step was skipped.
    #[schema(required)]
    pub error_message: Option<String>,
    /// Transfer that the agent created for the step.
    #[schema(required)]
    pub transfer_id: Option<TransferId>,
}

/// Selects pipeline runs. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineRunFilter {
    /// Runs of this pipeline.
    pub pipeline_id: Option<PipelineId>,
    /// Runs with one of these statuses; an empty list selects all.
    pub status: Vec<PipelineRunStatus>,
}

impl PipelineRunFilter {
    /// Whether the filter selects runs with this status.
    #[must_use]
    pub fn allows(&self, status: PipelineRunStatus) -> bool {
        self.status.is_empty() || self.status.contains(&status)
    }

    /// Whether the filter selects the run, apart from its status. The other conditions are about values that never
    /// change.
    #[must_use]
    pub fn matches_but_for_status(&self, run: &PipelineRun) -> bool {
        self.pipeline_id.is_none_or(|pipeline| pipeline == run.pipeline_id)
    }
}

/// The values of parameters as the client sent them. They are checked against the definition later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given(pub Map<String, Value>);

impl From<Parameters> for Given {
    fn from(parameters: Parameters) -> Self {
        Self(parameters.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
    }
}

/// Input for starting a pipeline run.
#[derive(Clone, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(example = json!({ "parameters": { "date": "2026-04-25" } }))]
pub struct StartPipelineRun {
    /// Values of the definition's parameters: strings, numbers, true or false. Omitted parameters have the default
    /// values of the definition.
    #[schema(value_type = Option<Object>)]
    pub parameters: Given,
    /// Definition in YAML that the run executes instead of the current version: a draft. It must be valid. It is kept
    /// with the run alone: the pipeline, its versions and its schedule do not change.
    #[schema(min_length = 1)]
    pub yaml: Option<String>,
}

impl FromFields for StartPipelineRun {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let parameters = fields.optional("parameters", &[], |value| match value {
            Value::Object(object) => Ok(Given(object)),
            _ => Err("must be an object".to_owned()),
        });
        let yaml = fields.optional("yaml", &[], definition);
        Some(Self { parameters: parameters?.unwrap_or_default(), yaml: yaml? })
    }
}
