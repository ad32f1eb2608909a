//! Queries of pipeline runs, for administrators.

use serde_json::Value;

use crate::{
    actor::{Actor, Permission},
    error::Result,
    ids::{PipelineId, RunId},
    model::{
        Page, PageRequest,
        pipeline::{
            PipelineRef,
            run::{PipelineRun, PipelineRunFilter},
        },
    },
    service::ControlPlane,
    store::{self, pipeline_runs::PipelineRunRow},
};

impl ControlPlane {
    /// Returns a page of a pipeline's runs, newest first.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::NotFound`] outside the caller's scope; within it, [`crate::error::Error::Forbidden`] for
    /// callers who are not administrators.
    pub async fn list_runs_of_pipeline(
        &self,
        actor: &Actor,
        meant: &PipelineRef,
        request: PageRequest,
    ) -> Result<Page<PipelineRun>> {
        let pipeline = self.permitted_pipeline(actor, Permission::ViewPipelineRuns, meant).await?;
        let filter = PipelineRunFilter { pipeline_id: Some(pipeline.id), status: Vec::new() };
        Ok(store::pipeline_runs::list(&self.db, &filter, request).await?.map(|row| row.view()))
    }

    /// Returns a page of the runs of one pipeline or of all pipelines, newest first.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::watch_pipeline_runs`].
    pub async fn list_pipeline_runs(
        &self,
        actor: &Actor,
        filter: &PipelineRunFilter,
        request: PageRequest,
    ) -> Result<Page<PipelineRun>> {
        self.watch_pipeline_runs(actor, filter).await?;
        Ok(store::pipeline_runs::list(&self.db, filter, request).await?.map(|row| row.view()))
    }

    /// Checks that the caller may subscribe to pipeline runs. The right to list them is sufficient.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::NotFound`] for a pipeline outside the caller's scope; within it,
    /// [`crate::error::Error::Forbidden`] for callers who are not administrators.
    pub async fn watch_pipeline_runs(&self, actor: &Actor, filter: &PipelineRunFilter) -> Result<()> {
        if let Some(pipeline) = filter.pipeline_id {
            self.permitted_pipeline(actor, Permission::ViewPipelineRuns, &pipeline.into()).await?;
        }
        actor.require(Permission::ViewPipelineRuns)?;
        Ok(())
    }

    /// Returns a pipeline run.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::list_runs_of_pipeline`].
    pub async fn get_pipeline_run(&self, actor: &Actor, id: RunId) -> Result<PipelineRun> {
        Ok(self.permitted_pipeline_run(actor, Permission::ViewPipelineRuns, id).await?.view())
    }

    /// Returns the existing runs with these ids, in no particular order.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] unless the caller is an administrator.
    pub async fn find_pipeline_runs(&self, actor: &Actor, ids: &[RunId]) -> Result<Vec<PipelineRun>> {
        actor.require(Permission::ViewPipelineRuns)?;
        Ok(store::pipeline_runs::find_all(&self.db, ids).await?.iter().map(PipelineRunRow::view).collect())
    }

    /// Returns the plans of these runs, in the form of the `ast` of a dry run, in no particular order.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] unless the caller is an administrator.
    pub async fn find_pipeline_run_plans(&self, actor: &Actor, ids: &[RunId]) -> Result<Vec<(RunId, Value)>> {
        actor.require(Permission::ViewPipelineRuns)?;
        store::pipeline_runs::plans(&self.db, ids).await
    }

    /// Returns the drafts, as they were sent, of those of these runs that execute a draft, in no particular order. The
    /// result has no entry for a run whose draft was purged.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] unless the caller is an administrator.
    pub async fn find_pipeline_run_drafts(&self, actor: &Actor, ids: &[RunId]) -> Result<Vec<(RunId, String)>> {
        actor.require(Permission::ViewPipelineRuns)?;
        store::pipeline_runs::drafts(&self.db, ids).await
    }

    /// Returns those of these runs that execute a draft which is still stored, so that they can be run again, in no
    /// particular order.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] unless the caller is an administrator.
    pub async fn find_pipeline_runs_with_drafts(&self, actor: &Actor, ids: &[RunId]) -> Result<Vec<RunId>> {
        actor.require(Permission::ViewPipelineRuns)?;
        store::pipeline_runs::with_drafts(&self.db, ids).await
    }

    /// Returns the newest runs of each of these pipelines, in the order of the pipelines: for each, at most the number
    /// that follows its id.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] unless the caller is an administrator.
    pub async fn newest_pipeline_runs(&self, actor: &Actor, of: &[(PipelineId, u64)]) -> Result<Vec<Vec<PipelineRun>>> {
        actor.require(Permission::ViewPipelineRuns)?;
        let rows = store::pipeline_runs::newest(&self.db, of).await?;
        let newest = of.iter().map(|(pipeline, count)| {
            let own = rows.iter().filter(|row| row.pipeline_id == *pipeline).map(PipelineRunRow::view);
            own.take(usize::try_from(*count).unwrap_or(usize::MAX)).collect()
        });
        Ok(newest.collect())
    }
}
