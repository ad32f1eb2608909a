//! The changes that subscribers are notified of, and the filters that choose among them.

use std::{collections::HashSet, sync::Arc};

use uuid::Uuid;

use crate::model::{
    agent::{Agent, AgentFilter, AgentStatus},
    attention::Attention,
    fleet::Fleet,
    job::{Job, JobFilter, JobRun, JobRunFilter, RunStatus},
    pipeline::run::{PipelineRun, PipelineRunFilter, PipelineRunStatus},
    transfer::{Transfer, TransferFilter, TransferStatus},
};

/// The topic of a state subscription: a type of object, the totals of the fleet, or what needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) enum Topic {
    /// The topic of `transferUpdated`.
    Transfers,
    /// The topic of `agentUpdated`.
    Agents,
    /// The topic of `jobUpdated`.
    Jobs,
    /// The topic of `jobRunUpdated`.
    JobRuns,
    /// The topic of `pipelineRunUpdated`.
    PipelineRuns,
    /// The topic of `fleetUpdated`.
    Fleet,
    /// The topic of `attentionUpdated`.
    Attention,
}

impl Topic {
    /// Whether the state of the topic is computed from many objects, so that there is no single object to look
    /// up.
    pub(super) const fn is_computed(self) -> bool {
        matches!(self, Self::Fleet | Self::Attention)
    }

    /// The topic of a field of the subscription root, if the field is a state subscription.
    pub(in crate::graphql) fn of_field(name: &str) -> Option<Self> {
        match name {
            "transferUpdated" => Some(Self::Transfers),
            "agentUpdated" => Some(Self::Agents),
            "jobUpdated" => Some(Self::Jobs),
            "jobRunUpdated" => Some(Self::JobRuns),
            "pipelineRunUpdated" => Some(Self::PipelineRuns),
            "fleetUpdated" => Some(Self::Fleet),
            "attentionUpdated" => Some(Self::Attention),
            _ => None,
        }
    }
}

/// An update that a state subscription sends.
#[derive(Clone, Debug)]
pub(in crate::graphql) enum Update {
    /// The current state of a transfer.
    Transfer(Arc<Transfer>),
    /// The current state of an agent.
    Agent(Arc<Agent>),
    /// The current state of a job.
    Job(Arc<Job>),
    /// The current state of a job run.
    JobRun(Arc<JobRun>),
    /// The current state of a pipeline run.
    PipelineRun(Arc<PipelineRun>),
    /// The totals of the fleet, and the number of the read that returned them; a higher number is newer.
    Fleet(Arc<Fleet>, i64),
    /// The attention items, and the number of the read that returned them; a higher number is newer.
    Attention(Arc<Attention>, i64),
    /// Changes may have been missed: the client must query again.
    Resync,
}

impl Update {
    /// The id of the object; the nil UUID for computed states and for a resync.
    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::Transfer(transfer) => transfer.id.0,
            Self::Agent(agent) => agent.id.0,
            Self::Job(job) => job.id.0,
            Self::JobRun(run) => run.id.0,
            Self::PipelineRun(run) => run.id.0,
            Self::Fleet(..) | Self::Attention(..) | Self::Resync => Uuid::nil(),
        }
    }

    /// The revision of the object. Of two updates about one object, the one with the higher revision is newer.
    pub(super) fn revision(&self) -> i64 {
        match self {
            Self::Transfer(transfer) => transfer.revision,
            Self::Agent(agent) => agent.revision,
            Self::Job(job) => job.revision,
            Self::JobRun(run) => run.revision,
            Self::PipelineRun(run) => run.revision,
            Self::Fleet(_, number) | Self::Attention(_, number) => *number,
            Self::Resync => 0,
        }
    }
}

/// The status of an object before the change, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before<S> {
    /// The object is new.
    Nothing,
    /// The object had this status.
    Known(S),
    /// The object may have had any status that can change to the present one.
    Unknown,
}

