//! Slots: the slot history of jobs and pipelines.

use cynic::{Id, QueryBuilder};

use super::{Page, Request, job_runs::RunStatus, pipeline_runs, schema};
use crate::time::Instant;

/// Slots per page of the slot history.
pub(crate) const SLOTS: i32 = 60;

/// The outcome of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
#[cynic(graphql_type = "SlotOutcome")]
pub(crate) enum Outcome {
    Pending,
    Ran,
    Skipped,
    Missed,
    Coalesced,
}

/// An entry of the slot history of a job: one slot, or a range of slots.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct JobSlot {
    pub(crate) id: Id,
    pub(crate) scheduled_for: Instant,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
    pub(crate) run: Option<SlotRun>,
    /// The time of the first slot of a range; `None` for one slot.
    pub(crate) from: Option<Instant>,
    /// The number of slots in the range; `None` for one slot.
    pub(crate) count: Option<i32>,
}

/// The run of a job that a slot started.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "JobRun")]
pub(crate) struct SlotRun {
    pub(crate) id: Id,
    pub(crate) status: RunStatus,
    pub(crate) error_message: Option<String>,
}

/// An entry of the slot history of a pipeline.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct PipelineSlot {
    pub(crate) scheduled_for: Instant,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
    pub(crate) run: Option<PipelineSlotRun>,
    pub(crate) from: Option<Instant>,
    pub(crate) count: Option<i32>,
}

/// The run of a pipeline that a slot started.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineRun")]
pub(crate) struct PipelineSlotRun {
    pub(crate) id: Id,
    pub(crate) status: pipeline_runs::PipelineRunStatus,
    pub(crate) error_message: Option<String>,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    job_id: Id,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListSlots {
    #[arguments(jobId: $job_id, first: 60, page: $page)]
    job_slots: JobSlotConnection,
}

#[derive(cynic::QueryFragment)]
struct JobSlotConnection {
    nodes: Vec<JobSlot>,
    total_count: i32,
    total_is_at_least: bool,
}

#[derive(cynic::QueryVariables)]
struct ListOfPipelineVariables {
    pipeline_id: Id,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListOfPipelineVariables")]
struct ListSlotsOfPipeline {
    #[arguments(pipelineId: $pipeline_id, first: 60, page: $page)]
    pipeline_slots: PipelineSlotConnection,
}

#[derive(cynic::QueryFragment)]
struct PipelineSlotConnection {
    nodes: Vec<PipelineSlot>,
    total_count: i32,
    total_is_at_least: bool,
}

/// One page of the slot history of a job, latest slots first.
pub(crate) fn list(job: &str, page: i32) -> Request<Page<JobSlot>> {
    let variables = ListVariables { job_id: Id::new(job), page };
    Request::new(&ListSlots::build(variables), |ListSlots { job_slots: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// One page of the slot history of a pipeline, latest slots first.
pub(crate) fn list_of_pipeline(pipeline: &str, page: i32) -> Request<Page<PipelineSlot>> {
    let operation = ListSlotsOfPipeline::build(ListOfPipelineVariables { pipeline_id: Id::new(pipeline), page });
    Request::new(&operation, |ListSlotsOfPipeline { pipeline_slots: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}
