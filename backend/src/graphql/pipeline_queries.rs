//! The queries about pipelines.

use async_graphql::{Context, Object};
use serde_json::Value;
use uuid::Uuid;

use super::{
    context::{actor, control_plane},
    pipeline_inputs::PipelineRunFilterInput,
    read_input::read,
    relay_connections::{Connection, ConnectionArguments, connection, size, wants_total},
};
use crate::{
    error::Result,
    ids::{CustomerId, RunId},
    model::{
        job_and_pipeline_order::ScheduledSort,
        pipeline::{
            DryRun, Pipeline, PipelineFilter, PipelineRef, PipelineSlot, PipelineVersion, Verdict, VersionDiff,
            run::PipelineRun,
        },
    },
};

/// Queries about pipelines.
pub(crate) struct PipelineQueries;

/// Queries about pipelines.
#[Object]
impl PipelineQueries {
    /// Returns a pipeline by its id or identifier.
    async fn pipeline(&self, ctx: &Context<'_>, id: PipelineRef) -> Result<Option<Pipeline>> {
        control_plane(ctx)?.get_pipeline(actor(ctx)?, &id).await.map(Some)
    }

    /// Lists pipelines, newest first unless `sort` is given. A cursor marks the current position of its pipeline in the
    /// order.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * (child_complexity + LONG_TEXT) + 1")]
    async fn pipelines(
        &self,
        ctx: &Context<'_>,
        filter: Option<PipelineFilter>,
        sort: Option<ScheduledSort>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<Pipeline>> {
        let actor = actor(ctx)?;
        let filter = filter.map_or(Ok(PipelineFilter::default()), |filter| read(&filter))?;
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_pipelines(actor, &filter, sort.unwrap_or_default(), request).await?;
        Ok(connection(page, |pipeline| pipeline.id.0))
    }

    /// Returns a pipeline run by its id. For administrators.
    async fn pipeline_run(&self, ctx: &Context<'_>, id: RunId) -> Result<Option<PipelineRun>> {
        control_plane(ctx)?.get_pipeline_run(actor(ctx)?, id).await.map(Some)
    }

    /// Lists pipeline runs, newest first. For administrators.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn pipeline_runs(
        &self,
        ctx: &Context<'_>,
        filter: Option<PipelineRunFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<PipelineRun>> {
        let (actor, filter) = (actor(ctx)?, filter.unwrap_or_default().into());
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_pipeline_runs(actor, &filter, request).await?;
        Ok(connection(page, |run| run.id.0))
    }

    /// Lists the slots of a pipeline's schedule with their outcomes, latest first. For administrators.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn pipeline_slots(
        &self,
        ctx: &Context<'_>,
        pipeline_id: PipelineRef,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<PipelineSlot>> {
        let actor = actor(ctx)?;
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_pipeline_slots(actor, &pipeline_id, request).await?;
        Ok(connection(page, |slot| slot.id.0))
    }

    /// Lists the versions of a pipeline, newest first. The newest 1,000 are kept, and those that a run has started with.
    /// For administrators.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn pipeline_versions(
        &self,
        ctx: &Context<'_>,
        pipeline_id: PipelineRef,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<PipelineVersion>> {
        let actor = actor(ctx)?;
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_pipeline_versions(actor, &pipeline_id, request).await?;
        // In a page request, a version is given as the UUID with the number of the version.
        Ok(connection(page, |version| Uuid::from_u128(version.version.unsigned_abs().into())))
    }

    /// Returns the definition of a version exactly as it was sent. For administrators.
    #[graphql(complexity = "LONG_TEXT")]
    async fn pipeline_version_yaml(
        &self,
        ctx: &Context<'_>,
        pipeline_id: PipelineRef,
        #[graphql(desc = "Number of the version.")] version: i64,
    ) -> Result<String> {
        control_plane(ctx)?.get_pipeline_version(actor(ctx)?, &pipeline_id, version).await
    }

    /// Compares two versions of a pipeline line by line. For administrators.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn pipeline_diff(
        &self,
        ctx: &Context<'_>,
        pipeline_id: PipelineRef,
        #[graphql(desc = "Number of the first version.")] from: i64,
        #[graphql(desc = "Number of the second version.")] to: i64,
    ) -> Result<VersionDiff> {
        control_plane(ctx)?.diff_pipeline_versions(actor(ctx)?, &pipeline_id, from, to).await
    }

    /// Returns the JSON Schema of pipeline definitions.
    #[graphql(complexity = "LONG_TEXT")]
    #[expect(clippy::unused_async, reason = "a resolver must be asynchronous")]
    async fn pipeline_schema(&self, ctx: &Context<'_>) -> Result<Value> {
        control_plane(ctx)?.get_pipeline_schema(actor(ctx)?)
    }

    /// Checks a definition and returns its plan or its errors. Saves nothing and starts nothing.
    #[graphql(complexity = "LABORIOUS + child_complexity")]
    async fn dry_run_pipeline(
        &self,
        ctx: &Context<'_>,
        yaml: String,
        #[graphql(desc = "Customer whose agents are looked up, for administrators.")] customer_id: Option<CustomerId>,
    ) -> Result<Verdict> {
        control_plane(ctx)?.dry_run_pipeline(actor(ctx)?, DryRun { yaml, customer_id }).await
    }
}

/// The complexity of an object that is loaded with a long text, whether the text is selected or not.
pub(super) const LONG_TEXT: usize = 50;
/// The complexity of a field that parses a definition or compares two of them, which may take long.
pub(super) const LABORIOUS: usize = 1000;
