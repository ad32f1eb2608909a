//! Versions of the definition of a pipeline: list, compare, restore.

use cynic::{Id, MutationBuilder, QueryBuilder};

use super::{Page, Request, pipelines::Pipeline, schema};
use crate::time::Instant;

/// A version of a definition.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineVersion")]
pub(crate) struct Version {
    #[cynic(rename = "version")]
    pub(crate) number: i32,
    pub(crate) created_at: Instant,
    pub(crate) git_sha: Option<String>,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    pipeline_id: Id,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListVersions {
    #[arguments(pipelineId: $pipeline_id, first: 20, page: $page)]
    pipeline_versions: PipelineVersionConnection,
}

#[derive(cynic::QueryFragment)]
struct PipelineVersionConnection {
    nodes: Vec<Version>,
    total_count: i32,
    total_is_at_least: bool,
}

/// How a line differs between two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
#[cynic(graphql_type = "LineChange")]
pub(crate) enum Change {
    Same,
    Added,
    Removed,
}

/// A line of a comparison of two texts.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[cynic(graphql_type = "DiffLine")]
pub(crate) struct Line {
    pub(crate) change: Change,
    pub(crate) old_number: Option<i32>,
    pub(crate) new_number: Option<i32>,
    pub(crate) text: String,
}

/// The difference between two versions.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[cynic(graphql_type = "VersionDiff")]
pub(crate) struct Diff {
    pub(crate) added: i32,
    pub(crate) removed: i32,
    pub(crate) lines: Vec<Line>,
}

#[derive(cynic::QueryVariables)]
struct DiffVariables {
    pipeline_id: Id,
    from: i32,
    to: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "DiffVariables")]
struct GetDiff {
    #[arguments(pipelineId: $pipeline_id, from: $from, to: $to)]
    pipeline_diff: Diff,
}

#[derive(cynic::QueryVariables)]
struct RestoreVariables {
    pipeline_id: Id,
    version: i32,
    expected_version: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RestoreVariables")]
struct Restore {
    #[arguments(pipelineId: $pipeline_id, version: $version, expectedVersion: $expected_version)]
    restore_pipeline_version: Pipeline,
}

/// One page of the versions of a pipeline, newest first. For administrators.
pub(crate) fn list(pipeline: &str, page: i32) -> Request<Page<Version>> {
    let operation = ListVersions::build(ListVariables { pipeline_id: Id::new(pipeline), page });
    Request::new(&operation, |ListVersions { pipeline_versions: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Compares two versions. For administrators.
pub(crate) fn diff(pipeline: &str, from: i32, to: i32) -> Request<Diff> {
    let operation = GetDiff::build(DiffVariables { pipeline_id: Id::new(pipeline), from, to });
    Request::new(&operation, |found| Ok(found.pipeline_diff))
}

/// Saves the text of an earlier version as a new version, if `expected_version` is still the current one.
pub(crate) fn restore(pipeline: &str, version: i32, expected_version: i32) -> Request<Pipeline> {
    let variables = RestoreVariables { pipeline_id: Id::new(pipeline), version, expected_version };
    Request::new(&Restore::build(variables), |restored| Ok(restored.restore_pipeline_version))
}
