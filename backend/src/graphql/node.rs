//! The interface of all objects that have an id.

use async_graphql::{ID, Interface, Object};
use uuid::Uuid;

use crate::model::{
    account::User,
    agent::Agent,
    customer::Customer,
    enrolment_code::EnrolmentCode,
    event,
    job::{Job, JobRun, JobSlot},
    pipeline::{Pipeline, PipelineSlot, run::PipelineRun},
    transfer::Transfer,
    webhook_secret::WebhookSecret,
};

/// An object with an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Id of the object, the same as in REST."))]
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

/// The object of an event that this version of the server cannot read, because another version wrote it.
pub(super) struct UnknownObject(Uuid);

/// The object of an event that this version of the server cannot read, because another version wrote it.
#[Object]
impl UnknownObject {
    /// Id of the object.
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
