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

/// Customers.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomersData {
    /// The customers of this page.
    customers: Vec<Customer>,
    /// Where it stands.
    pagination: Pagination,
}

listed!(CustomersData, "customers", customers: Customer);

/// An enrolment code.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnrolmentCodeData {
    /// The code.
    enrolment_code: EnrolmentCode,
}

/// Enrolment codes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnrolmentCodesData {
    /// The codes of this page, without the codes themselves.
    enrolment_codes: Vec<EnrolmentCode>,
    /// Where it stands.
    pagination: Pagination,
}

listed!(EnrolmentCodesData, "enrolmentCodes", enrolment_codes: EnrolmentCode);

/// Something that is gone.
#[derive(Serialize, ToSchema)]
pub(super) struct DeletedData {
    /// Always true.
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
/// A suspended customer's users and agents are shut out at once.
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
/// The answer holds the code in full, this once.
#[utoipa::path(post, path = "/api/customers/{id}/enrolment-codes", tag = "Customers", security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer's id")), request_body = Option<CreateEnrolmentCode>,
    responses((status = 201, description = "The code", body = Success<EnrolmentCodeData>)))]
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
    responses((status = 200, description = "A page of codes", body = Success<EnrolmentCodesData>)))]
pub(super) async fn list_enrolment_codes(
    State(api): State<Api>,
    UserCaller(actor): UserCaller,
    Id(id): Id<CustomerId>,
    Query(window): Query<Window>,
) -> ListAnswer<EnrolmentCodesData> {
    let page = api.cp.list_enrolment_codes(&actor, id, window).await?;
    Ok(List::small(EnrolmentCodesData { pagination: page.pagination(), enrolment_codes: page.items }))
}

/// Withdraw an enrolment code
///
/// Agents that registered with it stay.
#[utoipa::path(delete, path = "/api/enrolment-codes/{id}", tag = "Customers", security(("bearer" = [])),
    params(("id" = EnrolmentCodeId, Path, description = "The code's id")),
    responses((status = 200, description = "It is gone", body = Success<DeletedData>)))]
pub(super) async fn delete_enrolment_code(
    State(api): State<Api>,
    UserCaller(actor): UserCaller,
    Id(id): Id<EnrolmentCodeId>,
) -> Answer<DeletedData> {
    api.cp.delete_enrolment_code(&actor, id).await?;
    Ok(Reply::ok(DeletedData { deleted: true }))
}
