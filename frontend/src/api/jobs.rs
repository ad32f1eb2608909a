//! Jobs: list, get, subscribe, create, update, enable, run, delete.

use cynic::{Id, MutationBuilder, QueryBuilder, SubscriptionBuilder};

use super::{
    ApiError, ById, ByIdFields, Page, Request,
    copy_rules::{OnExists, OnFileError, PreservedAttribute, SymlinkRule, Verify},
    customers::CustomerName,
    job_runs::JobRun,
    scalars::Duration,
    scheduled_sort::ScheduledSort,
    schema,
    schema_enum::schema_enum,
    transfers::{AgentLink, Direction, Protocol},
};
use crate::time::Instant;

mftplus_protocol::contract_enum!(Overlap, schema_enum);
mftplus_protocol::contract_enum!(CatchUp, schema_enum);

/// The retry policy of a job.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Retry {
    pub(crate) max_attempts: i32,
    pub(crate) initial_delay: Duration,
    pub(crate) factor: f64,
    pub(crate) max_delay: Duration,
}

/// A job without its links to other objects. All operations select the same fields.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[expect(clippy::struct_excessive_bools, reason = "the schema has a field for each action")]
pub(crate) struct Job {
    pub(crate) id: Id,
    pub(crate) agent_id: Id,
    pub(crate) agent_name: String,
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) schedule: String,
    pub(crate) protocol: Protocol,
    pub(crate) direction: Direction,
    pub(crate) enabled: bool,
    pub(crate) timezone: String,
    pub(crate) overlap: Overlap,
    pub(crate) catch_up: CatchUp,
    pub(crate) retry: Option<Retry>,
    pub(crate) credentials: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) on_exists: Option<OnExists>,
    /// `keep`, `delete` or `moveTo:` with a folder.
    pub(crate) after_success: Option<String>,
    pub(crate) preserve: Option<Vec<PreservedAttribute>>,
    pub(crate) on_file_error: Option<OnFileError>,
    pub(crate) symlinks: Option<SymlinkRule>,
    pub(crate) verify: Option<Verify>,
    pub(crate) last_run_at: Option<Instant>,
    pub(crate) next_run_at: Option<Instant>,
    pub(crate) created_at: Instant,
    pub(crate) revision: i32,
    pub(crate) viewer_can_backfill: bool,
    pub(crate) viewer_can_delete: bool,
    pub(crate) viewer_can_disable: bool,
    pub(crate) viewer_can_enable: bool,
    pub(crate) viewer_can_run: bool,
    pub(crate) viewer_can_update: bool,
}

/// A new job.
#[derive(Clone, Debug, cynic::InputObject)]
pub(crate) struct CreateJobInput {
    pub(crate) agent_id: Id,
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) schedule: String,
    pub(crate) protocol: Protocol,
    pub(crate) direction: Direction,
    pub(crate) timezone: Option<String>,
    pub(crate) overlap: Option<Overlap>,
    pub(crate) catch_up: Option<CatchUp>,
    pub(crate) retry: Option<RetryInput>,
    pub(crate) credentials: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) on_exists: Option<OnExists>,
    pub(crate) after_success: Option<String>,
    pub(crate) preserve: Option<Vec<PreservedAttribute>>,
    pub(crate) on_file_error: Option<OnFileError>,
    pub(crate) symlinks: Option<SymlinkRule>,
    pub(crate) verify: Option<Verify>,
}

/// All settings of a job that can be changed.
#[derive(Clone, Debug, Default, cynic::InputObject)]
pub(crate) struct UpdateJobInput {
    pub(crate) name: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) schedule: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) direction: Option<Direction>,
    pub(crate) timezone: Option<String>,
    pub(crate) overlap: Option<Overlap>,
    pub(crate) catch_up: Option<CatchUp>,
    /// The retry policy; `None` if failed runs are not retried.
    pub(crate) retry: Option<RetryInput>,
    // Copy rules: `None` stands for the default.
    pub(crate) credentials: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) on_exists: Option<OnExists>,
    pub(crate) after_success: Option<String>,
    pub(crate) preserve: Option<Vec<PreservedAttribute>>,
    pub(crate) on_file_error: Option<OnFileError>,
    pub(crate) symlinks: Option<SymlinkRule>,
    pub(crate) verify: Option<Verify>,
}

impl UpdateJobInput {
    /// Converts the settings into the input for a new job of an agent; `None` if a required setting is missing.
    pub(crate) fn for_new_job(self, agent_id: Id) -> Option<CreateJobInput> {
        Some(CreateJobInput {
            agent_id,
            name: self.name?,
            source: self.source?,
            destination: self.destination?,
            schedule: self.schedule?,
            protocol: self.protocol?,
            direction: self.direction?,
            timezone: self.timezone,
            overlap: self.overlap,
            catch_up: self.catch_up,
            retry: self.retry,
            credentials: self.credentials,
            endpoint: self.endpoint,
            on_exists: self.on_exists,
            after_success: self.after_success,
            preserve: self.preserve,
            on_file_error: self.on_file_error,
            symlinks: self.symlinks,
            verify: self.verify,
        })
    }
}

impl Job {
    /// Whether the viewer may take any action on the job now.
    pub(crate) fn viewer_can_act(&self) -> bool {
        self.viewer_can_backfill
            || self.viewer_can_delete
            || self.viewer_can_disable
            || self.viewer_can_enable
            || self.viewer_can_run
            || self.viewer_can_update
    }
}

/// The links of a job to other objects, for the page of the job.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Job")]
pub(crate) struct JobLinks {
    pub(crate) agent: Option<AgentLink>,
    pub(crate) customer: Option<CustomerName>,
}

