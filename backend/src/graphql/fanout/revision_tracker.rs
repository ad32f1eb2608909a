//! The last revision of each object of which an event was read.

use std::{collections::HashMap, mem, sync::Arc};

use uuid::Uuid;

use super::change::{Before, Change};
use crate::model::{
    agent::AgentStatus,
    event::{Event, Kind, Object},
    pipeline::run::PipelineRunStatus,
    transfer::TransferStatus,
};

/// The maximum number of objects of one generation. The objects of one to two generations are kept.
const GENERATION: usize = 50_000;

/// The last revision and status seen of each object, with which late events are recognised.
///
/// Objects without an event for a long time are evicted, one generation at a time.
#[derive(Debug, Default)]
pub(super) struct RevisionTracker {
    young: HashMap<Uuid, Last>,
    old: HashMap<Uuid, Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    revision: i64,
    status: Status,
}

#[derive(Clone, Copy, Debug)]
enum Status {
    Transfer(TransferStatus),
    Agent(AgentStatus),
    /// Whether the job is enabled.
    Job(bool),
    /// The earlier status of a job run is not kept, because it is always `running`.
    JobRun,
    PipelineRun(PipelineRunStatus),
}

/// The events about one type of object: the one that creates it, and those that may change its status.
struct Kinds {
    creates: Kind,
    changes: &'static [Kind],
}

const TRANSFERS: Kinds = Kinds { creates: Kind::TransferCreated, changes: &[Kind::TransferStatusChanged] };
const AGENTS: Kinds = Kinds { creates: Kind::AgentRegistered, changes: &[Kind::AgentStatusChanged] };
const JOBS: Kinds = Kinds { creates: Kind::JobCreated, changes: &[Kind::JobUpdated] };
// A cancel request may end a run at once. Then it is the first of two events that has the new status.
const PIPELINE_RUNS: Kinds = Kinds {
    creates: Kind::PipelineRunCreated,
    changes: &[Kind::PipelineRunStatusChanged, Kind::PipelineRunCancelRequested],
};

impl RevisionTracker {
    /// Returns the change that an event describes; `None` for an event without a state, or with a revision that is not
    /// newer than the last one.
    pub(super) fn change(&mut self, event: &Event) -> Option<Change> {
        let kind = event.kind;
        if !kind.tells_state() {
            return None;
        }
        match &event.object {
            Object::Agent(agent) if kind == Kind::AgentRevoked => Some(Change::Revoked(agent.id.0)),
            Object::Job(job) if kind == Kind::JobDeleted => Some(Change::JobDeleted(job.id.0)),
            Object::Pipeline(pipeline) if kind == Kind::PipelineDeleted => Some(Change::PipelineDeleted(pipeline.id.0)),
            Object::Transfer(transfer) => {
                let (revision, status) = (transfer.revision, transfer.status);
                let last = self.record(transfer.id.0, revision, Status::Transfer(status))?;
                let before = before(&TRANSFERS, kind, last, revision, status, |last| match last {
                    Status::Transfer(status) => Some(status),
                    _ => None,
                });
                Some(Change::Transfer(Arc::new(transfer.clone()), before))
            }
            Object::Agent(agent) => {
                let (revision, status) = (agent.revision, agent.status);
                let last = self.record(agent.id.0, revision, Status::Agent(status))?;
                let before = before(&AGENTS, kind, last, revision, status, |last| match last {
                    Status::Agent(status) => Some(status),
                    _ => None,
                });
                Some(Change::Agent(Arc::new(agent.clone()), before))
            }
            Object::Job(job) => {
                let (revision, enabled) = (job.revision, job.enabled);
                let last = self.record(job.id.0, revision, Status::Job(enabled))?;
                let before = before(&JOBS, kind, last, revision, enabled, |last| match last {
                    Status::Job(enabled) => Some(enabled),
                    _ => None,
                });
                Some(Change::Job(Arc::new(job.clone()), before))
            }
            Object::JobRun(run) => {
                self.record(run.id.0, run.revision, Status::JobRun)?;
                Some(Change::JobRun(Arc::new(run.clone())))
            }
            Object::PipelineRun(run) => {
                let (revision, status) = (run.revision, run.status);
                let last = self.record(run.id.0, revision, Status::PipelineRun(status))?;
                let before = before(&PIPELINE_RUNS, kind, last, revision, status, |last| match last {
                    Status::PipelineRun(status) => Some(status),
                    _ => None,
                });
                Some(Change::PipelineRun(Arc::new(run.clone()), before))
            }
            Object::JobSlot(_)
            | Object::Pipeline(_)
            | Object::PipelineSlot(_)
            | Object::WebhookSecret(_)
            | Object::Customer(_)
            | Object::User(_)
            | Object::EnrolmentCode(_)
            | Object::Unknown(_) => None,
        }
    }

    /// Records a revision and returns the last one seen, if any. The outer `None` means that the revision is not newer.
    #[expect(clippy::option_option, reason = "overtaken, new, or known")]
    fn record(&mut self, id: Uuid, revision: i64, status: Status) -> Option<Option<Last>> {
        let last = self.young.get(&id).or_else(|| self.old.get(&id)).copied();
        if last.is_some_and(|last| revision <= last.revision) {
            return None;
        }
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(id, Last { revision, status });
        Some(last)
    }
}

/// The status before this change.
fn before<S>(
    kinds: &Kinds,
    kind: Kind,
    last: Option<Last>,
    revision: i64,
    status: S,
    own: impl FnOnce(Status) -> Option<S>,
) -> Before<S> {
    match last {
        _ if kind == kinds.creates => Before::Nothing,
        Some(last) if last.revision + 1 == revision => own(last.status).map_or(Before::Unknown, Before::Known),
        None if kind != Kind::Unknown && !kinds.changes.contains(&kind) => Before::Known(status),
        _ => Before::Unknown,
    }
}
