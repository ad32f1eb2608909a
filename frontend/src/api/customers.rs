//! Customers: list, one's name, create, rename, suspend and let in again.

use cynic::{Id, MutationBuilder, QueryBuilder};

use super::{ApiError, ById, ByIdFields, PAGE_SIZE, Page, schema};
use crate::{session::Session, time::Instant};

/// A customer.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Customer {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) suspended: bool,
    pub(crate) created_at: Instant,
}

/// What a customer is called.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Customer")]
pub(crate) struct CustomerName {
    pub(crate) id: Id,
    pub(crate) name: String,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    first: i32,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListCustomers {
    #[arguments(first: $first, page: $page)]
    customers: CustomerConnection,
}

#[derive(cynic::QueryFragment)]
struct CustomerConnection {
    nodes: Vec<Customer>,
    total_count: i32,
    total_is_at_least: bool,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum CustomerNode {
    Customer(CustomerName),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetCustomer {
    #[arguments(id: $id)]
    node: Option<CustomerNode>,
}

#[derive(cynic::InputObject)]
struct CreateCustomerInput<'a> {
    name: &'a str,
}

#[derive(cynic::QueryVariables)]
struct CreateVariables<'a> {
    input: CreateCustomerInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateVariables")]
struct CreateCustomer {
    #[arguments(input: $input)]
    create_customer: Customer,
}

/// What to change of a customer.
#[derive(Default, cynic::InputObject)]
#[cynic(graphql_type = "UpdateCustomerInput")]
pub(crate) struct UpdateCustomer {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) suspended: Option<bool>,
}

#[derive(cynic::QueryVariables)]
struct UpdateVariables {
    id: Id,
    input: UpdateCustomer,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateVariables")]
struct UpdatedCustomer {
    #[arguments(id: $id, input: $input)]
    update_customer: Customer,
}

/// One page of the customers, newest first.
pub(crate) async fn list(session: Session, page: i32) -> Result<Page<Customer>, ApiError> {
    list_some(session, PAGE_SIZE, page).await
}

/// As [`list`], with up to 100 rows.
pub(crate) async fn list_some(session: Session, first: i32, page: i32) -> Result<Page<Customer>, ApiError> {
    let found = super::run(session, ListCustomers::build(ListVariables { first, page })).await?.customers;
    Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
}

/// What a customer is called.
pub(crate) async fn name(session: Session, id: &str) -> Result<String, ApiError> {
    match super::run(session, GetCustomer::build(ById::new(id))).await?.node {
        Some(CustomerNode::Customer(customer)) => Ok(customer.name),
        _ => Err(ApiError::Refused { code: "NOT_FOUND".to_owned(), message: "customer not found".to_owned() }),
    }
}

/// Makes a customer.
pub(crate) async fn create(session: Session, name: &str) -> Result<Customer, ApiError> {
    let variables = CreateVariables { input: CreateCustomerInput { name } };
    Ok(super::run(session, CreateCustomer::build(variables)).await?.create_customer)
}

/// Changes a customer.
pub(crate) async fn update(session: Session, id: &str, input: UpdateCustomer) -> Result<Customer, ApiError> {
    Ok(super::run(session, UpdatedCustomer::build(UpdateVariables { id: Id::new(id), input })).await?.update_customer)
}
