//! Events: what has happened, as it is logged and told to watchers.

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
