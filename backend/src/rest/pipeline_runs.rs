//! The routes of pipeline runs.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState, Shared,
    caller::{AgentCaller, UserCaller},
    envelope::{Answer, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, OptionalBody, PrefersMinimal, Query, StepPath},
    list_response::{List, ListAnswer, listed},
    openapi::Paging,
};
use crate::{
    actor::Permission,
    ids::{PipelineId, RunId},
    model::{
        PageRequest, Pagination,
        directive::Directive,
        pipeline::{
            PipelineRef, UpdateStep,
            run::{PipelineRun, PipelineStep, StartPipelineRun},
        },
    },
};

/// A pipeline run.
#[derive(Serialize, ToSchema)]
pub(super) struct PipelineRunData {
    /// The run.
    run: PipelineRun,
}

/// A page of pipeline runs.
#[derive(Serialize, ToSchema)]
pub(super) struct PipelineRunsData {
    /// Runs on this page.
    runs: Vec<PipelineRun>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(PipelineRunsData, "runs", runs: PipelineRun);

/// A step after a report, with waiting directives for its agent.
#[derive(Serialize, ToSchema)]
pub(super) struct PipelineStepData {
    /// The step.
    step: PipelineStep,
    /// Waiting directives for the agent.
    directives: Vec<Directive>,
}

/// List a pipeline's runs
///
/// Newest first.
#[utoipa::path(get, path = "/api/pipelines/{id}/runs", tag = "Pipelines", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pipeline's id or identifier", example = "daily-etl-pipeline"), Paging),
    responses((status = 200, description = "A page of runs", body = Success<PipelineRunsData>)))]
pub(super) async fn list_pipeline_runs(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(pipeline): Id<PipelineRef>,
    Query(request): Query<PageRequest>,
) -> ListAnswer<PipelineRunsData> {
    let page = api.cp.list_runs_of_pipeline(&actor, &pipeline, request).await?;
    Ok(List::small(PipelineRunsData { pagination: page.pagination(), runs: page.items }))
}

/// Start a run of a pipeline
///
/// The run uses the current version until its end, or the draft in `yaml`, which is kept with the run alone. A draft
/// that is not valid is refused as in a PUT of the definition. If the definition names no agent and the customer has
/// several, the answer is 400 with their ids in `details.ids`.
#[utoipa::path(post, path = "/api/pipelines/{id}/runs", tag = "Pipelines", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pipeline's id or identifier", example = "daily-etl-pipeline")),
    request_body = Option<StartPipelineRun>,
    responses((status = 201, description = "The run", body = Success<PipelineRunData>)))]
pub(super) async fn run_pipeline(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(pipeline): Id<PipelineRef>,
    IdempotencyKey(key): IdempotencyKey,
    OptionalBody { input, raw }: OptionalBody<StartPipelineRun>,
) -> Answer<PipelineRunData> {
    // The same key for another pipeline is another request.
    let said = [format!("{pipeline:?}\n").as_bytes(), &raw].concat();
    let who = actor.clone();
    let start =
        |cp: Shared, claim: Option<_>| async move { cp.run_pipeline(&who, &pipeline, input, claim.as_ref()).await };
    let run =
        api.cp.with_idempotency(&actor, Permission::RunPipeline, "run_pipeline", key.as_deref(), &said, start).await?;
    Ok(Reply::created(PipelineRunData { run }))
}

/// Report a step
///
/// Only the agent to which the step was sent may report it, with the attempt of the directive. A report about an
/// earlier attempt is ignored. If the server has already ended the step because its agent was silent, the answer is 409
/// with `details.reason` `lease`.
#[utoipa::path(patch, path = "/api/pipelines/{id}/runs/{runId}/steps/{stepId}", tag = "Pipelines", security(("apiKey" = [])),
    params(("id" = PipelineId, Path, description = "The pipeline's id"), ("runId" = RunId, Path, description = "The run's id"),
        ("stepId" = String, Path, description = "The step's id in its pipeline", example = "fetch")),
    request_body = UpdateStep,
    responses((status = 200, description = "The step, and waiting directives", body = Success<PipelineStepData>)))]
pub(super) async fn update_pipeline_step(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    path: StepPath,
    PrefersMinimal(prefers_minimal): PrefersMinimal,
    body: Body<UpdateStep>,
) -> PreferredAnswer<PipelineStepData> {
    let StepPath { pipeline, run, step } = path;
    let reported = body.input.attempt;
    let (step, directives) = api.cp.update_pipeline_step(&actor, pipeline, run, &step, body.input).await?;
    let is_current = reported.is_none_or(|attempt| attempt == step.attempt);
    let is_minimal = prefers_minimal && directives.is_empty() && is_current;
    Ok(Preferred::new(PipelineStepData { step, directives }, is_minimal))
}
