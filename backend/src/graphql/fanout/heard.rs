//! What was last heard of each object.

use std::{collections::HashMap, mem, sync::Arc};

use uuid::Uuid;

use super::change::{Before, Change};
use crate::model::{
    agent::AgentStatus,
    event::{Event, Kind, Object},
    pipeline::run::PipelineRunStatus,
    transfer::TransferStatus,
};

/// How many objects are remembered at least, and half of how many at most.
const REMEMBERED: usize = 50_000;

/// What was last heard of each object, so that news that come late are known for what they are.
///
/// Objects not heard of for long are forgotten, a generation at a time.
#[derive(Debug, Default)]
pub(super) struct Heard {
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
    /// Whether it is enabled.
    Job(bool),
    /// What a run was before needs no memory: it was at work.
    JobRun,
    PipelineRun(PipelineRunStatus),
}

/// The events of one kind of object that make one, and that may change its status.
struct Kinds {
    makes: Kind,
    changes: &'static [Kind],
}

const TRANSFERS: Kinds = Kinds { makes: Kind::TransferCreated, changes: &[Kind::TransferStatusChanged] };
const AGENTS: Kinds = Kinds { makes: Kind::AgentRegistered, changes: &[Kind::AgentStatusChanged] };
const JOBS: Kinds = Kinds { makes: Kind::JobCreated, changes: &[Kind::JobUpdated] };
// Whose end is asked for may end at once, and that is told by the first of two events.
const PIPELINE_RUNS: Kinds = Kinds {
    makes: Kind::PipelineRunCreated,
    changes: &[Kind::PipelineRunStatusChanged, Kind::PipelineRunCancelRequested],
};

impl Heard {
    /// The change that an event tells of; nothing for what is no state, or was overtaken by something newer.
    pub(super) fn hear(&mut self, event: &Event) -> Option<Change> {
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
                let last = self.note(transfer.id.0, revision, Status::Transfer(status))?;
                let before = before(&TRANSFERS, kind, last, revision, status, |last| match last {
                    Status::Transfer(status) => Some(status),
                    _ => None,
                });
                Some(Change::Transfer(Arc::new(transfer.clone()), before))
            }
            Object::Agent(agent) => {
                let (revision, status) = (agent.revision, agent.status);
                let last = self.note(agent.id.0, revision, Status::Agent(status))?;
                let before = before(&AGENTS, kind, last, revision, status, |last| match last {
                    Status::Agent(status) => Some(status),
                    _ => None,
                });
                Some(Change::Agent(Arc::new(agent.clone()), before))
            }
            Object::Job(job) => {
                let (revision, enabled) = (job.revision, job.enabled);
                let last = self.note(job.id.0, revision, Status::Job(enabled))?;
                let before = before(&JOBS, kind, last, revision, enabled, |last| match last {
                    Status::Job(enabled) => Some(enabled),
                    _ => None,
                });
                Some(Change::Job(Arc::new(job.clone()), before))
            }
            Object::JobRun(run) => {
                self.note(run.id.0, run.revision, Status::JobRun)?;
                Some(Change::JobRun(Arc::new(run.clone())))
            }
            Object::PipelineRun(run) => {
                let (revision, status) = (run.revision, run.status);
                let last = self.note(run.id.0, revision, Status::PipelineRun(status))?;
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

    /// What was last heard, if anything; nothing at all when this is not newer.
    #[expect(clippy::option_option, reason = "overtaken, new, or known")]
    fn note(&mut self, id: Uuid, revision: i64, status: Status) -> Option<Option<Last>> {
        let last = self.young.get(&id).or_else(|| self.old.get(&id)).copied();
        if last.is_some_and(|last| revision <= last.revision) {
            return None;
        }
        if self.young.len() >= REMEMBERED {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(id, Last { revision, status });
        Some(last)
    }
}

/// What the status was before the change to this one.
fn before<S>(
    kinds: &Kinds,
    kind: Kind,
    last: Option<Last>,
    revision: i64,
    status: S,
    own: impl FnOnce(Status) -> Option<S>,
) -> Before<S> {
    match last {
        _ if kind == kinds.makes => Before::Nothing,
        Some(last) if last.revision + 1 == revision => own(last.status).map_or(Before::Unknown, Before::Known),
        None if kind != Kind::Unknown && !kinds.changes.contains(&kind) => Before::Known(status),
        _ => Before::Unknown,
    }
}
