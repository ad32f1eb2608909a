//! The GraphQL field that loads the customer of a user.

use async_graphql::{ComplexObject, Context};

use super::context::loader;
use crate::model::{account::User, customer::Customer};

#[ComplexObject]
impl User {
    /// The customer of the user; null for an administrator.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        match self.customer_id {
            Some(customer) => Ok(loader(ctx)?.load_one(customer).await?),
            None => Ok(None),
        }
    }
}
