//! The filters and inputs of pipelines in GraphQL.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::{Error, FieldErrors, Result},
    ids::{CustomerId, PipelineId},
    model::pipeline::run::{Given, PipelineRunFilter, PipelineRunStatus, StartPipelineRun},
};

/// Selects pipeline runs. All given conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "PipelineRunFilter")]
pub(super) struct PipelineRunFilterInput {
    /// Runs of this pipeline.
    pipeline_id: Option<PipelineId>,
    /// Runs with this status.
    status: Option<PipelineRunStatus>,
}

impl From<PipelineRunFilterInput> for PipelineRunFilter {
    fn from(filter: PipelineRunFilterInput) -> Self {
        Self { pipeline_id: filter.pipeline_id, status: filter.status.into_iter().collect() }
    }
}

/// Input for creating a pipeline.
#[derive(Clone, Debug, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatePipelineInput {
    /// Identifier in URLs, which cannot be changed later. 1 to 64 lower-case letters, digits and hyphens, with a letter
    /// or digit at both ends. A UUID, `schema` and `dry-run` are not allowed.
    identifier: String,
    /// Name of the pipeline, 1 to 255 characters.
    name: String,
    /// Purpose of the pipeline, at most 500 characters.
    description: Option<String>,
    /// Definition in YAML. It must be valid.
    yaml: String,
    /// Whether runs may start. Default: `true`.
    enabled: Option<bool>,
    /// Customer that owns the pipeline. Only administrators can choose it; for other users it is ignored, and the
    /// pipeline belongs to their customer. If an administrator omits it, the owner is the customer of the agents that
    /// the definition names by id. If there is no such agent, or they belong to several customers, the pipeline belongs
    /// to the platform.
    customer_id: Option<CustomerId>,
    /// SHA of the Git commit that the definition comes from, 7 to 64 hexadecimal digits.
    git_sha: Option<String>,
}

/// Changes to a pipeline that create no new version. Omitted fields keep their values.
#[derive(Clone, Debug, Default, InputObject, Serialize)]
pub(super) struct UpdatePipelineInput {
    /// New name, 1 to 255 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// New description, at most 500 characters. Null removes it.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    description: MaybeUndefined<String>,
    /// Whether runs may start, both scheduled and manual ones.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
}

/// A value for a parameter of a definition.
#[derive(Clone, Debug, InputObject)]
pub(super) struct ParameterInput {
    /// Name of the parameter in the definition.
    name: String,
    /// Value of the parameter in this run.
    value: String,
}

/// Reads the input for starting a run. Each parameter may be given once.
///
/// # Errors
///
/// [`Error::Fields`] with all repeated parameters.
pub(super) fn read_start(parameters: Vec<ParameterInput>, yaml: Option<String>) -> Result<StartPipelineRun> {
    let mut given = Map::new();
    let mut problems = FieldErrors::default();
    for ParameterInput { name, value } in parameters {
        if given.contains_key(&name) {
            problems.add("parameters", format!("`{name}` is given more than once"));
        } else {
            given.insert(name, Value::String(value));
        }
    }
    if problems.is_empty() {
        Ok(StartPipelineRun { parameters: Given(given), yaml })
    } else {
        Err(Error::Fields(problems))
    }
}
