//! The routes of customers.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::{CustomerCreator, CustomerLister, UserCaller},
    envelope::{Answer, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, PrefersMinimal, Query},
    list_response::{List, ListAnswer, listed},
};
use crate::{
    actor::Permission,
    ids::CustomerId,
    model::{
        PageRequest, Pagination,
        customer::{CreateCustomer, Customer, UpdateCustomer},
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

/// Create a customer
#[utoipa::path(post, path = "/api/customers", tag = "Customers", security(("bearer" = [])),
    request_body = CreateCustomer,
    responses((status = 201, description = "The customer", body = Success<CustomerData>)))]
pub(super) async fn create_customer(
    State(api): State<ApiState>,
    CustomerCreator(actor): CustomerCreator,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<CreateCustomer>,
) -> Answer<CustomerData> {
    let (who, input) = (actor.clone(), body.input);
    let create =
        |cp: super::Shared, claim: Option<_>| async move { cp.create_customer(&who, input, claim.as_ref()).await };
    let customer = api
        .cp
        .with_idempotency(&actor, Permission::CreateCustomer, "create_customer", key.as_deref(), &body.raw, create)
        .await?;
    Ok(Reply::created(CustomerData { customer }))
}

/// List customers
#[utoipa::path(get, path = "/api/customers", tag = "Customers", security(("bearer" = [])), params(super::openapi::Paging),
    responses((status = 200, description = "A page of customers", body = Success<CustomersData>)))]
pub(super) async fn list_customers(
    State(api): State<ApiState>,
    CustomerLister(actor): CustomerLister,
    Query(request): Query<PageRequest>,
) -> ListAnswer<CustomersData> {
    let page = api.cp.list_customers(&actor, request).await?;
    Ok(List::small(CustomersData { pagination: page.pagination(), customers: page.items }))
}

/// Rename or suspend a customer
///
/// The users and agents of a suspended customer are refused at once.
#[utoipa::path(patch, path = "/api/customers/{id}", tag = "Customers", security(("bearer" = [])),
    params(("id" = CustomerId, Path, description = "The customer's id")), request_body = UpdateCustomer,
    responses((status = 200, description = "The customer", body = Success<CustomerData>)))]
pub(super) async fn update_customer(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<CustomerId>,
    PrefersMinimal(is_minimal): PrefersMinimal,
    body: Body<UpdateCustomer>,
) -> PreferredAnswer<CustomerData> {
    let customer = api.cp.update_customer(&actor, id, body.input).await?;
    Ok(Preferred::new(CustomerData { customer }, is_minimal))
}