/// The newest runs of a job.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Job")]
pub(crate) struct NewestRuns {
    pub(crate) id: Id,
    #[arguments(first: 10)]
    pub(crate) runs: Vec<JobRun>,
}

/// A filter of jobs.
#[derive(Clone, Debug, cynic::InputObject)]
struct JobFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    filter: JobFilter,
    #[cynic(skip_serializing_if = "Option::is_none")]
    sort: Option<ScheduledSort>,
    first: i32,
    page: i32,
}

impl ListVariables {
    fn new(enabled: Option<bool>, sort: Option<ScheduledSort>, first: i32, page: i32) -> Self {
        Self { filter: JobFilter { enabled }, sort, first, page }
    }
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListJobs {
    #[arguments(filter: $filter, sort: $sort, first: $first, page: $page)]
    jobs: JobConnection,
}

#[derive(cynic::QueryFragment)]
struct JobConnection {
    nodes: Vec<Job>,
    total_count: i32,
    total_is_at_least: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListNewestRuns {
    #[arguments(filter: $filter, sort: $sort, first: $first, page: $page)]
    jobs: NewestRunsConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "JobConnection")]
struct NewestRunsConnection {
    nodes: Vec<NewestRuns>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetJob {
    #[arguments(id: $id)]
    job: Option<Job>,
    #[arguments(id: $id)]
    #[cynic(rename = "job", alias)]
    links: Option<JobLinks>,
}

/// The retry policy of a new or changed job.
#[derive(Clone, Debug, cynic::InputObject)]
pub(crate) struct RetryInput {
    pub(crate) max_attempts: i32,
    pub(crate) initial_delay: Option<Duration>,
    pub(crate) factor: Option<f64>,
    pub(crate) max_delay: Option<Duration>,
}

#[derive(cynic::QueryVariables)]
struct CreateVariables {
    input: CreateJobInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateVariables")]
struct CreateJob {
    #[arguments(input: $input)]
    create_job: Job,
}

#[derive(cynic::QueryVariables)]
struct UpdateVariables {
    id: Id,
    input: UpdateJobInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateVariables")]
struct UpdateJob {
    #[arguments(id: $id, input: $input)]
    update_job: Job,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct EnableJob {
    #[arguments(id: $id)]
    enable_job: Job,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct DisableJob {
    #[arguments(id: $id)]
    disable_job: Job,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct RunJob {
    #[arguments(id: $id)]
    run_job: Job,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct DeleteJob {
    #[arguments(id: $id)]
    delete_job: Id,
}

#[derive(cynic::QueryVariables)]
struct WatchVariables {
    ids: Option<Vec<Id>>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "WatchVariables")]
struct WatchJobs {
    #[arguments(ids: $ids, initial: true)]
    job_updated: JobUpdate,
}

#[derive(cynic::QueryFragment)]
struct JobUpdate {
    job: Option<Job>,
}

/// Gets one page of the jobs, with up to 100 rows: all jobs, or only enabled or disabled ones. Without `sort`, the
/// newest come first.
pub(crate) fn list(enabled: Option<bool>, sort: Option<ScheduledSort>, first: i32, page: i32) -> Request<Page<Job>> {
    Request::new(&ListJobs::build(ListVariables::new(enabled, sort, first, page)), |ListJobs { jobs: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Gets the newest runs of each job on the same page of [`list`]. For administrators.
pub(crate) fn newest_runs(
    enabled: Option<bool>,
    sort: Option<ScheduledSort>,
    first: i32,
    page: i32,
) -> Request<Vec<NewestRuns>> {
    let variables = ListVariables::new(enabled, sort, first, page);
    Request::new(&ListNewestRuns::build(variables), |found| Ok(found.jobs.nodes))
}

/// Gets one job with its links.
pub(crate) fn get(id: &str) -> Request<(Job, JobLinks)> {
    Request::new(&GetJob::build(ById::new(id)), |GetJob { job, links }| job.zip(links).ok_or(ApiError::InvalidResponse))
}

/// Subscribes to the jobs with these ids. The server sends their current states first. An update is the latest state of
/// one job; `None` means that updates may have been missed.
pub(crate) fn watch(ids: Vec<Id>) -> Request<Option<Job>> {
    Request::stream(&WatchJobs::build(WatchVariables { ids: Some(ids) }), |frame| frame.job_updated.job)
}

/// Creates a job.
pub(crate) fn create(input: CreateJobInput) -> Request<Job> {
    Request::new(&CreateJob::build(CreateVariables { input }), |created| Ok(created.create_job))
}

/// Changes a job.
pub(crate) fn update(id: &str, input: UpdateJobInput) -> Request<Job> {
    Request::new(&UpdateJob::build(UpdateVariables { id: Id::new(id), input }), |updated| Ok(updated.update_job))
}

/// Enables or disables a job.
pub(crate) fn enable(id: &str, enabled: bool) -> Request<Job> {
    if enabled {
        Request::new(&EnableJob::build(ById::new(id)), |enabled| Ok(enabled.enable_job))
    } else {
        Request::new(&DisableJob::build(ById::new(id)), |disabled| Ok(disabled.disable_job))
    }
}

/// Requests a run of a job now, independently of its schedule.
pub(crate) fn run(id: &str) -> Request<Job> {
    Request::new(&RunJob::build(ById::new(id)), |run| Ok(run.run_job))
}

/// Deletes a job with its runs and its slot history; returns its id.
pub(crate) fn delete(id: &str) -> Request<Id> {
    Request::new(&DeleteJob::build(ById::new(id)), |deleted| Ok(deleted.delete_job))
}
