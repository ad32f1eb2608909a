//! Enrolment codes: list, create, delete.

use cynic::{Id, MutationBuilder, QueryBuilder};

use super::{ById, ByIdFields, PAGE_SIZE, Page, Request, schema};
use crate::time::Instant;

/// An enrolment code. `code` is complete only in the response to its creation; other responses shorten it.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct EnrolmentCode {
    pub(crate) id: Id,
    pub(crate) code: String,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) max_uses: Option<i32>,
    pub(crate) uses: i32,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    customer_id: Id,
    first: i32,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListEnrolmentCodes {
    #[arguments(customerId: $customer_id, first: $first, page: $page)]
    enrolment_codes: EnrolmentCodeConnection,
}

#[derive(cynic::QueryFragment)]
struct EnrolmentCodeConnection {
    nodes: Vec<EnrolmentCode>,
    total_count: i32,
    total_is_at_least: bool,
}

/// The limits of a new code. By default, it has none.
#[derive(cynic::InputObject)]
#[cynic(graphql_type = "CreateEnrolmentCodeInput")]
pub(crate) struct CreateCode {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Instant>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) max_uses: Option<i32>,
}

#[derive(cynic::QueryVariables)]
struct CreateVariables {
    customer_id: Id,
    input: CreateCode,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateVariables")]
struct CreateEnrolmentCode {
    #[arguments(customerId: $customer_id, input: $input)]
    create_enrolment_code: EnrolmentCode,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct DeleteEnrolmentCode {
    #[arguments(id: $id)]
    delete_enrolment_code: Id,
}

/// One page of a customer's codes.
pub(crate) fn list(customer_id: &str, page: i32) -> Request<Page<EnrolmentCode>> {
    let variables = ListVariables { customer_id: Id::new(customer_id), first: PAGE_SIZE, page };
    Request::new(&ListEnrolmentCodes::build(variables), |ListEnrolmentCodes { enrolment_codes: found }| {
        Ok(Page { items: found.nodes, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Creates a code. Only this response contains it in full.
pub(crate) fn create(customer_id: &str, input: CreateCode) -> Request<EnrolmentCode> {
    let variables = CreateVariables { customer_id: Id::new(customer_id), input };
    Request::new(&CreateEnrolmentCode::build(variables), |created| Ok(created.create_enrolment_code))
}

/// Deletes a code: agents can no longer register with it.
pub(crate) fn delete(id: &str) -> Request<Id> {
    Request::new(&DeleteEnrolmentCode::build(ById::new(id)), |deleted| Ok(deleted.delete_enrolment_code))
}
