//! What is asked about pipelines and their runs beside the rows themselves.

use chrono::{DateTime, Utc};

use super::ControlPlane;
use crate::{
    actor::Actor,
    error::Result,
    ids::PipelineId,
    model::{
        Page, Window,
        job::JobSlotFilter,
        pipeline::{
            PipelineRef, PipelineSlot,
            run::{PipelineRun, PipelineRunFilter},
        },
    },
    store::{self, pipeline_runs::PipelineRunRow},
};

impl ControlPlane {
    /// A page of the runs of all pipelines, or of one, newest first.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::NotFound`] for a pipeline outside the caller's scope, else
    /// [`crate::error::Error::Forbidden`] unless an administrator asks.
    pub async fn list_all_pipeline_runs(
        &self,
        actor: &Actor,
        filter: &PipelineRunFilter,
        window: Window,
    ) -> Result<Page<PipelineRun>> {
        self.watch_pipeline_runs(actor, filter).await?;
        Ok(store::pipeline_runs::list(&self.db, filter, window).await?.map(|row| row.view()))
    }

    /// Whether the caller may watch runs: those who may list them may.
    ///
    /// # Errors
    ///
    /// As [`Self::list_all_pipeline_runs`].
    pub async fn watch_pipeline_runs(&self, actor: &Actor, filter: &PipelineRunFilter) -> Result<()> {
        match filter.pipeline_id {
            Some(pipeline) => self.administered(actor, &pipeline.into()).await.map(drop),
            None => actor.require_admin(),
        }
    }

    /// The newest runs of each of these pipelines, as many as is said beside it.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] unless an administrator asks.
    pub async fn newest_pipeline_runs(&self, actor: &Actor, of: &[(PipelineId, u64)]) -> Result<Vec<Vec<PipelineRun>>> {
        actor.require_admin()?;
        let rows = store::pipeline_runs::newest(&self.db, of).await?;
        let newest = of.iter().map(|(pipeline, count)| {
            let own = rows.iter().filter(|row| row.pipeline_id == *pipeline).map(PipelineRunRow::view);
            own.take(usize::try_from(*count).unwrap_or(usize::MAX)).collect()
        });
        Ok(newest.collect())
    }

    /// A page of what became of the slots of a pipeline's schedule, the latest first.
    ///
    /// # Errors
    ///
    /// As [`Self::list_all_pipeline_runs`].
    pub async fn list_pipeline_slots(
        &self,
        actor: &Actor,
        meant: &PipelineRef,
        window: Window,
    ) -> Result<Page<PipelineSlot>> {
        let pipeline = self.administered(actor, meant).await?;
        let page = store::slots::list(&self.db, pipeline.id.0, &JobSlotFilter::default(), window).await?;
        Ok(page.map(|row| row.pipeline_view()))
    }

    /// When those of these pipelines that the caller may see are due next; those without a schedule, or disabled, are left
    /// out.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents.
    pub async fn due_pipelines(&self, actor: &Actor, ids: &[PipelineId]) -> Result<Vec<(PipelineId, DateTime<Utc>)>> {
        actor.require_user()?;
        store::pipelines::due_next(&self.db, actor.scope(), ids).await
    }
}
