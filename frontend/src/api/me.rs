//! The caller's own user, for what signing in does not say.

use cynic::QueryBuilder;

use super::{ApiError, customers::CustomerName, schema};
use crate::session::Session;

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
pub(crate) async fn customer_name(session: Session) -> Result<Option<String>, ApiError> {
    Ok(super::run(session, GetMe::build(())).await?.me.customer.map(|customer| customer.name))
}
