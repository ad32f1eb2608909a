//! The routes of pipelines. The routes of their runs are in `pipeline_runs`.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    ApiState, Shared,
    caller::UserCaller,
    envelope::{Answer, DeletedData, Failure, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, PrefersMinimal, Query},
    list_response::{List, ListAnswer, listed},
    openapi::{Paging, ScheduledSortQuery},
};
use crate::{
    actor::Permission,
    error::Error,
    model::{
        PageRequest, Pagination,
        job_and_pipeline_order::ScheduledSort,
        pipeline::{
            CreatePipeline, DryRun, Pipeline, PipelineFilter, PipelineRef, PipelineVersion, ReplaceDefinition,
            UpdatePipeline, Verdict,
        },
    },
};

/// The memory of a pipeline with the largest definition, in bytes.
const PIPELINE: usize = 264 * 1024;

/// A pipeline.
#[derive(Serialize, ToSchema)]
pub(super) struct PipelineData {
    /// The pipeline.
    pipeline: Pipeline,
}

/// A page of pipelines.
#[derive(Serialize, ToSchema)]
pub(super) struct PipelinesData {
    /// Pipelines on this page.
    pipelines: Vec<Pipeline>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(PipelinesData, "pipelines", pipelines: Pipeline);

/// A page of pipeline versions.
#[derive(Serialize, ToSchema)]
pub(super) struct PipelineVersionsData {
    /// Versions on this page.
    versions: Vec<PipelineVersion>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(PipelineVersionsData, "versions", versions: PipelineVersion);

/// A JSON Schema.
#[derive(Serialize, ToSchema)]
pub(super) struct SchemaData {
    /// The JSON Schema.
    #[schema(value_type = Object)]
    schema: Value,
}

/// Create a pipeline
///
/// The definition must be valid. Otherwise the answer is 400 with all errors in `details.errors` and, for programs, in
/// `details.diagnostics`.
#[utoipa::path(post, path = "/api/pipelines", tag = "Pipelines", security(("bearer" = [])),
    request_body = CreatePipeline,
    responses((status = 201, description = "The pipeline", body = Success<PipelineData>)))]
pub(super) async fn create_pipeline(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<CreatePipeline>,
) -> Answer<PipelineData> {
    let (who, input) = (actor.clone(), body.input);
    let create = |cp: Shared, claim: Option<_>| async move { cp.create_pipeline(&who, input, claim.as_ref()).await };
    let pipeline = api
        .cp
        .with_idempotency(&actor, Permission::CreatePipeline, "create_pipeline", key.as_deref(), &body.raw, create)
        .await?;
    Ok(Reply::created(PipelineData { pipeline }))
}

/// List pipelines
///
/// Newest first, unless `sort` is given.
#[utoipa::path(get, path = "/api/pipelines", tag = "Pipelines", security(("bearer" = [])),
    params(Paging, ScheduledSortQuery, PipelineFilter),
    responses((status = 200, description = "A page of pipelines", body = Success<PipelinesData>)))]
pub(super) async fn list_pipelines(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Query((page_and_sort, filter)): Query<((PageRequest, ScheduledSort), PipelineFilter)>,
) -> ListAnswer<PipelinesData> {
    let (request, sort) = page_and_sort;
    let share = api.lists.reserve(&actor, request.limit, PIPELINE).await?;
    let page = api.cp.list_pipelines(&actor, &filter, sort, request).await?;
    Ok(List::large(PipelinesData { pagination: page.pagination(), pipelines: page.items }, share))
}

/// Get the JSON Schema of definitions
#[utoipa::path(get, path = "/api/pipelines/schema", tag = "Pipelines", security(("bearer" = [])),
    responses((status = 200, description = "The schema", body = Success<SchemaData>)))]
pub(super) async fn get_pipeline_schema(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
) -> Answer<SchemaData> {
    Ok(Reply::ok(SchemaData { schema: api.cp.get_pipeline_schema(&actor)? }))
}

/// Check a definition
///
/// Nothing is saved and nothing is started. For an invalid definition the answer is 200 too, with `valid: false` and
/// the errors.
#[utoipa::path(post, path = "/api/pipelines/dry-run", tag = "Pipelines", security(("bearer" = [])),
    request_body = DryRun,
    responses((status = 200, description = "The plan, or the errors", body = Success<Verdict>)))]
