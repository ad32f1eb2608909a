//! What an agent links to, and what its viewer may do with it.

use async_graphql::{ComplexObject, Context};

use super::{
    context::{loader, viewer_may},
    loaders::{NewestOf, newest},
};
use crate::{
    actor::Permission,
    model::{agent::Agent, customer::Customer, transfer::Transfer},
};

/// How many transfers of an agent are shown, unless said otherwise.
const NEWEST: i32 = 20;

#[ComplexObject]
impl Agent {
    /// Whose agent it is.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        Ok(loader(ctx)?.load_one(self.customer_id).await?)
    }

    /// Its newest transfers. To go further back, or to filter, ask `transfers` with the filter `agentId`.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "NEWEST", desc = "How many: 1 to 100.")] first: i32,
    ) -> async_graphql::Result<Vec<Transfer>> {
        let count = newest(first)?;
        Ok(loader(ctx)?.load_one(NewestOf(self.id, count)).await?.unwrap_or_default())
    }

    /// Whether the viewer may revoke it.
    async fn viewer_can_revoke(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::RevokeAgent)
    }

    /// Whether the viewer may create a new key for it.
    async fn viewer_can_rotate_key(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::RotateAgentKey)
    }
}
