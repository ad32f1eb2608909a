//! Finding whatever has an id.

use uuid::Uuid;

use super::ControlPlane;
use crate::{
    actor::{Actor, Scope},
    error::Result,
    ids::{
        AgentId, CustomerId, EnrolmentCodeId, JobId, PipelineId, RunId, SlotId, TransferId, UserId, WebhookSecretId,
    },
    model::event::Object,
    store::{self, schedules::Owner},
};

impl ControlPlane {
    /// Whatever has this id, if the caller may see it.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents.
    pub async fn find_object(&self, actor: &Actor, id: Uuid) -> Result<Option<Object>> {
        actor.require_user()?;
        let scope = actor.scope();
        if let Some(transfer) = store::transfers::find(&self.db, scope, TransferId(id)).await? {
            return Ok(Some(Object::Transfer(transfer.view())));
        }
        if let Some(agent) = store::agents::find(&self.db, scope, AgentId(id)).await? {
            return Ok(Some(Object::Agent(agent.into())));
        }
        if let Some(job) = store::jobs::find(&self.db, scope, JobId(id)).await? {
            return Ok(Some(Object::Job(job.view())));
        }
        if let Some(pipeline) = self.find_pipelines(actor, &[PipelineId(id)]).await?.pop() {
            return Ok(Some(Object::Pipeline(pipeline)));
        }
        // Runs and the ledger are the administrators' to see.
        if actor.require_admin().is_ok() {
            if let Some(run) = store::job_runs::find(&self.db, scope, RunId(id)).await? {
                return Ok(Some(Object::JobRun(run.view())));
            }
            if let Some(slot) = store::slots::by_id(&self.db, Owner::Job, SlotId(id)).await? {
                return Ok(Some(Object::JobSlot(slot.view())));
            }
            if let Some(run) = store::pipeline_runs::find(&self.db, RunId(id)).await? {
                return Ok(Some(Object::PipelineRun(run.view())));
            }
            if let Some(slot) = store::slots::by_id(&self.db, Owner::Pipeline, SlotId(id)).await? {
                return Ok(Some(Object::PipelineSlot(slot.pipeline_view())));
            }
        }
        if let Some(customer) = self.find_customers(actor, &[CustomerId(id)]).await?.pop() {
            return Ok(Some(Object::Customer(customer)));
        }
        if let Some(code) = store::customers::find_code(&self.db, EnrolmentCodeId(id)).await?
            && (scope == Scope::All || scope == Scope::Customer(code.customer_id))
        {
            return Ok(Some(Object::EnrolmentCode(code.into())));
        }
        if let Some(secret) = store::webhook_secrets::by_id(&self.db, WebhookSecretId(id)).await?
            && (scope == Scope::All || secret.customer_id.map(Scope::Customer) == Some(scope))
        {
            return Ok(Some(Object::WebhookSecret(secret.into())));
        }
        // Users are the administrators' business; everybody knows themselves.
        let user = store::users::find(&self.db, UserId(id)).await?;
        let is_known = actor.require_admin().is_ok() || actor.require_session().is_ok_and(|(own, _)| own.0 == id);
        Ok(user.filter(|_| is_known).map(|user| Object::User(user.into())))
    }
}
