//! The log of events as GraphQL shows it.

use async_graphql::{ID, Interface, Object};
use uuid::Uuid;

use crate::{
    ids::{AgentId, CustomerId},
    model::{
        Instant,
        account::User,
        agent::Agent,
        customer::{Customer, EnrolmentCode},
        event::{self, LoggedKind},
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

/// Something that has happened, as the log keeps it.
pub(super) struct LoggedEvent {
    cursor: String,
    kind: LoggedKind,
    event: event::Event,
}

impl LoggedEvent {
    /// An event of the log; nothing for what the log does not keep.
    pub(super) fn new(cp: &ControlPlane, event: event::Event) -> Option<Self> {
        match (event.number, event.kind.logged()) {
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
    async fn kind(&self) -> LoggedKind {
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