/// A change of an object.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A change of a transfer, and its status before.
    Transfer(Arc<Transfer>, Before<TransferStatus>),
    /// A change of an agent, and its status before.
    Agent(Arc<Agent>, Before<AgentStatus>),
    /// The agent was revoked.
    Revoked(Uuid),
    /// A change of a job, and whether the job was enabled before.
    Job(Arc<Job>, Before<bool>),
    /// The job was deleted with its runs.
    JobDeleted(Uuid),
    /// A change of a job run.
    JobRun(Arc<JobRun>),
    /// A change of a pipeline run, and its status before.
    PipelineRun(Arc<PipelineRun>, Before<PipelineRunStatus>),
    /// The pipeline was deleted with its runs.
    PipelineDeleted(Uuid),
    /// The totals of the fleet, and the number of the read that returned them; a higher number is newer.
    Fleet(Arc<Fleet>, i64),
    /// The attention items, and the number of the read that returned them; a higher number is newer.
    Attention(Arc<Attention>, i64),
}

impl Change {
    /// Whether subscriptions of this topic may have to be notified of the change.
    pub(super) const fn concerns(&self, topic: Topic) -> bool {
        match self {
            Self::Transfer(..) => matches!(topic, Topic::Transfers),
            Self::Agent(..) | Self::Revoked(_) => matches!(topic, Topic::Agents),
            Self::Job(..) => matches!(topic, Topic::Jobs),
            Self::JobDeleted(_) => matches!(topic, Topic::Jobs | Topic::JobRuns),
            Self::JobRun(_) => matches!(topic, Topic::JobRuns),
            Self::PipelineRun(..) | Self::PipelineDeleted(_) => matches!(topic, Topic::PipelineRuns),
            Self::Fleet(..) => matches!(topic, Topic::Fleet),
            Self::Attention(..) => matches!(topic, Topic::Attention),
        }
    }

    /// Whether the state of this topic must be computed again after the change. Only [`Topic::Fleet`] and
    /// [`Topic::Attention`] have a computed state; `false` for the other topics.
    pub(super) const fn changes_state(&self, topic: Topic) -> bool {
        match topic {
            Topic::Fleet => matches!(self, Self::Transfer(..) | Self::Agent(..) | Self::Revoked(_)),
            Topic::Attention => !matches!(self, Self::Fleet(..) | Self::Attention(..)),
            Topic::Transfers | Topic::Agents | Topic::Jobs | Topic::JobRuns | Topic::PipelineRuns => false,
        }
    }

    /// The id of the object.
    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::Revoked(id) | Self::JobDeleted(id) | Self::PipelineDeleted(id) => *id,
            Self::Transfer(..)
            | Self::Agent(..)
            | Self::Job(..)
            | Self::JobRun(_)
            | Self::PipelineRun(..)
            | Self::Fleet(..)
            | Self::Attention(..) => self.update().id(),
        }
    }

    /// The update that subscribers get; a resync if the object was removed.
    pub(super) fn update(&self) -> Update {
        match self {
            Self::Transfer(transfer, _) => Update::Transfer(Arc::clone(transfer)),
            Self::Agent(agent, _) => Update::Agent(Arc::clone(agent)),
            Self::Job(job, _) => Update::Job(Arc::clone(job)),
            Self::JobRun(run) => Update::JobRun(Arc::clone(run)),
            Self::PipelineRun(run, _) => Update::PipelineRun(Arc::clone(run)),
            Self::Revoked(_) | Self::JobDeleted(_) | Self::PipelineDeleted(_) => Update::Resync,
            Self::Fleet(fleet, number) => Update::Fleet(Arc::clone(fleet), *number),
            Self::Attention(attention, number) => Update::Attention(Arc::clone(attention), *number),
        }
    }
}

