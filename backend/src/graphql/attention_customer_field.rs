//! The GraphQL field that loads the customer of an attention item.

use async_graphql::{ComplexObject, Context};

use super::context::loader;
use crate::model::{attention::AttentionItem, customer::Customer};

#[ComplexObject]
impl AttentionItem {
    /// The customer of the group; null for pipelines of the platform.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        match self.customer_id {
            Some(customer) => Ok(loader(ctx)?.load_one(customer).await?),
            None => Ok(None),
        }
    }
}
