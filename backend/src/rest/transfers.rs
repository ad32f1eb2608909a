//! The routes of transfers.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, ObjectBuilder, Ref, RefOr, Schema, Type},
};

use super::{
    ApiState,
    caller::{AgentCaller, UserCaller},
    csv_and_ndjson_export::{Exported, MaybeExport, PAGE},
    envelope::{Answer, Failure, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, PrefersMinimal, Query},
    list_response::{List, listed},
};
use crate::{
    actor::Permission,
    error::{Error, Result},
    ids::TransferId,
    model::{
        Fields, FromFields, Instant, Page, PageRequest, Pagination,
        directive::Directive,
        transfer::{CreateTransfer, SelectTransfers, Transfer, TransferFilter, TransferSort, UpdateTransfer},
    },
    service::{ExportPlace, TransferOutcomes},
    transport::http_status,
};

/// The maximum number of reports in a batch.
const MAX_UPDATES: usize = 500;

/// A transfer.
#[derive(Serialize, ToSchema)]
pub(super) struct TransferData {
    /// The transfer.
    transfer: Transfer,
}

/// A transfer after a report.
#[derive(Serialize, ToSchema)]
pub(super) struct ReportedData {
    /// The transfer.
    transfer: Box<Transfer>,
    /// Waiting directives for the agent.
    directives: Vec<Directive>,
}

/// A page of transfers.
#[derive(Serialize, ToSchema)]
pub(super) struct TransfersData {
    /// Transfers on this page.
    transfers: Vec<Transfer>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(TransfersData, "transfers", transfers: Transfer);

impl From<Page<Transfer>> for TransfersData {
    fn from(page: Page<Transfer>) -> Self {
        Self { pagination: page.pagination(), transfers: page.items }
    }
}

/// Declares the columns of the export, with the details of a transfer.
macro_rules! exported {
    ($($(#[$text:meta])+ $field:ident: $type:ident = $key:literal $rest:tt)+) => {
        impl Exported for Transfer {
            const NAME: &'static str = "transfers";
            const COLUMNS: &'static [&'static str] = &[
                "id",
                "createdAt",
                "status",
                "source",
                "destination",
                "protocol",
                "direction",
                "agentId",
                "agent.name",
                "customerId",
                "progress",
                "bytesTotal",
                "sizeKnown",
                "bytesTransferred",
                "speed",
                "startedAt",
                "completedAt",
                "attempt",
                "stalled",
                "errorMessage",
                $($key,)+
                "jobRunId",
                "pipelineRunId",
            ];

            fn id(&self) -> uuid::Uuid {
                self.id.0
            }
        }
    };
}

mftplus_protocol::transfer_details!(exported);

/// Results of a batch of reports.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchData {
    /// One result for each report, in the same order.
    results: Vec<UpdateResult>,
    /// Waiting directives for the agent.
    directives: Vec<Directive>,
}

/// Result of one report of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct UpdateResult {
    /// The id as it was sent.
    #[schema(required, value_type = Option<String>)]
    id: Value,
    /// Status code that this report alone would have got.
    #[schema(minimum = 200, maximum = 599, example = 200)]
    status: u16,
    /// The transfer after the report, if the report was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<Box<Transfer>>,
    /// What went wrong, in one sentence, if the report was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Details for programs, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
}

/// Results of a change of several transfers.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedData {
    /// One result for each transfer, in the order of the ids or, with a filter, newest first.
    results: Vec<ChangeResult>,
}

/// Result of the change of one transfer.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangeResult {
    /// Id of the transfer.
    id: TransferId,
    /// Whether the transfer was changed.
    ok: bool,
    /// Error code, as in GraphQL, if the change was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "CONFLICT")]
    code: Option<String>,
    /// What went wrong, in one sentence, if the change was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<TransferOutcomes> for ChangedData {
    fn from(outcomes: TransferOutcomes) -> Self {
        let result = |(id, outcome): (TransferId, Result<Transfer>)| {
            let error = outcome.err();
            let code = error.as_ref().map(|error| error.code().to_string());
            ChangeResult { id, ok: error.is_none(), code, error: error.map(|error| error.to_string()) }
        };
        Self { results: outcomes.into_iter().map(result).collect() }
    }
}

/// A batch of reports.
#[derive(ToSchema)]
#[schema(example = json!({ "updates": [
    { "id": "0199c1f0-6c00-7000-8000-000000000001", "status": "running", "progress": 45, "bytesTransferred": 471_859 },
] }))]
pub(super) struct UpdateTransfers {
    /// The reports.
    #[schema(min_items = 1, max_items = 500, value_type = Vec<TransferUpdate>)]
    updates: Vec<Value>,
}

/// The description of one report of a batch: the fields of a single report, and the id of the transfer.
struct TransferUpdate;

