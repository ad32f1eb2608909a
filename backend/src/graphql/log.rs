//! The log of events as GraphQL shows it.

use async_graphql::{Enum, ID, Interface, Object};
use uuid::Uuid;

use crate::{
    ids::{AgentId, CustomerId},
    model::{
        Instant,
        account::User,
        agent::Agent,
        customer::{Customer, EnrolmentCode},
        event::{self, Kind},
        job::{Job, JobRun, JobSlot},
        pipeline::{Pipeline, PipelineSlot, run::PipelineRun},
        transfer::Transfer,
        webhook::WebhookSecret,
    },
    service::ControlPlane,
};

/// Everything that has an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id, the same as in REST."))]
pub(super) enum Node {
    Agent(Agent),
    Transfer(Transfer),
    Customer(Customer),
    User(User),
    EnrolmentCode(EnrolmentCode),
    Job(Job),
    JobRun(JobRun),
    JobSlot(JobSlot),
    Pipeline(Pipeline),
    PipelineRun(PipelineRun),
    PipelineSlot(PipelineSlot),
    WebhookSecret(WebhookSecret),
    UnknownObject(UnknownObject),
}

/// What an event is about that this version of the server cannot read: another version wrote it.
pub(super) struct UnknownObject(Uuid);

/// What an event is about that this version of the server cannot read: another version wrote it.
#[Object]
impl UnknownObject {
    /// Its id.
    async fn id(&self) -> ID {
        ID(self.0.to_string())
    }
}

impl From<event::Object> for Node {
    fn from(object: event::Object) -> Self {
        match object {
            event::Object::Agent(agent) => Self::Agent(agent),
            event::Object::Transfer(transfer) => Self::Transfer(transfer),
            event::Object::Customer(customer) => Self::Customer(customer),
            event::Object::User(user) => Self::User(user),
            event::Object::EnrolmentCode(code) => Self::EnrolmentCode(code),
            event::Object::Job(job) => Self::Job(job),
            event::Object::JobRun(run) => Self::JobRun(run),
            event::Object::JobSlot(slot) => Self::JobSlot(slot),
            event::Object::Pipeline(pipeline) => Self::Pipeline(pipeline),
            event::Object::PipelineRun(run) => Self::PipelineRun(run),
            event::Object::PipelineSlot(slot) => Self::PipelineSlot(slot),
            event::Object::WebhookSecret(secret) => Self::WebhookSecret(secret),
            event::Object::Unknown(unknown) => Self::UnknownObject(UnknownObject(unknown.id)),
        }
    }
}

/// What has happened, of what the log keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum EventKind {
    /// An agent registered.
    AgentRegistered,
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
    /// Somebody, or the job's own rule for retries, asked for a run of a job beside its schedule.
    JobRunRequested,
    /// A run of a job started.
    JobRunStarted,
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
    /// The status of a run of a pipeline changed.
    PipelineRunStatusChanged,
    /// The status or the attempt of steps of a run changed, and the run's own status did not.
    /// The object has these steps only, and no parameters.
    PipelineStepStatusChanged,
    /// Somebody asked for the end of a run of a pipeline.
    PipelineRunCancelRequested,
    /// An agent reported the end of a step after the server had ended it.
    /// The object has this step only, and no parameters.
    PipelineStepReportedLate,
    /// It was decided what becomes of a slot of a pipeline's schedule, or of a range of them.
    PipelineSlotDecided,
    /// A new secret was made to sign webhooks with.
    WebhookSecretRotated,
    /// What a later version may tell.
    #[cfg(feature = "next-version")]
    TransferWeighed,
    /// Something that this version of the server has no word for: a newer one wrote it.
    Unknown,
}

