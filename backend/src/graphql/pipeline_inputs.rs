//! Filters and inputs of pipelines as GraphQL takes them.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::{Error, FieldErrors, Result},
    ids::{CustomerId, PipelineId},
    model::pipeline::run::{Given, PipelineRunFilter, PipelineRunStatus, StartPipelineRun},
};

/// Which runs of pipelines are meant. All conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "PipelineRunFilter")]
pub(super) struct PipelineRunFilterInput {
    /// Only those of this pipeline.
    pipeline_id: Option<PipelineId>,
    /// Only those with this status.
    status: Option<PipelineRunStatus>,
}

impl From<PipelineRunFilterInput> for PipelineRunFilter {
    fn from(filter: PipelineRunFilterInput) -> Self {
        Self { pipeline_id: filter.pipeline_id, status: filter.status.into_iter().collect() }
    }
}

/// A new pipeline.
#[derive(Clone, Debug, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatePipelineInput {
    /// What it will be called, for good: 1 to 64 small letters, digits and hyphens between them; no UUID, nor `schema` or
    /// `dry-run`.
    identifier: String,
    /// Its name: 1 to 255 characters.
    name: String,
    /// What it is for: at most 500 characters.
    description: Option<String>,
    /// Its definition: it must be valid.
    yaml: String,
    /// Whether its runs start; yes, if left out.
    enabled: Option<bool>,
    /// Whose it is, for administrators to say. Else it belongs to the one customer of all agents it names by id, else to
    /// the platform.
    customer_id: Option<CustomerId>,
    /// The commit it comes from.
    git_sha: Option<String>,
}

/// What changes about a pipeline without a new version. What is left out stays.
#[derive(Clone, Debug, Default, InputObject, Serialize)]
pub(super) struct UpdatePipelineInput {
    /// Its name.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// What it is for; null: nothing is said.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    description: MaybeUndefined<String>,
    /// Whether its runs start.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
}

/// A value for a parameter of a definition.
#[derive(Clone, Debug, InputObject)]
pub(super) struct ParameterInput {
    /// What the definition calls it.
    name: String,
    /// Its value in this run.
    value: String,
}

/// Reads the parameters of a run, each of which is given once.
///
/// # Errors
///
/// [`Error::Fields`] with all that are given again.
pub(super) fn read_parameters(parameters: Vec<ParameterInput>) -> Result<StartPipelineRun> {
    let mut given = Map::new();
    let mut problems = FieldErrors::default();
    for ParameterInput { name, value } in parameters {
        if given.contains_key(&name) {
            problems.add("parameters", format!("`{name}` is given more than once"));
        } else {
            given.insert(name, Value::String(value));
        }
    }
    if problems.is_empty() { Ok(StartPipelineRun { parameters: Given(given) }) } else { Err(Error::Fields(problems)) }
}
