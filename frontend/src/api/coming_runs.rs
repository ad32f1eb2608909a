//! The next runs of jobs and pipelines together.

use cynic::{Id, QueryBuilder};

use super::{
    Request,
    pipelines::PipelineFilter,
    scheduled_sort::{ScheduledSort, ScheduledSortField},
    schema,
};
use crate::time::Instant;

/// The next run of a job or pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ComingRun {
    /// Whether this is the run of a pipeline. Otherwise it is the run of a job.
    pub(crate) is_pipeline: bool,
    /// The id of the job or pipeline.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) at: Instant,
}

#[derive(cynic::InputObject)]
#[cynic(graphql_type = "JobFilter")]
struct EnabledJobs {
    enabled: bool,
}

#[derive(cynic::QueryVariables)]
struct Variables {
    jobs: EnabledJobs,
    pipelines: PipelineFilter,
    sort: ScheduledSort,
    first: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "Variables")]
struct ListComingRuns {
    #[arguments(filter: $jobs, sort: $sort, first: $first)]
    jobs: Jobs,
    #[arguments(filter: $pipelines, sort: $sort, first: $first)]
    pipelines: Pipelines,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "JobConnection")]
struct Jobs {
    nodes: Vec<ComingJob>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Job")]
struct ComingJob {
    id: Id,
    name: String,
    next_run_at: Option<Instant>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineConnection")]
struct Pipelines {
    nodes: Vec<ComingPipeline>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Pipeline")]
struct ComingPipeline {
    id: Id,
    name: String,
    next_run_at: Option<Instant>,
}

/// Gets the next runs of enabled jobs and pipelines, earliest first, at most `most`.
pub(crate) fn list(most: u8) -> Request<Vec<ComingRun>> {
    let variables = Variables {
        jobs: EnabledJobs { enabled: true },
        pipelines: PipelineFilter { enabled: Some(true), ..PipelineFilter::default() },
        sort: ScheduledSort { field: ScheduledSortField::NextRunAt, descending: false },
        first: most.into(),
    };
    Request::new(&ListComingRuns::build(variables), |ListComingRuns { jobs, pipelines }| {
        let run = |is_pipeline, id: Id, name, at: Option<Instant>| {
            Some(ComingRun { is_pipeline, id: id.into_inner(), name, at: at? })
        };
        let of_jobs = jobs.nodes.into_iter().filter_map(|job| run(false, job.id, job.name, job.next_run_at));
        let of_pipelines = pipelines.nodes.into_iter().filter_map(|one| run(true, one.id, one.name, one.next_run_at));
        Ok(of_jobs.chain(of_pipelines).collect())
    })
    .map(move |runs| earliest(runs, most.into()))
}

/// The earliest runs, at most `most`. Runs at the same time are ordered by name.
fn earliest(mut runs: Vec<ComingRun>, most: usize) -> Vec<ComingRun> {
    runs.sort_by(|one, other| (one.at, &one.name).cmp(&(other.at, &other.name)));
    runs.truncate(most);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_runs_come_first_and_those_at_one_time_by_name() {
        let run = |name: &str, at, is_pipeline| {
            let (id, name) = (format!("id of {name}"), name.to_owned());
            ComingRun { is_pipeline, id, name, at: Instant(at) }
        };
        let runs = vec![run("b", 2, false), run("late", 9, false), run("a", 2, true), run("first", 1, false)];
        let names: Vec<_> = earliest(runs, 3).into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["first", "a", "b"]);
    }
}
