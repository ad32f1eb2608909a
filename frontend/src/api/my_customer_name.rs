//! The name of the signed-in user's customer, which the response to the sign-in does not contain.

use cynic::QueryBuilder;

use super::{Request, customers::CustomerName, schema};

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetMe {
    me: Me,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "User")]
struct Me {
    customer: Option<CustomerName>,
}

/// Gets the name of the user's customer; `None` for administrators.
pub(crate) fn customer_name() -> Request<Option<String>> {
    Request::new(&GetMe::build(()), |found| Ok(found.me.customer.map(|customer| customer.name)))
}
