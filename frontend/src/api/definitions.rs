//! Definitions of pipelines: dry runs with diagnostics, the JSON Schema, versions and their differences.

use std::collections::BTreeMap;

use cynic::{Id, MutationBuilder, QueryBuilder};
use serde::{Deserialize, Serialize};

use super::{Page, Request, pipelines::Pipeline, plan::Plan, schema};
use crate::time::Instant;

cynic::impl_scalar!(Grammar, schema::JSON);

/// The part of the JSON Schema of definitions that completion needs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Grammar {
    #[serde(rename = "$ref")]
    pub(crate) reference: Option<String>,
    #[serde(rename = "$defs")]
    pub(crate) definitions: BTreeMap<String, Grammar>,
    pub(crate) description: String,
    pub(crate) properties: BTreeMap<String, Grammar>,
    pub(crate) required: Vec<String>,
    #[serde(rename = "oneOf")]
    pub(crate) one_of: Vec<Grammar>,
    #[serde(rename = "anyOf")]
    pub(crate) any_of: Vec<Grammar>,
    pub(crate) items: Option<Box<Grammar>>,
    #[serde(rename = "const")]
    pub(crate) word: Option<String>,
    #[serde(rename = "enum")]
    pub(crate) words: Vec<String>,
}

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum Severity {
    Error,
    Warning,
}

/// An error or a warning about a definition.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
pub(crate) struct Diagnostic {
    pub(crate) severity: Severity,
    /// From 1.
    pub(crate) line: i32,
    /// From 1, in characters.
    pub(crate) column: i32,
    pub(crate) message: String,
}

/// The result of a dry run.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineVerdict")]
pub(crate) struct Verdict {
    pub(crate) valid: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
    #[cynic(rename = "ast")]
    pub(crate) plan: Plan,
}

#[derive(cynic::QueryVariables)]
struct TryVariables {
    yaml: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    customer_id: Option<Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TryVariables")]
struct Try {
    #[arguments(yaml: $yaml, customerId: $customer_id)]
    dry_run_pipeline: Verdict,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetGrammar {
    pipeline_schema: Grammar,
}

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

/// Checks a definition for a customer and returns its plan and diagnostics. Nothing is saved.
pub(crate) fn dry_run(yaml: String, customer_id: Option<Id>) -> Request<Verdict> {
    Request::new(&Try::build(TryVariables { yaml, customer_id }), |tried| Ok(tried.dry_run_pipeline))
}

/// Gets the JSON Schema of definitions.
pub(crate) fn grammar() -> Request<Grammar> {
    Request::new(&GetGrammar::build(()), |found| Ok(found.pipeline_schema))
}

/// One page of the versions of a pipeline, newest first. For administrators.
pub(crate) fn versions(pipeline: &str, page: i32) -> Request<Page<Version>> {
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
