//! Events: changes of objects, as they are logged and published to subscribers.

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use uuid::Uuid;

use super::{
    Instant,
    account::User,
    agent::Agent,
    customer::Customer,
    enrolment_code::EnrolmentCode,
    job::{Job, JobRun, JobSlot},
    pipeline::{Pipeline, PipelineSlot, run::PipelineRun},
    transfer::Transfer,
    webhook_secret::WebhookSecret,
};
use crate::ids::{AgentId, CustomerId};

mod encoding;
mod kind;

pub use encoding::FORM;
pub use kind::{Kind, LoggedKind};

/// The complete state of a changed object, so that subscribers need not read it from the database.
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
    /// The outcome of a slot of a job.
    JobSlot(JobSlot),
    /// A customer.
    Customer(Customer),
    /// A user.
    User(User),
    /// An enrolment code, without the code.
    EnrolmentCode(EnrolmentCode),
    /// A pipeline, with its current version only.
    Pipeline(Pipeline),
    /// A run of a pipeline.
    PipelineRun(PipelineRun),
    /// The outcome of a slot of a pipeline.
    PipelineSlot(PipelineSlot),
    /// A webhook secret, without the secret itself.
    WebhookSecret(WebhookSecret),
    /// An object that this version of the server cannot read. It is never written.
    #[serde(skip)]
    Unknown(Unknown),
}

/// An object that this version of the server cannot read, because another version wrote it or because it is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The id of the object.
    pub id: Uuid,
    /// The customer of the object.
    pub customer_id: Option<CustomerId>,
    /// The agent itself, or the agent that the object belongs to; `None` if it belongs to no agent.
    pub agent_id: Option<AgentId>,
    /// The reason why the object cannot be read, for operators.
    pub reason: String,
}

impl Object {
    /// The id of the object.
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

    /// The customer of the object; `None` for objects of the platform, and for objects that customers may not see.
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

    /// The agent itself, or the agent that the object belongs to; `None` if it belongs to no agent.
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

    /// The revision of the object; `None` if its type has no revisions.
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

/// A change that a transaction made: an event without its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The kind of the change.
    pub kind: Kind,
    /// The time of the change.
    pub at: Instant,
    /// The actor that made the change, as `Actor` is displayed.
    pub actor: String,
    /// The object after the change.
    pub object: Object,
    /// The object as the log stores it, if the log stores less than `object`.
    pub logged: Option<Object>,
}

/// An event: a change with its number in the order of all changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The number of the event in the order of commits; `None` for events that are not logged.
    pub number: Option<i64>,
    /// The kind of the change.
    pub kind: Kind,
    /// The time of the change.
    pub at: Instant,
    /// The actor that made the change.
    pub actor: String,
    /// The object after the change.
    pub object: Object,
}

impl Event {
    /// Creates the event for a change. `number` is its number in the order of commits; `None` if it is not logged.
    #[must_use]
    pub fn new(change: Change, number: Option<i64>) -> Self {
        Self { number, kind: change.kind, at: change.at, actor: change.actor, object: change.object }
    }
}
