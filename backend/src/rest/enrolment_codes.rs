//! The routes of enrolment codes.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::UserCaller,
    envelope::{Answer, DeletedData, Reply, Success},
    extract::{Id, OptionalBody, Query},
    list_response::{List, ListAnswer, listed},
};
use crate::{
    ids::{CustomerId, EnrolmentCodeId},
    model::{
        PageRequest, Pagination,
        enrolment_code::{CreateEnrolmentCode, EnrolmentCode},
    },
};

/// An enrolment code.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnrolmentCodeData {
    /// The enrolment code.
    enrolment_code: EnrolmentCode,
}

/// A page of enrolment codes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnrolmentCodesData {
    /// Enrolment codes on this page. `code` contains only the beginning of each.
    enrolment_codes: Vec<EnrolmentCode>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(EnrolmentCodesData, "enrolmentCodes", enrolment_codes: EnrolmentCode);

/// Create an enrolment code
///
/// Only this answer contains the whole code.
#[utoipa::path(post, path = "/api/customers/{id}/enrolment-codes", tag = "Customers", security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer's id")), request_body = Option<CreateEnrolmentCode>,
    responses((status = 201, description = "The enrolment code", body = Success<EnrolmentCodeData>)))]
pub(super) async fn create_enrolment_code(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<CustomerId>,
    body: OptionalBody<CreateEnrolmentCode>,
) -> Answer<EnrolmentCodeData> {
    let enrolment_code = api.cp.create_enrolment_code(&actor, id, body.input).await?;
    Ok(Reply::created(EnrolmentCodeData { enrolment_code }))
}

/// List enrolment codes
#[utoipa::path(get, path = "/api/customers/{id}/enrolment-codes", tag = "Customers", security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer's id"), super::openapi::Paging),
    responses((status = 200, description = "A page of enrolment codes", body = Success<EnrolmentCodesData>)))]
pub(super) async fn list_enrolment_codes(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<CustomerId>,
    Query(request): Query<PageRequest>,
) -> ListAnswer<EnrolmentCodesData> {
    let page = api.cp.list_enrolment_codes(&actor, id, request).await?;
    Ok(List::small(EnrolmentCodesData { pagination: page.pagination(), enrolment_codes: page.items }))
}

/// Delete an enrolment code
///
/// Agents that registered with it are not affected.
#[utoipa::path(delete, path = "/api/enrolment-codes/{id}", tag = "Customers", security(("bearer" = [])),
    params(("id" = EnrolmentCodeId, Path, description = "The enrolment code's id")),
    responses((status = 200, description = "The enrolment code is deleted", body = Success<DeletedData>)))]
pub(super) async fn delete_enrolment_code(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<EnrolmentCodeId>,
) -> Answer<DeletedData> {
    api.cp.delete_enrolment_code(&actor, id).await?;
    Ok(Reply::ok(DeletedData { deleted: true }))
}
