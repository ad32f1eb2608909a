//! The routes of job runs.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::{AgentCaller, UserCaller},
    csv_and_ndjson_export::{Exported, MaybeExport},
    envelope::{Answer, Failure, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, Ids, OptionalBody, PrefersMinimal, Query},
    list_response::{List, listed},
};
use crate::{
    actor::Permission,
    ids::{JobId, RunId},
    model::{
        OffsetPageRequest, Pagination,
        job::{JobRun, JobRunFilter, ReportJobRun, StartJobRun},
    },
};

/// A job run.
#[derive(Serialize, ToSchema)]
pub(super) struct JobRunData {
    /// The run.
    run: JobRun,
}

/// A page of job runs.
#[derive(Serialize, ToSchema)]
pub(super) struct JobRunsData {
    /// Runs on this page.
    runs: Vec<JobRun>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(JobRunsData, "runs", runs: JobRun);

impl Exported for JobRun {
    const NAME: &'static str = "runs";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "jobId",
        "status",
        "attempt",
        "scheduledFor",
        "startedAt",
        "completedAt",
        "bytesTransferred",
        "errorMessage",
        "retryOf",
    ];

    fn id(&self) -> uuid::Uuid {
        self.id.0
    }
}

/// Get a job's execution history
///
/// Newest first. Takes `page` and `limit`, or `limit` and `offset`.
///
/// With `Accept: text/csv` or `Accept: application/x-ndjson` the answer is a file with all runs of the job, at most 1,000,000;
/// `page`, `limit` and `offset` are ignored.
#[utoipa::path(get, path = "/api/jobs/{id}/runs", tag = "Jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job's id"), super::openapi::Paging, super::openapi::OffsetQuery),
    responses((status = 200, description = "A page of runs, or a file with all",
        content((Success<JobRunsData> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub(super) async fn list_job_runs(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<JobId>,
    MaybeExport(export): MaybeExport,
    Query(request): Query<OffsetPageRequest>,
) -> Result<Response, Failure> {
    let filter = JobRunFilter { job_id: Some(id), ..JobRunFilter::default() };
    let Some(export) = export else {
        let page = api.cp.list_job_runs(&actor, &filter, request.0).await?;
        return Ok(List::small(JobRunsData { pagination: page.pagination(), runs: page.items }).into_response());
    };
    let (cp, who) = (Arc::clone(&api.cp), actor.clone());
    let list = move |request| {
        let (cp, actor, filter) = (Arc::clone(&cp), who.clone(), filter.clone());
        async move { cp.list_job_runs(&actor, &filter, request).await }.boxed()
    };
    export.response(&api, &actor, list).await
}

/// Start a new job run
///
/// Only the agent of the job may start it. With the `directiveId` of a `startJob` directive, the request starts the run
/// that the directive asks for; repeated, it starts no second one. Without `directiveId`, it starts the run of the
/// oldest waiting directive, and ends an earlier run that makes no progress.
#[utoipa::path(post, path = "/api/jobs/{id}/runs", tag = "Jobs", security(("apiKey" = [])),
    params(("id" = JobId, Path, description = "The job's id")), request_body = Option<StartJobRun>,
    responses((status = 201, description = "The run", body = Success<JobRunData>)))]
pub(super) async fn start_job_run(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    Id(id): Id<JobId>,
    IdempotencyKey(key): IdempotencyKey,
    body: OptionalBody<StartJobRun>,
) -> Answer<JobRunData> {
    let (who, input) = (actor.clone(), body.input);
    let start =
        |cp: super::Shared, claim: Option<_>| async move { cp.start_job_run(&who, id, input, claim.as_ref()).await };
    // The same key for another job is another request.
    let said = [id.0.as_bytes(), body.raw.as_ref()].concat();
    let run =
        api.cp.with_idempotency(&actor, Permission::StartJobRun, "start_job_run", key.as_deref(), &said, start).await?;
    Ok(Reply::created(JobRunData { run }))
}

/// Report a job run
///
/// Only the agent of the run may report it. A run that has ended never changes. If the server ended the run because its
/// agent was silent, the answer is 409 with `details.reason` `lease`.
#[utoipa::path(patch, path = "/api/jobs/{id}/runs/{runId}", tag = "Jobs", security(("apiKey" = [])),
    params(("id" = JobId, Path, description = "The job's id"), ("runId" = RunId, Path, description = "The run's id")),
    request_body = ReportJobRun,
    responses((status = 200, description = "The run", body = Success<JobRunData>)))]
pub(super) async fn update_job_run(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    Ids(job, run): Ids<JobId, RunId>,
    PrefersMinimal(is_minimal): PrefersMinimal,
    body: Body<ReportJobRun>,
) -> PreferredAnswer<JobRunData> {
    let run = api.cp.update_job_run(&actor, job, run, body.input).await?;
    Ok(Preferred::new(JobRunData { run }, is_minimal))
}
