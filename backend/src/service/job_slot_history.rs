//! The slot history of a job.

use super::ControlPlane;
use crate::{
    actor::{Actor, Permission},
    error::Result,
    ids::JobId,
    model::{
        Page, PageRequest,
        job::{JobSlot, JobSlotFilter},
    },
    store,
};

impl ControlPlane {
    /// Returns a page of the slot history of a job, latest slot first.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::NotFound`] outside the caller's scope, [`crate::error::Error::Forbidden`] unless the caller
    /// is an administrator.
    pub async fn list_job_slots(
        &self,
        actor: &Actor,
        job: JobId,
        filter: &JobSlotFilter,
        request: PageRequest,
    ) -> Result<Page<JobSlot>> {
        self.get_job(actor, job).await?;
        actor.require(Permission::ViewJobSlots)?;
        Ok(store::slots::list(&self.db, job.0, filter, request).await?.map(|row| row.view()))
    }
}
