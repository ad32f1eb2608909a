//! Runs of jobs: list, get, subscribe, cancel, retry. For administrators.

use cynic::{Id, MutationBuilder, QueryBuilder, SubscriptionBuilder};

use super::{ApiError, ById, ByIdFields, Page, Request, scalars::ByteCount, schema, schema_enum::schema_enum};
use crate::time::Instant;

mftplus_protocol::contract_enum!(RunStatus, schema_enum);

/// A run without its links to other objects. All operations select the same fields.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct JobRun {
    pub(crate) id: Id,
    pub(crate) job_id: Id,
    pub(crate) status: RunStatus,
    pub(crate) started_at: Instant,
    pub(crate) completed_at: Option<Instant>,
    pub(crate) error_message: Option<String>,
    pub(crate) bytes_transferred: Option<ByteCount>,
    pub(crate) scheduled_for: Option<Instant>,
    pub(crate) attempt: i32,
    pub(crate) retry_of: Option<Id>,
    pub(crate) cancel_requested_at: Option<Instant>,
    pub(crate) revision: i32,
    pub(crate) viewer_can_cancel: bool,
    pub(crate) viewer_can_retry: bool,
}

/// What the page of a run shows of its job.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "JobRun")]
pub(crate) struct RunLinks {
    pub(crate) job: Option<JobName>,
}

/// The job of a run.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Job")]
pub(crate) struct JobName {
    pub(crate) name: String,
}

/// A filter of runs.
#[derive(Clone, Debug, cynic::InputObject)]
struct JobRunFilter {
    job_id: Id,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    filter: JobRunFilter,
    first: i32,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListRuns {
    #[arguments(filter: $filter, first: $first, page: $page)]
    job_runs: JobRunConnection,
}

#[derive(cynic::QueryFragment)]
struct JobRunConnection {
    nodes: Vec<JobRun>,
    total_count: i32,
    total_is_at_least: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetRun {
    #[arguments(id: $id)]
    job_run: Option<JobRun>,
    #[arguments(id: $id)]
    #[cynic(rename = "jobRun", alias)]
    links: Option<RunLinks>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct CancelRun {
    #[arguments(id: $id)]
    cancel_job_run: JobRun,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct RetryRun {
    #[arguments(id: $id)]
    retry_job_run: JobRun,
}

/// The runs to subscribe to: one, those of a job, or all.
#[derive(cynic::QueryVariables)]
struct WatchVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<Id>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    filter: Option<JobRunFilter>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "WatchVariables")]
struct WatchRuns {
    #[arguments(ids: $ids, filter: $filter, throttleMs: 250)]
    job_run_updated: JobRunUpdate,
}

#[derive(cynic::QueryFragment)]
struct JobRunUpdate {
    job_run: Option<JobRun>,
}

/// One page of a job's runs, newest first.
pub(crate) fn list(job: &str, first: i32, page: i32) -> Request<Page<JobRun>> {
    let filter = JobRunFilter { job_id: Id::new(job) };
    Request::new(&ListRuns::build(ListVariables { filter, first, page }), |ListRuns { job_runs: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Gets one run, and what its page shows of its job.
pub(crate) fn get(id: &str) -> Request<(JobRun, RunLinks)> {
    Request::new(&GetRun::build(ById::new(id)), |GetRun { job_run, links }| {
        job_run.zip(links).ok_or(ApiError::InvalidResponse)
    })
}

/// Requests the cancellation of a run.
pub(crate) fn cancel(id: &str) -> Request<JobRun> {
    Request::new(&CancelRun::build(ById::new(id)), |cancelled| Ok(cancelled.cancel_job_run))
}

/// Requests another attempt of a run that failed or was cancelled.
pub(crate) fn retry(id: &str) -> Request<JobRun> {
    Request::new(&RetryRun::build(ById::new(id)), |retried| Ok(retried.retry_job_run))
}

/// Subscribes to one run. An update is its latest state; `None` means that updates may have been missed.
pub(crate) fn watch(id: &str) -> Request<Option<JobRun>> {
    stream(WatchVariables { ids: Some(vec![Id::new(id)]), filter: None })
}

/// Subscribes to the runs of a job. Updates are as those of [`watch`].
pub(crate) fn watch_of_job(job: &str) -> Request<Option<JobRun>> {
    stream(WatchVariables { ids: None, filter: Some(JobRunFilter { job_id: Id::new(job) }) })
}

/// Subscribes to all runs. Updates are as those of [`watch`].
pub(crate) fn watch_all() -> Request<Option<JobRun>> {
    stream(WatchVariables { ids: None, filter: None })
}

fn stream(variables: WatchVariables) -> Request<Option<JobRun>> {
    Request::stream(&WatchRuns::build(variables), |frame| frame.job_run_updated.job_run)
}
