//! Customers and enrolment codes over REST.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api,
    caller::{CustomerCreator, CustomerLister, UserCaller},
    envelope::{Answer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, OptionalBody, Query},
    list::{List, ListAnswer, listed},
};
use crate::{
    ids::{CustomerId, EnrolmentCodeId},
    model::{
        Pagination, Window,
        customer::{CreateCustomer, CreateEnrolmentCode, Customer, EnrolmentCode, UpdateCustomer},
    },
};

/// A customer.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomerData {
    /// The customer.
    customer: Customer,
}

/// A page of customers.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomersData {
    /// Customers on this page.
    customers: Vec<Customer>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(CustomersData, "customers", customers: Customer);

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

/// Confirmation of a deletion.
#[derive(Serialize, ToSchema)]
pub(super) struct DeletedData {
    /// Always `true`.
    #[schema(example = true)]
    pub(super) deleted: bool,
}

/// Create a customer
#[utoipa::path(post, path = "/api/customers", tag = "Customers", security(("bearer" = [])),
    request_body = CreateCustomer,
    responses((status = 201, description = "The customer", body = Success<CustomerData>)))]
pub(super) async fn create_customer(
    State(api): State<Api>,
    CustomerCreator(actor): CustomerCreator,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<CreateCustomer>,
) -> Answer<CustomerData> {
    let (who, input) = (actor.clone(), body.input);
    let create =
        |cp: super::Shared, claim: Option<_>| async move { cp.create_customer(&who, input, claim.as_ref()).await };
    let customer = api.cp.with_idempotency(&actor, "create_customer", key.as_deref(), &body.raw, create).await?;
    Ok(Reply::created(CustomerData { customer }))
}

/// List customers
#[utoipa::path(get, path = "/api/customers", tag = "Customers", security(("bearer" = [])), params(super::openapi::Paging),
    responses((status = 200, description = "A page of customers", body = Success<CustomersData>)))]
pub(super) async fn list_customers(
    State(api): State<Api>,
    CustomerLister(actor): CustomerLister,
    Query(window): Query<Window>,
) -> ListAnswer<CustomersData> {
    let page = api.cp.list_customers(&actor, window).await?;
    Ok(List::small(CustomersData { pagination: page.pagination(), customers: page.items }))
}

/// Rename or suspend a customer
///
/// The users and agents of a suspended customer are refused at once.
#[utoipa::path(patch, path = "/api/customers/{id}", tag = "Customers", security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer's id")), request_body = UpdateCustomer,
    responses((status = 200, description = "The customer", body = Success<CustomerData>)))]
pub(super) async fn update_customer(
    State(api): State<Api>,
    UserCaller(actor): UserCaller,
    Id(id): Id<CustomerId>,
    body: Body<UpdateCustomer>,
) -> Answer<CustomerData> {
    Ok(Reply::ok(CustomerData { customer: api.cp.update_customer(&actor, id, body.input).await? }))
}

/// Create an enrolment code
///
/// Only this answer contains the whole code.
#[utoipa::path(post, path = "/api/customers/{id}/enrolment-codes", tag = "Customers", security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer's id")), request_body = Option<CreateEnrolmentCode>,
    responses((status = 201, description = "The enrolment code", body = Success<EnrolmentCodeData>)))]
pub(super) async fn create_enrolment_code(
    State(api): State<Api>,
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
    State(api): State<Api>,
    UserCaller(actor): UserCaller,
    Id(id): Id<CustomerId>,
    Query(window): Query<Window>,
) -> ListAnswer<EnrolmentCodesData> {
    let page = api.cp.list_enrolment_codes(&actor, id, window).await?;
    Ok(List::small(EnrolmentCodesData { pagination: page.pagination(), enrolment_codes: page.items }))
}

/// Delete an enrolment code
///
/// Agents that registered with it are not affected.
#[utoipa::path(delete, path = "/api/enrolment-codes/{id}", tag = "Customers", security(("bearer" = [])),
    params(("id" = EnrolmentCodeId, Path, description = "The enrolment code's id")),
    responses((status = 200, description = "The enrolment code is deleted", body = Success<DeletedData>)))]
pub(super) async fn delete_enrolment_code(
    State(api): State<Api>,
    UserCaller(actor): UserCaller,
    Id(id): Id<EnrolmentCodeId>,
) -> Answer<DeletedData> {
    api.cp.delete_enrolment_code(&actor, id).await?;
    Ok(Reply::ok(DeletedData { deleted: true }))
}
