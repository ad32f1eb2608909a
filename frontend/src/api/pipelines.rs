//! Pipelines: list, get, create, describe, enable, replace the definition, delete.

use cynic::{Id, MutationBuilder, QueryBuilder};

use super::{
    ApiError, ById, ByIdFields, Page, Request, customers::CustomerName, pipeline_runs::RunMark,
    scheduled_sort::ScheduledSort, schema,
};
use crate::time::Instant;

/// A pipeline with its current definition. All operations except the lists select the same fields.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[expect(clippy::struct_excessive_bools, reason = "the schema has a field for each action")]
pub(crate) struct Pipeline {
    pub(crate) id: Id,
    pub(crate) identifier: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) yaml: String,
    pub(crate) enabled: bool,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
    pub(crate) version: i32,
    pub(crate) customer_id: Option<Id>,
    pub(crate) customer: Option<CustomerName>,
    pub(crate) next_run_at: Option<Instant>,
    pub(crate) viewer_can_delete: bool,
    pub(crate) viewer_can_disable: bool,
    pub(crate) viewer_can_enable: bool,
    pub(crate) viewer_can_restore_version: bool,
    pub(crate) viewer_can_run: bool,
    pub(crate) viewer_can_update: bool,
}

/// A pipeline in a list.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Pipeline")]
pub(crate) struct PipelineRow {
    pub(crate) id: Id,
    pub(crate) identifier: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) created_at: Instant,
    pub(crate) version: i32,
    pub(crate) customer: Option<CustomerName>,
    pub(crate) next_run_at: Option<Instant>,
}

/// The newest runs of a pipeline.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Pipeline")]
pub(crate) struct NewestRuns {
    pub(crate) id: Id,
    #[arguments(first: 10)]
    pub(crate) runs: Vec<RunMark>,
}

/// A filter of pipelines.
#[derive(Clone, Debug, Default, PartialEq, cynic::InputObject)]
pub(crate) struct PipelineFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) search: Option<String>,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    filter: PipelineFilter,
    #[cynic(skip_serializing_if = "Option::is_none")]
    sort: Option<ScheduledSort>,
    first: i32,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListPipelines {
    #[arguments(filter: $filter, sort: $sort, first: $first, page: $page)]
    pipelines: PipelineConnection,
}

#[derive(cynic::QueryFragment)]
struct PipelineConnection {
    nodes: Vec<PipelineRow>,
    total_count: i32,
    total_is_at_least: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListNewestRuns {
    #[arguments(filter: $filter, sort: $sort, first: $first, page: $page)]
    pipelines: NewestRunsConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineConnection")]
struct NewestRunsConnection {
    nodes: Vec<NewestRuns>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetPipeline {
    #[arguments(id: $id)]
    pipeline: Option<Pipeline>,
}

/// A new pipeline.
#[derive(Clone, Debug, cynic::InputObject)]
pub(crate) struct CreatePipelineInput {
    pub(crate) identifier: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) yaml: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) customer_id: Option<Id>,
}

/// The new name and description of a pipeline.
#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "UpdatePipelineInput")]
pub(crate) struct DescribeInput {
    pub(crate) name: String,
    /// The new description; `None` removes it.
    pub(crate) description: Option<String>,
}

/// Whether runs of a pipeline can start.
#[derive(cynic::InputObject)]
#[cynic(graphql_type = "UpdatePipelineInput")]
struct EnableInput {
    enabled: bool,
}

#[derive(cynic::QueryVariables)]
struct CreateVariables {
    input: CreatePipelineInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateVariables")]
struct CreatePipeline {
    #[arguments(input: $input)]
    create_pipeline: Pipeline,
}

#[derive(cynic::QueryVariables)]
struct DescribeVariables {
    id: Id,
    input: DescribeInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DescribeVariables")]
struct DescribePipeline {
    #[arguments(id: $id, input: $input)]
    update_pipeline: Pipeline,
}

#[derive(cynic::QueryVariables)]
struct EnableVariables {
    id: Id,
    input: EnableInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "EnableVariables")]
struct EnablePipeline {
    #[arguments(id: $id, input: $input)]
    update_pipeline: Pipeline,
}

#[derive(cynic::QueryVariables)]
struct ReplaceVariables {
    id: Id,
    yaml: String,
    expected_version: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ReplaceVariables")]
struct ReplaceDefinition {
    #[arguments(id: $id, yaml: $yaml, expectedVersion: $expected_version)]
    replace_pipeline_definition: Pipeline,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct DeletePipeline {
    #[arguments(id: $id)]
    delete_pipeline: Id,
}

/// Gets one page of the pipelines that match a filter, with up to 100 rows. Without `sort`, the newest come first.
pub(crate) fn list(
    filter: PipelineFilter,
    sort: Option<ScheduledSort>,
    first: i32,
    page: i32,
) -> Request<Page<PipelineRow>> {
    let variables = ListVariables { filter, sort, first, page };
    Request::new(&ListPipelines::build(variables), |ListPipelines { pipelines: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Gets the newest runs of each pipeline on the same page of [`list`]. For administrators.
pub(crate) fn newest_runs(
    filter: PipelineFilter,
    sort: Option<ScheduledSort>,
    first: i32,
    page: i32,
) -> Request<Vec<NewestRuns>> {
    let variables = ListVariables { filter, sort, first, page };
    Request::new(&ListNewestRuns::build(variables), |found| Ok(found.pipelines.nodes))
}

/// Gets one pipeline by its id or its identifier.
pub(crate) fn get(id: &str) -> Request<Pipeline> {
    Request::new(&GetPipeline::build(ById::new(id)), |found| found.pipeline.ok_or(ApiError::InvalidResponse))
}

/// Creates a pipeline.
pub(crate) fn create(input: CreatePipelineInput) -> Request<Pipeline> {
    Request::new(&CreatePipeline::build(CreateVariables { input }), |created| Ok(created.create_pipeline))
}

/// Changes the name and the description of a pipeline.
pub(crate) fn describe(id: &str, input: DescribeInput) -> Request<Pipeline> {
    let operation = DescribePipeline::build(DescribeVariables { id: Id::new(id), input });
    Request::new(&operation, |described| Ok(described.update_pipeline))
}

/// Enables or disables a pipeline.
pub(crate) fn enable(id: &str, enabled: bool) -> Request<Pipeline> {
    let operation = EnablePipeline::build(EnableVariables { id: Id::new(id), input: EnableInput { enabled } });
    Request::new(&operation, |enabled| Ok(enabled.update_pipeline))
}

/// Saves a new version of a definition, if `expected_version` is still the current one.
pub(crate) fn replace(id: &str, yaml: String, expected_version: i32) -> Request<Pipeline> {
    let operation = ReplaceDefinition::build(ReplaceVariables { id: Id::new(id), yaml, expected_version });
    Request::new(&operation, |replaced| Ok(replaced.replace_pipeline_definition))
}

/// Deletes a pipeline with its versions and its runs; returns its id.
pub(crate) fn delete(id: &str) -> Request<Id> {
    Request::new(&DeletePipeline::build(ById::new(id)), |deleted| Ok(deleted.delete_pipeline))
}
