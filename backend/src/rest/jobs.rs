//! The routes of jobs.

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
    caller::{AnyCaller, JobCreator, UserCaller},
    csv_and_ndjson_export::{Exported, MaybeExport},
    envelope::{Answer, DeletedData, Failure, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, PrefersMinimal, Query},
    list_response::{List, listed},
};
use crate::{
    actor::Permission,
    ids::JobId,
    model::{
        Pagination,
        job::{CreateJob, Job, JobFilter, JobPageRequest, UpdateJob},
        job_and_pipeline_order::ScheduledSort,
    },
};

/// The memory of a job with the longest fields, in bytes.
const JOB: usize = 12 * 1024;

/// A job.
#[derive(Serialize, ToSchema)]
pub(super) struct JobData {
    /// The job.
    job: Job,
}

/// A page of jobs.
#[derive(Serialize, ToSchema)]
pub(super) struct JobsData {
    /// Jobs on this page.
    jobs: Vec<Job>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(JobsData, "jobs", jobs: Job);

impl Exported for Job {
    const NAME: &'static str = "jobs";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "createdAt",
        "name",
        "enabled",
        "source",
        "destination",
        "protocol",
        "direction",
        "schedule",
        "timezone",
        "overlap",
        "catchUp",
        "lastRunAt",
        "nextRunAt",
        "agentId",
        "agent.name",
        "customerId",
    ];

    fn id(&self) -> uuid::Uuid {
        self.id.0
    }
}

/// Create a new scheduled transfer job
///
/// A password in the source or the destination is refused: agents keep their own credentials.
#[utoipa::path(post, path = "/api/jobs", tag = "Jobs", security(("bearer" = [])), request_body = CreateJob,
    responses((status = 201, description = "The job", body = Success<JobData>)))]
pub(super) async fn create_job(
    State(api): State<ApiState>,
    JobCreator(actor): JobCreator,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<CreateJob>,
) -> Answer<JobData> {
    let (who, input) = (actor.clone(), body.input);
    let create = |cp: super::Shared, claim: Option<_>| async move { cp.create_job(&who, input, claim.as_ref()).await };
    let job =
        api.cp.with_idempotency(&actor, Permission::CreateJob, "create_job", key.as_deref(), &body.raw, create).await?;
    Ok(Reply::created(JobData { job }))
}

/// List all jobs
///
/// Newest first, unless `sort` is given. Without `page` and `limit` the answer has up to 1,000 jobs. An agent gets only
/// its own enabled jobs.
///
/// With `Accept: text/csv` or `Accept: application/x-ndjson` the answer is a file with all jobs of the filter, newest
/// first; `sort`, `page` and `limit` are ignored.
#[utoipa::path(get, path = "/api/jobs", tag = "Jobs", security(("bearer" = []), ("apiKey" = [])),
    params(super::openapi::Paging, super::openapi::ScheduledSortQuery, JobFilter),
    responses((status = 200, description = "A page of jobs, or a file with all",
        content((Success<JobsData> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub(super) async fn list_jobs(
    State(api): State<ApiState>,
    AnyCaller(actor): AnyCaller,
    MaybeExport(export): MaybeExport,
    Query((page_and_sort, filter)): Query<((JobPageRequest, ScheduledSort), JobFilter)>,
) -> Result<Response, Failure> {
    let (request, sort) = page_and_sort;
    let Some(export) = export else {
        let share = api.lists.reserve(&actor, request.0.limit, JOB).await?;
        let page = api.cp.list_jobs(&actor, &filter, sort, request.0).await?;
        let data = JobsData { pagination: page.pagination(), jobs: page.items };
        return Ok(List::large(data, share).into_response());
    };
    let (cp, who) = (Arc::clone(&api.cp), actor.clone());
    let list = move |request| {
        let (cp, actor, filter) = (Arc::clone(&cp), who.clone(), filter.clone());
        async move { cp.list_jobs(&actor, &filter, ScheduledSort::default(), request).await }.boxed()
    };
    export.response(&api, &actor, list).await
}

/// Get a job
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "Jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job's id")),
    responses((status = 200, description = "The job", body = Success<JobData>)))]
pub(super) async fn get_job(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<JobId>,
) -> Answer<JobData> {
    Ok(Reply::ok(JobData { job: api.cp.get_job(&actor, id).await? }))
}

/// Update a job
///
/// A changed schedule, time zone or `enabled` takes effect at once.
#[utoipa::path(patch, path = "/api/jobs/{id}", tag = "Jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job's id")), request_body = UpdateJob,
    responses((status = 200, description = "The job", body = Success<JobData>)))]
pub(super) async fn update_job(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<JobId>,
    PrefersMinimal(is_minimal): PrefersMinimal,
    body: Body<UpdateJob>,
) -> PreferredAnswer<JobData> {
    let job = api.cp.update_job(&actor, id, body.input).await?;
    Ok(Preferred::new(JobData { job }, is_minimal))
}

/// Delete a job
///
/// Deletes its runs too. An active run is cancelled first. Transfers are kept.
#[utoipa::path(delete, path = "/api/jobs/{id}", tag = "Jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job's id")),
    responses((status = 200, description = "The job is deleted", body = Success<DeletedData>)))]
pub(super) async fn delete_job(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<JobId>,
) -> Answer<DeletedData> {
    api.cp.delete_job(&actor, id).await?;
    Ok(Reply::ok(DeletedData { deleted: true }))
}
