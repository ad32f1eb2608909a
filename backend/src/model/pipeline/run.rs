//! Runs of pipelines as administrators see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{Display, EnumString, VariantNames};
use utoipa::ToSchema;

use crate::{
    ids::{PipelineId, RunId, TransferId},
    model::{
        Instant,
        fields::{Fields, FromFields},
    },
};

/// How far a run has come.
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
pub enum PipelineRunStatus {
    /// No step has begun.
    Queued,
    /// Steps are on their way, or wait for others.
    Running,
    /// All steps have ended and none failed.
    Completed,
    /// All steps have ended and one failed.
    Failed,
    /// It was ended because somebody wished it.
    Cancelled,
}

impl PipelineRunStatus {
    /// Whether nothing will happen any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a user may cancel it.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// Whether a user may continue from where it failed, which is another run.
    #[must_use]
    pub const fn can_be_rerun(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }
}

/// How far a step has come.
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
pub enum StepStatus {
    /// It waits: for other steps, for its next attempt, or for its agent to begin.
    Queued,
    /// It is on its way.
    Running,
    /// It is done.
    Completed,
    /// Its last attempt failed.
    Failed,
    /// It was ended because somebody wished it.
    Cancelled,
    /// It was not its turn: what became of the steps it needs is not what it waits for.
    Skipped,
}

impl StepStatus {
    /// Whether nothing will happen any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped)
    }
}

/// Why a run was made.
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
pub enum Trigger {
    /// Somebody wished it.
    Manual,
    /// Its pipeline's schedule said so.
    Schedule,
    /// Somebody wished an earlier run to go on from where it failed.
    Rerun,
}

/// The values that stand for a definition's parameters, by name.
pub type Parameters = BTreeMap<String, String>;

/// A run of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct PipelineRun {
    /// Its id.
    pub id: RunId,
    /// The pipeline that runs.
    pub pipeline_id: PipelineId,
    /// The version that runs, until the end.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
    /// How far it has come.
    pub status: PipelineRunStatus,
    /// Why it was made.
    pub trigger: Trigger,
    /// When its first step was sent.
    #[schema(required)]
    pub started_at: Option<Instant>,
    /// When it ended.
    #[schema(required)]
    pub completed_at: Option<Instant>,
    /// Why it failed.
    #[schema(required)]
    pub error_message: Option<String>,
    /// Counts the changes; of two views the one with the higher figure is newer.
    #[schema(minimum = 1, example = 1)]
    pub revision: i64,
    /// When somebody asked for its end.
    #[schema(required)]
    pub cancel_requested_at: Option<Instant>,
    /// The values of its parameters.
    #[graphql(skip)]
    pub parameters: Parameters,
    /// The run it goes on from.
    #[schema(required)]
    pub rerun_of: Option<RunId>,
    /// Its steps, each after those it needs.
    #[graphql(complexity = "10 * child_complexity + 1")]
    pub steps: Vec<PipelineStep>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct PipelineStep {
    /// What it is called in its pipeline.
    #[schema(example = "fetch")]
    pub id: String,
    /// What it does.
    #[serde(rename = "type")]
    #[graphql(name = "type")]
    #[schema(example = "transfer")]
    pub kind: String,
    /// How far it has come.
    pub status: StepStatus,
    /// Which attempt this is, or will be, from 1.
    #[schema(minimum = 1, example = 1)]
    pub attempt: i64,
    /// How far this attempt has come, in per cent; never goes back within one attempt.
    #[schema(required, minimum = 0, maximum = 100)]
    pub progress: Option<f64>,
    /// How many bytes this attempt has moved; never goes back within one attempt.
    #[schema(required, minimum = 0)]
    #[graphql(skip)]
    pub bytes_transferred: Option<i64>,
    /// When it first ran.
    #[schema(required)]
    pub started_at: Option<Instant>,
    /// When it ended.
    #[schema(required)]
    pub completed_at: Option<Instant>,
    /// Why it, or its attempt before this one, failed; or why it was skipped.
    #[schema(required)]
    pub error_message: Option<String>,
    /// The transfer its agent made for it.
    #[schema(required)]
    pub transfer_id: Option<TransferId>,
}

/// Which runs a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipelineRunFilter {
    /// Only those of this pipeline.
    pub pipeline_id: Option<PipelineId>,
    /// Only those with one of these statuses, if any are named.
    pub status: Vec<PipelineRunStatus>,
}

impl PipelineRunFilter {
    /// Whether a run may have this status.
    #[must_use]
    pub fn allows(&self, status: PipelineRunStatus) -> bool {
        self.status.is_empty() || self.status.contains(&status)
    }

    /// Whether everything about the run that never changes is as the filter wants it.
    #[must_use]
    pub fn matches_but_for_status(&self, run: &PipelineRun) -> bool {
        self.pipeline_id.is_none_or(|pipeline| pipeline == run.pipeline_id)
    }
}

/// Values of parameters as somebody gives them; which ones there are, the definition says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given(pub Map<String, Value>);

impl From<Parameters> for Given {
    fn from(parameters: Parameters) -> Self {
        Self(parameters.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
    }
}

/// What is said to start a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(example = json!({ "parameters": { "date": "2026-04-25" } }))]
pub struct StartPipelineRun {
    /// Values of the definition's parameters: strings, numbers, true or false. What is left out has the value the definition
    /// gives it.
    #[schema(value_type = Option<Object>)]
    pub parameters: Given,
}

impl FromFields for StartPipelineRun {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let parameters = fields.optional("parameters", &[], |value| match value {
            Value::Object(object) => Ok(Given(object)),
            _ => Err("must be an object".to_owned()),
        });
        Some(Self { parameters: parameters?.unwrap_or_default() })
    }
}