impl EventKind {
    /// The kind of a logged event; nothing for the ticking of figures, which the log does not keep.
    const fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::AgentRegistered => Self::AgentRegistered,
            Kind::AgentStatusChanged => Self::AgentStatusChanged,
            Kind::AgentKeyRotated => Self::AgentKeyRotated,
            Kind::AgentDuplicateStopped => Self::AgentDuplicateStopped,
            Kind::AgentRevoked => Self::AgentRevoked,
            Kind::TransferCreated => Self::TransferCreated,
            Kind::TransferStatusChanged => Self::TransferStatusChanged,
            Kind::TransferStalled => Self::TransferStalled,
            Kind::TransferResumed => Self::TransferResumed,
            Kind::TransferCancelRequested => Self::TransferCancelRequested,
            Kind::JobCreated => Self::JobCreated,
            Kind::JobUpdated => Self::JobUpdated,
            Kind::JobDeleted => Self::JobDeleted,
            Kind::JobRunRequested => Self::JobRunRequested,
            Kind::JobRunStarted => Self::JobRunStarted,
            Kind::JobRunStatusChanged => Self::JobRunStatusChanged,
            Kind::JobRunCancelRequested => Self::JobRunCancelRequested,
            Kind::JobRunReportedLate => Self::JobRunReportedLate,
            Kind::JobSlotDecided => Self::JobSlotDecided,
            Kind::CustomerCreated => Self::CustomerCreated,
            Kind::CustomerUpdated => Self::CustomerUpdated,
            Kind::UserCreated => Self::UserCreated,
            Kind::UserUpdated => Self::UserUpdated,
            Kind::EnrolmentCodeCreated => Self::EnrolmentCodeCreated,
            Kind::EnrolmentCodeDeleted => Self::EnrolmentCodeDeleted,
            Kind::SignedIn => Self::SignedIn,
            Kind::SignedOut => Self::SignedOut,
            Kind::SessionEndedForReuse => Self::SessionEndedForReuse,
            Kind::PipelineCreated => Self::PipelineCreated,
            Kind::PipelineUpdated => Self::PipelineUpdated,
            Kind::PipelineDeleted => Self::PipelineDeleted,
            Kind::PipelineRunCreated => Self::PipelineRunCreated,
            Kind::PipelineRunStatusChanged => Self::PipelineRunStatusChanged,
            Kind::PipelineStepStatusChanged => Self::PipelineStepStatusChanged,
            Kind::PipelineRunCancelRequested => Self::PipelineRunCancelRequested,
            Kind::PipelineStepReportedLate => Self::PipelineStepReportedLate,
            Kind::PipelineSlotDecided => Self::PipelineSlotDecided,
            Kind::WebhookSecretRotated => Self::WebhookSecretRotated,
            #[cfg(feature = "next-version")]
            Kind::TransferWeighed => Self::TransferWeighed,
            Kind::Unknown => Self::Unknown,
            Kind::AgentHeard
            | Kind::TransferProgressed
            | Kind::JobMoved
            | Kind::JobRunProgressed
            | Kind::PipelineRunProgressed => return None,
        })
    }
}

/// Something that has happened, as the log keeps it.
pub(super) struct LoggedEvent {
    cursor: String,
    kind: EventKind,
    event: event::Event,
}

impl LoggedEvent {
    /// An event of the log; nothing for what the log does not keep.
    pub(super) fn new(cp: &ControlPlane, event: event::Event) -> Option<Self> {
        match (event.number, EventKind::of(event.kind)) {
            (Some(number), Some(kind)) => Some(Self { cursor: cp.log_cursor(number), kind, event }),
            _ => None,
        }
    }

    /// Where it stands in the log.
    pub(super) fn place(&self) -> String {
        self.cursor.clone()
    }
}

/// Something that has happened, as the log keeps it.
#[Object(name = "Event")]
impl LoggedEvent {
    /// Names the event.
    async fn id(&self) -> ID {
        ID(self.cursor.clone())
    }

    /// Where it stands in the log: `after` this cursor the log goes on.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// What has happened.
    async fn kind(&self) -> EventKind {
        self.kind
    }

    /// When.
    async fn at(&self) -> Instant {
        self.event.at
    }

    /// On whose behalf: `user:<id>`, `agent:<id>` or `system`. Customers see `admin` in the place of an administrator.
    async fn actor(&self) -> &str {
        &self.event.actor
    }

    /// Whose object it is about; nothing for the platform's own.
    async fn customer_id(&self) -> Option<CustomerId> {
        self.event.object.customer()
    }

    /// The agent it is about, or that made what it is about.
    async fn agent_id(&self) -> Option<AgentId> {
        self.event.object.agent()
    }

    /// The id of what it is about.
    async fn object_id(&self) -> ID {
        ID(self.event.object.id().to_string())
    }

    /// What it is about, as it was then. Customers get the `yaml` and the `versions` of a pipeline only from events of its
    /// current version; from other events `yaml` is empty and `versions` has no items.
    async fn object(&self) -> Node {
        self.event.object.clone().into()
    }
}
