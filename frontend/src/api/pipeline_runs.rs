//! Runs of pipelines: list, get, subscribe, start, cancel, rerun. For administrators.

use cynic::{Id, MutationBuilder, QueryBuilder, SubscriptionBuilder};

use super::{
    ApiError, ById, ByIdFields, Page, Request, pipeline_plan::Plan, scalars::ByteCount, schema,
    schema_enum::schema_enum,
};
use crate::time::Instant;

mftplus_protocol::contract_enum!(PipelineRunStatus, schema_enum);
mftplus_protocol::contract_enum!(StepStatus, schema_enum);
mftplus_protocol::contract_enum!(Trigger, schema_enum);

/// A run with its steps. All operations except the lists of pipelines select the same fields.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct PipelineRun {
    pub(crate) id: Id,
    pub(crate) pipeline_id: Id,
    /// The number of the version that the run executes; 0 if it executes a draft.
    pub(crate) version: i32,
    pub(crate) status: PipelineRunStatus,
    pub(crate) trigger: Trigger,
    pub(crate) started_at: Option<Instant>,
    pub(crate) completed_at: Option<Instant>,
    pub(crate) error_message: Option<String>,
    pub(crate) revision: i32,
    pub(crate) cancel_requested_at: Option<Instant>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) rerun_of: Option<Id>,
    pub(crate) steps: Vec<Step>,
    pub(crate) viewer_can_cancel: bool,
    pub(crate) viewer_can_rerun: bool,
}

/// A parameter of a run.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineStep")]
pub(crate) struct Step {
    pub(crate) id: String,
    #[cynic(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: StepStatus,
    pub(crate) attempt: i32,
    pub(crate) progress: Option<f64>,
    pub(crate) bytes_transferred: Option<ByteCount>,
    pub(crate) started_at: Option<Instant>,
    pub(crate) completed_at: Option<Instant>,
    pub(crate) error_message: Option<String>,
    pub(crate) transfer_id: Option<Id>,
}

/// The fields of a run that its mark in the list of pipelines needs.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineRun")]
pub(crate) struct RunMark {
    pub(crate) id: Id,
    pub(crate) pipeline_id: Id,
    pub(crate) version: i32,
    pub(crate) status: PipelineRunStatus,
    pub(crate) started_at: Option<Instant>,
    pub(crate) cancel_requested_at: Option<Instant>,
    pub(crate) revision: i32,
}

/// What the page of a run shows besides the run: the name of its pipeline, its plan, and the text of its draft.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineRun")]
pub(crate) struct RunLinks {
    pub(crate) pipeline: Option<PipelineName>,
    pub(crate) plan: Plan,
    /// The text of the definition if the run executes a draft.
    pub(crate) draft_yaml: Option<String>,
}

/// The pipeline of a run.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Pipeline")]
pub(crate) struct PipelineName {
    pub(crate) name: String,
}