impl PartialSchema for TransferUpdate {
    fn schema() -> RefOr<Schema> {
        let text = "Id of the transfer. If it is not a UUID, the status of this report is 404.";
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(text));
        let id = ObjectBuilder::new().property("id", text).required("id");
        let both = AllOfBuilder::new()
            .description(Some("A report in a batch."))
            .item(Ref::from_schema_name("UpdateTransfer"))
            .item(id);
        RefOr::T(Schema::AllOf(both.build()))
    }
}

impl ToSchema for TransferUpdate {}

impl FromFields for UpdateTransfers {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let updates = fields.required("updates", &[], |value| match value {
            Value::Array(updates) if (1..=MAX_UPDATES).contains(&updates.len()) => Ok(updates),
            _ => Err(format!("must be an array of 1 to {MAX_UPDATES} updates")),
        });
        Some(Self { updates: updates? })
    }
}

/// Create a new file transfer
///
/// Passwords in the source and the destination are removed and never stored.
#[utoipa::path(post, path = "/api/transfers", tag = "Transfers", security(("apiKey" = [])), request_body = CreateTransfer,
    responses((status = 201, description = "The transfer", body = Success<TransferData>)))]
pub(super) async fn create_transfer(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<CreateTransfer>,
) -> Answer<TransferData> {
    let (who, input) = (actor.clone(), body.input);
    let create =
        |cp: super::Shared, claim: Option<_>| async move { cp.create_transfer(&who, input, claim.as_ref()).await };
    let transfer = api
        .cp
        .with_idempotency(&actor, Permission::CreateTransfer, "create_transfer", key.as_deref(), &body.raw, create)
        .await?;
    Ok(Reply::created(TransferData { transfer }))
}

/// List all transfers
///
/// Newest first, unless `sort` is given. The total is exact without filters and with filters by customer, agent or status.
/// With other filters, counting stops at 10,000.
///
/// With `Accept: text/csv` or `Accept: application/x-ndjson` the answer is a file with all transfers of the filter, at most
/// 1,000,000, without those that are created meanwhile; `page` and `limit` are ignored.
#[utoipa::path(get, path = "/api/transfers", tag = "Transfers", security(("bearer" = [])),
    params(super::openapi::Paging, super::openapi::TransferSortQuery, super::openapi::StatusQuery, TransferFilter),
    responses((status = 200, description = "A page of transfers, or a file with all",
        content((Success<TransfersData> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub(super) async fn list_transfers(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    MaybeExport(export): MaybeExport,
    Query(query): Query<((PageRequest, TransferSort), TransferFilter)>,
) -> Result<Response, Failure> {
    let ((request, sort), mut filter) = query;
    let Some(export) = export else {
        let page = api.cp.list_transfers(&actor, &filter, sort, request).await?;
        return Ok(List::small(TransfersData::from(page)).into_response());
    };
    if sort != TransferSort::default() {
        // Newer ones could come anywhere; newest first they would come before the first page.
        let now = api.cp.now();
        filter.created_before = Some(Instant(filter.created_before.map_or(now, |before| before.0.min(now))));
    }
    let (cp, who) = (Arc::clone(&api.cp), actor.clone());
    let list = move |after: Option<ExportPlace>| {
        let (cp, actor, filter) = (Arc::clone(&cp), who.clone(), filter.clone());
        async move { cp.export_transfers(&actor, &filter, sort, after.as_ref(), PAGE).await }.boxed()
    };
    export.pages(&api, &actor, list).await
}

/// Get a transfer
#[utoipa::path(get, path = "/api/transfers/{id}", tag = "Transfers", security(("bearer" = [])),
    params(("id" = TransferId, Path, description = "The transfer's id")),
    responses((status = 200, description = "The transfer", body = Success<TransferData>)))]
pub(super) async fn get_transfer(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<TransferId>,
) -> Answer<TransferData> {
    Ok(Reply::ok(TransferData { transfer: api.cp.get_transfer(&actor, id).await? }))
}

/// Update a transfer's progress and status
///
/// The answer comes after the report is stored. Progress and bytes never decrease within an attempt: a lower value is
/// ignored.
#[utoipa::path(patch, path = "/api/transfers/{id}", tag = "Transfers", security(("apiKey" = [])),
    params(("id" = TransferId, Path, description = "The transfer's id")), request_body = UpdateTransfer,
    responses((status = 200, description = "The transfer, and waiting directives", body = Success<ReportedData>)))]