pub(super) async fn dry_run_pipeline(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    body: Body<DryRun>,
) -> Answer<Verdict> {
    Ok(Reply::ok(api.cp.dry_run_pipeline(&actor, body.input).await?))
}

/// Get a pipeline
#[utoipa::path(get, path = "/api/pipelines/{id}", tag = "Pipelines", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pipeline's id or identifier", example = "daily-etl-pipeline")),
    responses((status = 200, description = "The pipeline", body = Success<PipelineData>)))]
pub(super) async fn get_pipeline(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(pipeline): Id<PipelineRef>,
) -> Answer<PipelineData> {
    Ok(Reply::ok(PipelineData { pipeline: api.cp.get_pipeline(&actor, &pipeline).await? }))
}

/// Export a pipeline's definition
///
/// The text exactly as it was sent, without the envelope.
#[utoipa::path(get, path = "/api/pipelines/{id}/yaml", tag = "Pipelines", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pipeline's id or identifier", example = "daily-etl-pipeline")),
    responses((status = 200, description = "The definition", body = String, content_type = "text/yaml",
        headers(("Content-Disposition" = String, description = "`attachment` with a file name made of the identifier.")))))]
pub(super) async fn export_pipeline(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(pipeline): Id<PipelineRef>,
) -> Result<Response, Failure> {
    let (identifier, yaml) = api.cp.export_pipeline(&actor, &pipeline).await?;
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{identifier}.yaml\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/yaml")),
        (header::CONTENT_DISPOSITION, disposition.map_err(Error::internal)?),
    ];
    Ok((headers, yaml).into_response())
}

/// Replace a pipeline's definition
///
/// Each request creates a new version. Active runs keep the version that they started with.
#[utoipa::path(put, path = "/api/pipelines/{id}/yaml", tag = "Pipelines", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pipeline's id or identifier", example = "daily-etl-pipeline")),
    request_body = ReplaceDefinition,
    responses((status = 200, description = "The pipeline", body = Success<PipelineData>)))]
pub(super) async fn replace_pipeline_definition(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(pipeline): Id<PipelineRef>,
    body: Body<ReplaceDefinition>,
) -> Answer<PipelineData> {
    let pipeline = api.cp.replace_pipeline_definition(&actor, &pipeline, body.input).await?;
    Ok(Reply::ok(PipelineData { pipeline }))
}

/// Rename, describe, enable or disable a pipeline
///
/// Creates no new version.
#[utoipa::path(patch, path = "/api/pipelines/{id}", tag = "Pipelines", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pipeline's id or identifier", example = "daily-etl-pipeline")),
    request_body = UpdatePipeline,
    responses((status = 200, description = "The pipeline", body = Success<PipelineData>)))]
pub(super) async fn update_pipeline(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(pipeline): Id<PipelineRef>,
    PrefersMinimal(is_minimal): PrefersMinimal,
    body: Body<UpdatePipeline>,
) -> PreferredAnswer<PipelineData> {
    let pipeline = api.cp.update_pipeline(&actor, &pipeline, body.input).await?;
    Ok(Preferred::new(PipelineData { pipeline }, is_minimal))
}

/// Delete a pipeline
///
/// Deletes its versions and runs too. An active run is cancelled first. Transfers are kept.
#[utoipa::path(delete, path = "/api/pipelines/{id}", tag = "Pipelines", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pipeline's id or identifier", example = "daily-etl-pipeline")),
    responses((status = 200, description = "The pipeline is deleted", body = Success<DeletedData>)))]
pub(super) async fn delete_pipeline(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(pipeline): Id<PipelineRef>,
) -> Answer<DeletedData> {
    api.cp.delete_pipeline(&actor, &pipeline).await?;
    Ok(Reply::ok(DeletedData { deleted: true }))
}

/// List a pipeline's versions
///
/// Newest first. The newest 1,000 are kept, and those that a run has started with.
#[utoipa::path(get, path = "/api/pipelines/{id}/versions", tag = "Pipelines", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pipeline's id or identifier", example = "daily-etl-pipeline"), Paging),
    responses((status = 200, description = "A page of versions", body = Success<PipelineVersionsData>)))]
pub(super) async fn list_pipeline_versions(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(pipeline): Id<PipelineRef>,
    Query(request): Query<PageRequest>,
) -> ListAnswer<PipelineVersionsData> {
    let page = api.cp.list_pipeline_versions(&actor, &pipeline, request).await?;
    Ok(List::small(PipelineVersionsData { pagination: page.pagination(), versions: page.items }))
}
