//! The log of a pipeline run: its events, each with the steps that it is about. For administrators.

use cynic::{Id, QueryBuilder};

use super::{
    ById, ByIdFields, Request,
    events::{Event, EventKind, Object},
    pipeline_runs::{PipelineRunStatus, StepStatus},
    schema,
};
use crate::time::Instant;

/// An event of a run.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Event")]
pub(crate) struct RunEvent {
    pub(crate) id: Id,
    pub(crate) kind: EventKind,
    pub(crate) at: Instant,
    pub(crate) actor: String,
    pub(crate) object_id: Id,
    pub(crate) object: LoggedObject,
}

/// The object of an event of a run.
#[derive(Clone, Debug, PartialEq, cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
pub(crate) enum LoggedObject {
    PipelineRun(LoggedRun),
    #[cynic(fallback)]
    Other,
}

/// A run as it was after an event.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineRun")]
pub(crate) struct LoggedRun {
    pub(crate) status: PipelineRunStatus,
    pub(crate) error_message: Option<String>,
    /// The steps that the event is about, which may be all steps of the run.
    pub(crate) steps: Vec<LoggedStep>,
}

/// A step as it was after an event.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineStep")]
pub(crate) struct LoggedStep {
    pub(crate) id: String,
    pub(crate) status: StepStatus,
    pub(crate) attempt: i32,
    pub(crate) error_message: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetLog {
    #[arguments(first: 100, objectId: $id)]
    events: RunEventConnection,
    #[arguments(last: 1, objectId: $id)]
    #[cynic(rename = "events", alias)]
    oldest: RunEventConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "EventConnection")]
struct RunEventConnection {
    nodes: Vec<RunEvent>,
}

impl RunEvent {
    /// Converts this into an [`Event`] without an object.
    pub(crate) fn without_run(&self) -> Event {
        Event {
            id: self.id.clone(),
            kind: self.kind,
            at: self.at,
            actor: self.actor.clone(),
            object_id: self.object_id.clone(),
            object: Object::Other,
        }
    }
}

/// Gets the log of a run, newest first: the newest 100 events, and the oldest event if it is not among them. Only
/// events of the last 30 days are kept.
pub(crate) fn get(run: &str) -> Request<Vec<RunEvent>> {
    Request::new(&GetLog::build(ById::new(run)), |GetLog { events, oldest }| {
        let mut log = events.nodes;
        let missing = oldest.nodes.into_iter().filter(|oldest| log.last().is_none_or(|last| last.id != oldest.id));
        let missing: Vec<RunEvent> = missing.collect();
        log.extend(missing);
        Ok(log)
    })
}
