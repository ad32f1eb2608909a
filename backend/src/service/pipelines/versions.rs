//! The versions of a pipeline, which administrators can list, read, compare and restore.

use tracing::Span;

use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    model::{
        Page, PageRequest,
        definition::Filling,
        pipeline::{Pipeline, PipelineRef, PipelineVersion, ReplaceDefinition, VersionDiff, VersionText},
    },
    service::ControlPlane,
    store::{self, pipelines::PipelineRow},
};

impl ControlPlane {
    /// Returns a page of a pipeline's versions, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope; within it, [`Error::Forbidden`] for callers who are not
    /// administrators.
    pub async fn list_pipeline_versions(
        &self,
        actor: &Actor,
        meant: &PipelineRef,
        request: PageRequest,
    ) -> Result<Page<PipelineVersion>> {
        let row = self.permitted_pipeline(actor, Permission::ViewPipelineVersions, meant).await?;
        store::pipelines::list_versions(&self.db, row.id, request).await
    }

    /// Returns the definition of a version.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::list_pipeline_versions`]; [`Error::NotFound`] for an unknown version.
    pub async fn get_pipeline_version(&self, actor: &Actor, meant: &PipelineRef, version: i64) -> Result<String> {
        let row = self.permitted_pipeline(actor, Permission::ViewPipelineVersions, meant).await?;
        Ok(self.version(&row, version).await?.0)
    }

    /// Returns the differences between two versions of a pipeline.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::get_pipeline_version`].
    pub async fn diff_pipeline_versions(
        &self,
        actor: &Actor,
        meant: &PipelineRef,
        from: i64,
        to: i64,
    ) -> Result<VersionDiff> {
        let row = self.permitted_pipeline(actor, Permission::ViewPipelineVersions, meant).await?;
        let (before, after) = (self.version(&row, from).await?.0, self.version(&row, to).await?.0);
        // Comparing two long texts that have nothing in common takes long.
        let compare = move || {
            let before = VersionText { version: from, yaml: &before };
            VersionDiff::between(before, VersionText { version: to, yaml: &after })
        };
        let span = Span::current();
        tokio::task::spawn_blocking(move || span.in_scope(compare)).await.map_err(Error::internal)
    }

    /// Creates a new version with the definition of an earlier one.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::get_pipeline_version`] and [`Self::replace_pipeline_definition`].
    pub async fn restore_pipeline_version(
        &self,
        actor: &Actor,
        meant: &PipelineRef,
        version: i64,
        expected_version: Option<i64>,
    ) -> Result<Pipeline> {
        let row = self.permitted_pipeline(actor, Permission::RestorePipelineVersion, meant).await?;
        let (yaml, filling) = self.version(&row, version).await?;
        let input = ReplaceDefinition { yaml, expected_version, git_sha: None, unless_same: false, filling };
        self.replace_pipeline_definition(actor, &row.id.into(), input).await
    }

    /// Returns a pipeline, if the caller has this permission. For a pipeline outside the caller's scope, the error is
    /// always [`Error::NotFound`].
    pub(in crate::service) async fn permitted_pipeline(
        &self,
        actor: &Actor,
        permission: Permission,
        meant: &PipelineRef,
    ) -> Result<PipelineRow> {
        actor.require(Permission::ViewPipelines)?;
        let row = self.pipeline(actor, meant).await?;
        actor.require(permission)?;
        Ok(row)
    }

    async fn version(&self, row: &PipelineRow, version: i64) -> Result<(String, Filling)> {
        let found = store::pipelines::find_version(&self.db, row.id, version).await?;
        found.ok_or(Error::NotFound("version"))
    }
}
