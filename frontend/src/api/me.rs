//! The caller's own user, for what signing in does not say.

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

/// What the caller's customer is called; nothing for those who belong to none.
pub(crate) fn customer_name() -> Request<Option<String>> {
    Request::new(&GetMe::build(()), |found| Ok(found.me.customer.map(|customer| customer.name)))
}
