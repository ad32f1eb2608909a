//! Finds an object of any type by its id.

use uuid::Uuid;

use super::ControlPlane;
use crate::{
    actor::{Actor, Permission},
    error::Result,
    ids::{
        AgentId, CustomerId, EnrolmentCodeId, JobId, PipelineId, RunId, SlotId, TransferId, UserId, WebhookSecretId,
    },
    model::event::Object,
    store::{self, schedules::ScheduledKind},
};

impl ControlPlane {
    /// Returns the object with this id; `None` if there is no such object that the caller may see.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents.
    pub async fn find_object(&self, actor: &Actor, id: Uuid) -> Result<Option<Object>> {
        let scope = actor.require(Permission::FindObjects)?;
        if actor.may(Permission::ViewTransfers)
            && let Some(transfer) = store::transfers::find(&self.db, scope, TransferId(id)).await?
        {
            return Ok(Some(Object::Transfer(transfer.view())));
        }
        if actor.may(Permission::ViewAgents)
            && let Some(agent) = store::agents::find(&self.db, scope, AgentId(id)).await?
        {
            return Ok(Some(Object::Agent(agent.into())));
        }
        if actor.may(Permission::ViewJobs)
            && let Some(job) = store::jobs::find(&self.db, scope, JobId(id)).await?
        {
            return Ok(Some(Object::Job(job.view())));
        }
        if actor.may(Permission::ViewPipelines)
            && let Some(pipeline) = self.find_pipelines(actor, &[PipelineId(id)]).await?.pop()
        {
            return Ok(Some(Object::Pipeline(pipeline)));
        }
        if actor.may(Permission::ViewJobRuns)
            && let Some(run) = store::job_runs::find(&self.db, scope, RunId(id)).await?
        {
            return Ok(Some(Object::JobRun(run.view())));
        }
        if actor.may(Permission::ViewJobSlots)
            && let Some(slot) = store::slots::by_id(&self.db, ScheduledKind::Job, SlotId(id)).await?
        {
            return Ok(Some(Object::JobSlot(slot.view())));
        }
        if actor.may(Permission::ViewPipelineRuns)
            && let Some(run) = store::pipeline_runs::find(&self.db, RunId(id)).await?
        {
            return Ok(Some(Object::PipelineRun(run.view())));
        }
        if actor.may(Permission::ViewPipelineSlots)
            && let Some(slot) = store::slots::by_id(&self.db, ScheduledKind::Pipeline, SlotId(id)).await?
        {
            return Ok(Some(Object::PipelineSlot(slot.pipeline_view())));
        }
        if actor.may(Permission::ViewCustomers)
            && let Some(customer) = self.find_customers(actor, &[CustomerId(id)]).await?.pop()
        {
            return Ok(Some(Object::Customer(customer)));
        }
        if actor.may(Permission::ViewEnrolmentCodes)
            && let Some(code) = store::enrolment_codes::find(&self.db, EnrolmentCodeId(id)).await?
            && scope.covers(Some(code.customer_id))
        {
            return Ok(Some(Object::EnrolmentCode(code.into())));
        }
        if actor.may(Permission::ViewWebhookSecrets)
            && let Some(secret) = store::webhook_secrets::by_id(&self.db, WebhookSecretId(id)).await?
            && scope.covers(secret.customer_id)
        {
            return Ok(Some(Object::WebhookSecret(secret.into())));
        }
        let user = store::users::find(&self.db, UserId(id)).await?;
        let is_own = actor.session().is_some_and(|(own, _)| own.0 == id) && actor.may(Permission::ViewOwnAccount);
        let is_known = is_own || actor.may(Permission::ViewUsers);
        Ok(user.filter(|_| is_known).map(|user| Object::User(user.into())))
    }
}