pub(super) async fn update_transfer(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    Id(id): Id<TransferId>,
    PrefersMinimal(prefers_minimal): PrefersMinimal,
    body: Body<UpdateTransfer>,
) -> PreferredAnswer<ReportedData> {
    let reported = body.input.attempt;
    let (transfer, directives) = api.cp.update_transfer(&actor, id, body.input).await?;
    let is_minimal = prefers_minimal && directives.is_empty() && is_attempt_of(reported, &transfer);
    Ok(Preferred::new(ReportedData { transfer, directives }, is_minimal))
}

/// Update several transfers at once
///
/// The batch counts as one request. Each report has its own result; a refused report does not affect the others.
#[utoipa::path(patch, path = "/api/transfers", tag = "Transfers", security(("apiKey" = [])), request_body = UpdateTransfers,
    responses((status = 200, description = "The results, and waiting directives", body = Success<BatchData>)))]
pub(super) async fn update_transfers(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    PrefersMinimal(prefers_minimal): PrefersMinimal,
    body: Body<UpdateTransfers>,
) -> PreferredAnswer<BatchData> {
    let (ids, updates): (Vec<Value>, Vec<(TransferId, Result<UpdateTransfer>)>) =
        body.input.updates.into_iter().map(update).unzip();
    let reported: Vec<Option<i64>> =
        updates.iter().map(|(_, update)| update.as_ref().ok().and_then(|update| update.attempt)).collect();
    let (outcomes, directives) = api.cp.update_transfers(&actor, updates).await?;
    let is_as_reported = |(reported, outcome): (Option<i64>, &Result<Box<Transfer>>)| {
        outcome.as_ref().is_ok_and(|transfer| is_attempt_of(reported, transfer))
    };
    let is_minimal =
        prefers_minimal && directives.is_empty() && reported.into_iter().zip(&outcomes).all(is_as_reported);
    let results = ids.into_iter().zip(outcomes).map(|(id, outcome)| UpdateResult::new(id, outcome)).collect();
    Ok(Preferred::new(BatchData { results, directives }, is_minimal))
}

/// Whether the attempt that a report names, if it names one, is the current one.
fn is_attempt_of(reported: Option<i64>, transfer: &Transfer) -> bool {
    reported.is_none_or(|attempt| attempt == transfer.attempt)
}

/// Retry several failed transfers
///
/// The request counts once, and each transfer has its own result: what is not failed, or not visible to the caller, does
/// not affect the others. A filter that selects more than 500 transfers is refused, and changes nothing.
#[utoipa::path(post, path = "/api/transfers/retry", tag = "Transfers", security(("bearer" = [])), request_body = SelectTransfers,
    responses((status = 200, description = "The results", body = Success<ChangedData>)))]
pub(super) async fn retry_transfers(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    body: Body<SelectTransfers>,
) -> Answer<ChangedData> {
    Ok(Reply::ok(api.cp.retry_transfers(&actor, &body.input.selection()?).await?.into()))
}

/// Cancel several transfers
///
/// A queued transfer is cancelled at once, a running one when its agent confirms or when the lease ends. The request
/// counts once, and each transfer has its own result. A filter that selects more than 500 transfers is refused, and
/// changes nothing.
#[utoipa::path(post, path = "/api/transfers/cancel", tag = "Transfers", security(("bearer" = [])), request_body = SelectTransfers,
    responses((status = 200, description = "The results", body = Success<ChangedData>)))]
pub(super) async fn cancel_transfers(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    body: Body<SelectTransfers>,
) -> Answer<ChangedData> {
    Ok(Reply::ok(api.cp.cancel_transfers(&actor, &body.input.selection()?).await?.into()))
}

/// The id as it was sent, and the report. A text that is not an id is answered with 404.
fn update(update: Value) -> (Value, (TransferId, Result<UpdateTransfer>)) {
    let nothing = TransferId(uuid::Uuid::nil());
    let Value::Object(fields) = update else {
        return (Value::Null, (nothing, Err(Error::Invalid("an update must be a JSON object".to_owned()))));
    };
    let id = fields.get("id").cloned().unwrap_or(Value::Null);
    let parsed = match &id {
        Value::Null => Err(Error::field("id", "is required")),
        Value::String(text) => text.parse().map_err(|_| Error::NotFound("transfer")),
        _ => Err(Error::field("id", "must be a UUID")),
    };
    let update = match parsed {
        Ok(parsed) => (parsed, UpdateTransfer::read(fields)),
        Err(error) => (nothing, Err(error)),
    };
    (id, update)
}

impl UpdateResult {
    fn new(id: Value, outcome: Result<Box<Transfer>>) -> Self {
        let id = if id.is_string() { id } else { Value::Null };
        match outcome {
            Ok(transfer) => Self { id, status: 200, transfer: Some(transfer), error: None, details: None },
            Err(error) => Self {
                id,
                status: http_status(error.code()).as_u16(),
                transfer: None,
                error: Some(error.to_string()),
                details: error.details(),
            },
        }
    }
}
