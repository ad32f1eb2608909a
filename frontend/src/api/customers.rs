//! Customers: list, get the name, create, rename, suspend and reactivate.

use cynic::{Id, MutationBuilder, QueryBuilder};
use mftplus_protocol::error_code::Code;

use super::{ApiError, ById, ByIdFields, Page, Request, schema};
use crate::time::Instant;

/// A customer.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Customer {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) suspended: bool,
    pub(crate) created_at: Instant,
}

/// The id and name of a customer.
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

/// Changes to a customer. A field with `None` is not changed.
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

/// One page of the customers, newest first, with up to 100 rows.
pub(crate) fn list_some(first: i32, page: i32) -> Request<Page<Customer>> {
    Request::new(&ListCustomers::build(ListVariables { first, page }), |ListCustomers { customers: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Gets the name of a customer.
pub(crate) fn name(id: &str) -> Request<String> {
    Request::new(&GetCustomer::build(ById::new(id)), |found| match found.node {
        Some(CustomerNode::Customer(customer)) => Ok(customer.name),
        _ => Err(ApiError::Refused {
            code: Code::NotFound.as_str().to_owned(),
            message: "customer not found".to_owned(),
        }),
    })
}

/// Creates a customer.
pub(crate) fn create(name: &str) -> Request<Customer> {
    let variables = CreateVariables { input: CreateCustomerInput { name } };
    Request::new(&CreateCustomer::build(variables), |created| Ok(created.create_customer))
}

/// Changes a customer.
pub(crate) fn update(id: &str, input: UpdateCustomer) -> Request<Customer> {
    let variables = UpdateVariables { id: Id::new(id), input };
    Request::new(&UpdatedCustomer::build(variables), |updated| Ok(updated.update_customer))
}
