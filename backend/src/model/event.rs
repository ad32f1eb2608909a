//! Events: what has happened, as it is logged and told to watchers.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator, VariantNames};
use uuid::Uuid;

use super::{
    Instant,
    account::User,
    agent::Agent,
    customer::{Customer, EnrolmentCode},
    job::{Job, JobRun, JobSlot},
    pipeline::{Pipeline, PipelineSlot, run::PipelineRun},
    transfer::Transfer,
    webhook::WebhookSecret,
};
use crate::ids::{AgentId, CustomerId};

mod payload;

pub use payload::FORM;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumIter, EnumString, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Kind {
    /// An agent registered.
    AgentRegistered,
    /// An agent was heard; nothing else changed.
    AgentHeard,
    /// An agent's status changed.
    AgentStatusChanged,
    /// An agent got a new key.
    AgentKeyRotated,
    /// Two processes of an agent were at work with one copied state; the later one was told to stop.
    AgentDuplicateStopped,
    /// An agent was revoked.
    AgentRevoked,
    /// A transfer was made.
    TransferCreated,
    /// A transfer's figures moved; nothing else changed.
    TransferProgressed,
    /// A transfer's status changed.
    TransferStatusChanged,
    /// A transfer makes no progress.
    TransferStalled,
    /// A stalled transfer moves again.
    TransferResumed,
    /// Somebody asked for the end of a running transfer.
    TransferCancelRequested,
    /// A job was made.
    JobCreated,
    /// A job was changed, enabled or disabled.
    JobUpdated,
    /// A job was deleted.
    JobDeleted,
    /// A job started, or when it is due moved on; nothing else changed.
    JobMoved,
    /// Somebody, or the job's own rule for retries, asked for a run of a job beside its schedule.
    JobRunRequested,
    /// A run of a job started.
    JobRunStarted,
    /// A run's figures moved; nothing else changed.
    JobRunProgressed,
    /// A run ended.
    JobRunStatusChanged,
    /// Somebody asked for the end of a run.
    JobRunCancelRequested,
    /// An agent reported about a run that its lease had ended: the object is what it reported, the run did not change.
    JobRunReportedLate,
    /// It was decided what becomes of a slot of a job's schedule, or of a range of them.
    JobSlotDecided,
    /// A customer was made.
    CustomerCreated,
    /// A customer was renamed, suspended or let in again.
    CustomerUpdated,
    /// A user was made.
    UserCreated,
    /// A user's password, role or suspension changed.
    UserUpdated,
    /// An enrolment code was made.
    EnrolmentCodeCreated,
    /// An enrolment code was withdrawn.
    EnrolmentCodeDeleted,
    /// A user signed in.
    SignedIn,
    /// A user signed out.
    SignedOut,
    /// A refresh token was used after its successor: the session was ended.
    SessionEndedForReuse,
    /// A pipeline was made.
    PipelineCreated,
    /// A pipeline got a new name, description or version, or was switched on or off.
    PipelineUpdated,
    /// A pipeline was removed.
    PipelineDeleted,
    /// A run of a pipeline was made.
    PipelineRunCreated,
    /// A step's figures moved; nothing else changed.
    PipelineRunProgressed,
    /// The status of a run of a pipeline changed.
    PipelineRunStatusChanged,
    /// The status or the attempt of steps of a run changed, and the run's own status did not.
    PipelineStepStatusChanged,
    /// Somebody asked for the end of a run of a pipeline.
    PipelineRunCancelRequested,
    /// An agent reported the end of a step after the server had ended it.
    PipelineStepReportedLate,
    /// It was decided what becomes of a slot of a pipeline's schedule, or of a range of them.
    PipelineSlotDecided,
    /// A new secret was made to sign webhooks with.
    WebhookSecretRotated,
    /// What a later version may tell.
    #[cfg(feature = "next-version")]
    TransferWeighed,
    /// Something that a newer version of the server has a word for, and this one has not. Never written.
    #[serde(other)]
    Unknown,
}

impl Kind {
    /// What the log tells administrators only: users and customers are theirs to manage, runs theirs to see.
    pub const WITHHELD_FROM_CUSTOMERS: [Self; 21] = [
        Self::JobRunRequested,
        Self::JobRunStarted,
        Self::JobRunProgressed,
        Self::JobRunStatusChanged,
        Self::JobRunCancelRequested,
        Self::JobRunReportedLate,
        Self::JobSlotDecided,
        Self::CustomerCreated,
        Self::CustomerUpdated,
        Self::UserCreated,
        Self::UserUpdated,
        Self::SignedIn,
        Self::SignedOut,
        Self::SessionEndedForReuse,
        Self::PipelineRunCreated,
        Self::PipelineRunProgressed,
        Self::PipelineRunStatusChanged,
        Self::PipelineStepStatusChanged,
        Self::PipelineRunCancelRequested,
        Self::PipelineStepReportedLate,
        Self::PipelineSlotDecided,
    ];

    /// What the log tells customers: of a kind that this version does not know, nobody can say that they may know of it.
    pub fn told_to_customers() -> impl Iterator<Item = Self> {
        Self::iter()
            .filter(|kind| *kind != Self::Unknown && kind.is_logged() && !Self::WITHHELD_FROM_CUSTOMERS.contains(kind))
    }

    /// Whether the log keeps it: all but the ticking of figures.
    #[must_use]
    pub const fn is_logged(self) -> bool {
        !matches!(
            self,
            Self::AgentHeard
                | Self::TransferProgressed
                | Self::JobMoved
                | Self::JobRunProgressed
                | Self::PipelineRunProgressed
        )
    }