/// A filter of runs.
#[derive(Clone, Debug, cynic::InputObject)]
struct PipelineRunFilter {
    pipeline_id: Id,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    filter: PipelineRunFilter,
    first: i32,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListRuns {
    #[arguments(filter: $filter, first: $first, page: $page)]
    pipeline_runs: PipelineRunConnection,
}

#[derive(cynic::QueryFragment)]
struct PipelineRunConnection {
    nodes: Vec<PipelineRun>,
    total_count: i32,
    total_is_at_least: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetRun {
    #[arguments(id: $id)]
    pipeline_run: Option<PipelineRun>,
    #[arguments(id: $id)]
    #[cynic(rename = "pipelineRun", alias)]
    links: Option<RunLinks>,
}

/// A value for a parameter.
#[derive(Clone, Debug, cynic::InputObject)]
pub(crate) struct ParameterInput {
    pub(crate) name: String,
    pub(crate) value: String,
}

#[derive(cynic::QueryVariables)]
struct StartVariables {
    id: Id,
    parameters: Option<Vec<ParameterInput>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    yaml: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "StartVariables")]
struct StartRun {
    #[arguments(id: $id, parameters: $parameters, yaml: $yaml)]
    run_pipeline: PipelineRun,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct CancelRun {
    #[arguments(id: $id)]
    cancel_pipeline_run: PipelineRun,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct RerunRun {
    #[arguments(id: $id)]
    rerun_pipeline_run: PipelineRun,
}

/// The runs to subscribe to: one, those of a pipeline, or all.
#[derive(cynic::QueryVariables)]
struct WatchVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<Id>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    filter: Option<PipelineRunFilter>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "WatchVariables")]
struct WatchRuns {
    #[arguments(ids: $ids, filter: $filter, throttleMs: 250)]
    pipeline_run_updated: PipelineRunUpdate,
}

#[derive(cynic::QueryFragment)]
struct PipelineRunUpdate {
    pipeline_run: Option<PipelineRun>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
struct WatchMarks {
    #[arguments(throttleMs: 1000)]
    pipeline_run_updated: MarkUpdate,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineRunUpdate")]
struct MarkUpdate {
    pipeline_run: Option<RunMark>,
}

/// One page of a pipeline's runs, newest first, with up to 100 rows.
pub(crate) fn list(pipeline: &str, first: i32, page: i32) -> Request<Page<PipelineRun>> {
    let filter = PipelineRunFilter { pipeline_id: Id::new(pipeline) };
    let operation = ListRuns::build(ListVariables { filter, first, page });
    Request::new(&operation, |ListRuns { pipeline_runs: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Gets one run, and what its page shows besides.
pub(crate) fn get(id: &str) -> Request<(PipelineRun, RunLinks)> {
    Request::new(&GetRun::build(ById::new(id)), |GetRun { pipeline_run, links }| {
        pipeline_run.zip(links).ok_or(ApiError::InvalidResponse)
    })
}

/// Starts a run of the current version of a pipeline.
pub(crate) fn start(pipeline: &str, parameters: Vec<ParameterInput>) -> Request<PipelineRun> {
    start_with(StartVariables { id: Id::new(pipeline), parameters: Some(parameters), yaml: None })
}

/// Starts a run of a draft, which is not saved.
pub(crate) fn start_draft(pipeline: &str, parameters: Vec<ParameterInput>, yaml: String) -> Request<PipelineRun> {
    start_with(StartVariables { id: Id::new(pipeline), parameters: Some(parameters), yaml: Some(yaml) })
}

fn start_with(variables: StartVariables) -> Request<PipelineRun> {
    Request::new(&StartRun::build(variables), |started| Ok(started.run_pipeline))
}

/// Requests the cancellation of a run.
pub(crate) fn cancel(id: &str) -> Request<PipelineRun> {
    Request::new(&CancelRun::build(ById::new(id)), |cancelled| Ok(cancelled.cancel_pipeline_run))
}

/// Starts a new run that continues an earlier run from its failed step. Returns the new run.
pub(crate) fn rerun(id: &str) -> Request<PipelineRun> {
    Request::new(&RerunRun::build(ById::new(id)), |rerun| Ok(rerun.rerun_pipeline_run))
}

/// Subscribes to one run. An update is its latest state; `None` means that updates may have been missed.
pub(crate) fn watch(id: &str) -> Request<Option<PipelineRun>> {
    stream(WatchVariables { ids: Some(vec![Id::new(id)]), filter: None })
}

/// Subscribes to the runs of a pipeline. Updates are as those of [`watch`].
pub(crate) fn watch_of_pipeline(pipeline: &str) -> Request<Option<PipelineRun>> {
    stream(WatchVariables { ids: None, filter: Some(PipelineRunFilter { pipeline_id: Id::new(pipeline) }) })
}

/// Subscribes to all runs, with the fields of their marks. Updates are as those of [`watch`].
pub(crate) fn watch_marks() -> Request<Option<RunMark>> {
    Request::stream(&WatchMarks::build(()), |frame| frame.pipeline_run_updated.pipeline_run)
}

fn stream(variables: WatchVariables) -> Request<Option<PipelineRun>> {
    Request::stream(&WatchRuns::build(variables), |frame| frame.pipeline_run_updated.pipeline_run)
}