/// The events that a subscription asks for, read from its arguments by its resolver.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct EventFilter {
    /// The ids of the requested objects; `None` for all.
    pub(in crate::graphql) ids: Option<HashSet<Uuid>>,
    /// The condition that the objects must fulfil.
    pub(in crate::graphql) filter: Filter,
}

/// The filter of a subscription.
#[derive(Clone, Debug)]
pub(in crate::graphql) enum Filter {
    /// The filter of `transferUpdated`.
    Transfers(TransferFilter),
    /// The filter of `agentUpdated`.
    Agents(AgentFilter),
    /// The filter of `jobUpdated`.
    Jobs(JobFilter),
    /// The filter of `jobRunUpdated`.
    JobRuns(JobRunFilter),
    /// The filter of `pipelineRunUpdated`.
    PipelineRuns(PipelineRunFilter),
    /// `fleetUpdated` has no filter.
    Fleet,
    /// `attentionUpdated` has no filter.
    Attention,
}

impl EventFilter {
    /// Whether subscribers have to be notified: the object matches, or matched before the change. Otherwise a list of
    /// running transfers would never learn that one of them has ended.
    pub(super) fn matches(&self, change: &Change) -> bool {
        match (change, &self.filter) {
            (Change::Transfer(transfer, before), Filter::Transfers(filter)) => {
                let was_allowed = match before {
                    Before::Nothing => false,
                    Before::Known(status) => filter.allows(*status),
                    Before::Unknown => transfer.status.predecessors().iter().any(|status| filter.allows(*status)),
                };
                self.names(transfer.id.0)
                    && (was_allowed || filter.allows(transfer.status))
                    && filter.matches_but_for_status(transfer)
            }
            (Change::Agent(agent, before), Filter::Agents(filter)) => {
                let was_allowed = match before {
                    Before::Nothing => false,
                    Before::Known(status) => filter.allows(*status),
                    Before::Unknown => true,
                };
                self.names(agent.id.0)
                    && (was_allowed || filter.allows(agent.status))
                    && filter.matches_but_for_status(agent)
            }
            (Change::Revoked(id), Filter::Agents(_)) | (Change::JobDeleted(id), Filter::Jobs(_)) => self.names(*id),
            (Change::Job(job, before), Filter::Jobs(filter)) => {
                let allows = |enabled| filter.enabled.is_none_or(|wanted| wanted == enabled);
                let was_allowed = match before {
                    Before::Nothing => false,
                    Before::Known(enabled) => allows(*enabled),
                    Before::Unknown => true,
                };
                self.names(job.id.0)
                    && (was_allowed || allows(job.enabled))
                    && filter.agent_id.is_none_or(|agent| agent == job.agent_id)
            }
            // A run that has changed was running before, or is new and running.
            (Change::JobRun(run), Filter::JobRuns(filter)) => {
                self.names(run.id.0)
                    && (filter.allows(RunStatus::Running) || filter.allows(run.status))
                    && filter.matches_but_for_status(run)
            }
            (Change::JobDeleted(id), Filter::JobRuns(filter)) => filter.job_id.is_none_or(|job| job.0 == *id),
            (Change::PipelineRun(run, before), Filter::PipelineRuns(filter)) => {
                let was_allowed = match before {
                    Before::Nothing => false,
                    Before::Known(status) => filter.allows(*status),
                    // A run that has changed had not ended.
                    Before::Unknown => {
                        [PipelineRunStatus::Queued, PipelineRunStatus::Running].into_iter().any(|s| filter.allows(s))
                    }
                };
                self.names(run.id.0) && (was_allowed || filter.allows(run.status)) && filter.matches_but_for_status(run)
            }
            (Change::PipelineDeleted(id), Filter::PipelineRuns(filter)) => {
                filter.pipeline_id.is_none_or(|pipeline| pipeline.0 == *id)
            }
            (Change::Fleet(..), Filter::Fleet) | (Change::Attention(..), Filter::Attention) => true,
            _ => false,
        }
    }

    fn names(&self, id: Uuid) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }
}