    /// Whether the object of such an event is the state it has from then on. Of a kind that this version does not know it is:
    /// a new kind of which that is not so comes with a new type of object.
    #[must_use]
    pub const fn tells_state(self) -> bool {
        !matches!(self, Self::JobRunReportedLate | Self::PipelineStepReportedLate)
    }
}

/// The whole view of what changed, so that watchers cost no reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, VariantNames)]
#[serde(tag = "type", content = "view", rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Object {
    /// An agent.
    Agent(Agent),
    /// A transfer.
    Transfer(Transfer),
    /// A job.
    Job(Job),
    /// A run of a job.
    JobRun(JobRun),
    /// What became of a slot of a job.
    JobSlot(JobSlot),
    /// A customer.
    Customer(Customer),
    /// A user.
    User(User),
    /// An enrolment code, without the code.
    EnrolmentCode(EnrolmentCode),
    /// A pipeline, with no version but the current one.
    Pipeline(Pipeline),
    /// A run of a pipeline.
    PipelineRun(PipelineRun),
    /// What became of a slot of a pipeline.
    PipelineSlot(PipelineSlot),
    /// A secret to sign webhooks with, without the secret.
    WebhookSecret(WebhookSecret),
    /// What this version cannot read. Never written.
    #[serde(skip)]
    Unknown(Unknown),
}

/// An object that this version cannot read: another one wrote it, or it was damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub customer_id: Option<CustomerId>,
    /// The agent it is or belongs to.
    pub agent_id: Option<AgentId>,
    /// Why it cannot be read, for operators.
    pub reason: String,
}

impl Object {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        match self {
            Self::Agent(agent) => agent.id.0,
            Self::Transfer(transfer) => transfer.id.0,
            Self::Job(job) => job.id.0,
            Self::JobRun(run) => run.id.0,
            Self::JobSlot(slot) => slot.id.0,
            Self::Customer(customer) => customer.id.0,
            Self::User(user) => user.id.0,
            Self::EnrolmentCode(code) => code.id.0,
            Self::Pipeline(pipeline) => pipeline.id.0,
            Self::PipelineRun(run) => run.id.0,
            Self::PipelineSlot(slot) => slot.id.0,
            Self::WebhookSecret(secret) => secret.id.0,
            Self::Unknown(unknown) => unknown.id,
        }
    }

    /// Whose it is; nothing for the platform's own, and for what customers are not to see.
    #[must_use]
    pub const fn customer(&self) -> Option<CustomerId> {
        match self {
            Self::Agent(agent) => Some(agent.customer_id),
            Self::Transfer(transfer) => Some(transfer.customer_id),
            Self::Job(job) => Some(job.customer_id),
            Self::JobRun(_) | Self::JobSlot(_) | Self::PipelineRun(_) | Self::PipelineSlot(_) => None,
            Self::Customer(customer) => Some(customer.id),
            Self::User(user) => user.customer_id,
            Self::EnrolmentCode(code) => Some(code.customer_id),
            Self::Pipeline(pipeline) => pipeline.customer_id,
            Self::WebhookSecret(secret) => secret.customer_id,
            Self::Unknown(unknown) => unknown.customer_id,
        }
    }

    /// The agent it is or belongs to.
    #[must_use]
    pub const fn agent(&self) -> Option<AgentId> {
        match self {
            Self::Agent(agent) => Some(agent.id),
            Self::Transfer(transfer) => Some(transfer.agent_id),
            Self::Job(job) => Some(job.agent_id),
            Self::Unknown(unknown) => unknown.agent_id,
            Self::JobRun(_)
            | Self::JobSlot(_)
            | Self::Customer(_)
            | Self::User(_)
            | Self::EnrolmentCode(_)
            | Self::Pipeline(_)
            | Self::PipelineRun(_)
            | Self::PipelineSlot(_)
            | Self::WebhookSecret(_) => None,
        }
    }

    /// Its revision, where it has one.
    #[must_use]
    pub const fn revision(&self) -> Option<i64> {
        match self {
            Self::Agent(agent) => Some(agent.revision),
            Self::Transfer(transfer) => Some(transfer.revision),
            Self::Job(job) => Some(job.revision),
            Self::JobRun(run) => Some(run.revision),
            Self::PipelineRun(run) => Some(run.revision),
            Self::JobSlot(_)
            | Self::Customer(_)
            | Self::User(_)
            | Self::EnrolmentCode(_)
            | Self::Pipeline(_)
            | Self::PipelineSlot(_)
            | Self::WebhookSecret(_)
            | Self::Unknown(_) => None,
        }
    }
}

/// What a transaction changed: an event without its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What has happened.
    pub kind: Kind,
    /// When.
    pub at: Instant,
    /// Who did it, as `Actor` prints itself.
    pub actor: String,
    /// The object after the change.
    pub object: Object,
    /// What the log keeps in its place, if that is less.
    pub logged: Option<Object>,
}

/// Something that has happened, in its place among all that has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its place in the order of commits; none where nothing can be lost unseen.
    pub number: Option<i64>,
    /// What has happened.
    pub kind: Kind,
    /// When.
    pub at: Instant,
    /// Who did it.
    pub actor: String,
    /// The object after the change.
    pub object: Object,
}

impl Event {
    /// A change in its place.
    #[must_use]
    pub fn new(change: Change, number: Option<i64>) -> Self {
        Self { number, kind: change.kind, at: change.at, actor: change.actor, object: change.object }
    }
}
