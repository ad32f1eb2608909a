//! Transfers over REST.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, ObjectBuilder, Ref, RefOr, Schema, Type},
};

use super::{
    Api,
    caller::{AgentCaller, UserCaller},
    envelope::{Answer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, Query},
    list::{List, ListAnswer, listed},
};
use crate::{
    error::{Error, Result},
    ids::TransferId,
    model::{
        Fields, FromFields, Page, Pagination, Window,
        directive::Directive,
        transfer::{CreateTransfer, Transfer, TransferFilter, UpdateTransfer},
    },
    transport::http_status,
};

/// The most updates of a batch.
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
    /// What waits for the agent.
    directives: Vec<Directive>,
}

/// Transfers.
#[derive(Serialize, ToSchema)]
pub(super) struct TransfersData {
    /// The transfers of this page.
    transfers: Vec<Transfer>,
    /// Where it stands.
    pagination: Pagination,
}

listed!(TransfersData, "transfers", transfers: Transfer);

impl From<Page<Transfer>> for TransfersData {
    fn from(page: Page<Transfer>) -> Self {
        Self { pagination: page.pagination(), transfers: page.items }
    }
}

/// The outcomes of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchData {
    /// One outcome for each update, in their order.
    results: Vec<UpdateResult>,
    /// What waits for the agent.
    directives: Vec<Directive>,
}

/// What became of one update of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct UpdateResult {
    /// The id, as it was sent.
    #[schema(required, value_type = Option<String>)]
    id: Value,
    /// The status code that this update alone would have had.
    #[schema(minimum = 200, maximum = 599, example = 200)]
    status: u16,
    /// The transfer, if the update was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<Box<Transfer>>,
    /// What went wrong, if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// More for programs, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
}

/// Several updates at once.
#[derive(ToSchema)]
#[schema(example = json!({ "updates": [
    { "id": "0199c1f0-6c00-7000-8000-000000000001", "status": "running", "progress": 45, "bytesTransferred": 471_859 },
] }))]
pub(super) struct UpdateTransfers {
    /// The updates.
    #[schema(min_items = 1, max_items = 500, value_type = Vec<TransferUpdate>)]
    updates: Vec<Value>,
}

/// One update of a batch: what an update alone says, and of which transfer.
struct TransferUpdate;

impl PartialSchema for TransferUpdate {
    fn schema() -> RefOr<Schema> {
        let text = "Which transfer. What is no UUID names none: 404 for this update alone.";
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(text));
        let id = ObjectBuilder::new().property("id", text).required("id");
        let both = AllOfBuilder::new()
            .description(Some("One update of a batch."))
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
/// Passwords in the source and the destination are removed on arrival and never stored.
#[utoipa::path(post, path = "/api/transfers", tag = "Transfers", security(("apiKey" = [])), request_body = CreateTransfer,
    responses((status = 201, description = "The transfer", body = Success<TransferData>)))]
pub(super) async fn create_transfer(
    State(api): State<Api>,
    AgentCaller(actor): AgentCaller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<CreateTransfer>,
) -> Answer<TransferData> {
    let (who, input) = (actor.clone(), body.input);
    let create =
        |cp: super::Shared, claim: Option<_>| async move { cp.create_transfer(&who, input, claim.as_ref()).await };
    let transfer = api.cp.with_idempotency(&actor, "create_transfer", key.as_deref(), &body.raw, create).await?;
    Ok(Reply::created(TransferData { transfer }))
}

/// List all transfers
///
/// Newest first. The total is exact by agent and status; with other filters counting stops at 10,000.
#[utoipa::path(get, path = "/api/transfers", tag = "Transfers", security(("bearer" = [])),
    params(super::openapi::Paging, super::openapi::StatusQuery, TransferFilter),
    responses((status = 200, description = "A page of transfers", body = Success<TransfersData>)))]
pub(super) async fn list_transfers(
    State(api): State<Api>,
    UserCaller(actor): UserCaller,
    Query((window, filter)): Query<(Window, TransferFilter)>,
) -> ListAnswer<TransfersData> {
    Ok(List::small(api.cp.list_transfers(&actor, &filter, window).await?.into()))
}

/// Get a transfer
#[utoipa::path(get, path = "/api/transfers/{id}", tag = "Transfers", security(("bearer" = [])),
    params(("id" = TransferId, Path, description = "The transfer's id")),
    responses((status = 200, description = "The transfer", body = Success<TransferData>)))]
pub(super) async fn get_transfer(
    State(api): State<Api>,
    UserCaller(actor): UserCaller,
    Id(id): Id<TransferId>,
) -> Answer<TransferData> {
    Ok(Reply::ok(TransferData { transfer: api.cp.get_transfer(&actor, id).await? }))
}

/// Update a transfer's progress and status
///
/// Answered when it is durable. Figures never go back within an attempt: a late lower one is ignored.
#[utoipa::path(patch, path = "/api/transfers/{id}", tag = "Transfers", security(("apiKey" = [])),
    params(("id" = TransferId, Path, description = "The transfer's id")), request_body = UpdateTransfer,
    responses((status = 200, description = "The transfer, and what waits for the agent", body = Success<ReportedData>)))]
pub(super) async fn update_transfer(
    State(api): State<Api>,
    AgentCaller(actor): AgentCaller,
    Id(id): Id<TransferId>,
    body: Body<UpdateTransfer>,
) -> Answer<ReportedData> {
    let (transfer, directives) = api.cp.update_transfer(&actor, id, body.input).await?;
    Ok(Reply::ok(ReportedData { transfer, directives }))
}

/// Update several transfers at once
///
/// Counts as one request. Each update has an outcome of its own; one that is refused does not hold up the others.
#[utoipa::path(patch, path = "/api/transfers", tag = "Transfers", security(("apiKey" = [])), request_body = UpdateTransfers,
    responses((status = 200, description = "The outcomes, and what waits for the agent", body = Success<BatchData>)))]
pub(super) async fn update_transfers(
    State(api): State<Api>,
    AgentCaller(actor): AgentCaller,
    body: Body<UpdateTransfers>,
) -> Answer<BatchData> {
    let (ids, updates): (Vec<Value>, Vec<_>) = body.input.updates.into_iter().map(update).unzip();
    let (outcomes, directives) = api.cp.update_transfers(&actor, updates).await?;
    let results = ids.into_iter().zip(outcomes).map(|(id, outcome)| UpdateResult::new(id, outcome)).collect();
    Ok(Reply::ok(BatchData { results, directives }))
}

/// The id as it was sent, and what is to be done. An id that is none names nothing.
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
