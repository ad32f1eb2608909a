//! What a transfer links to, what its viewer may do with it, and the fields that GraphQL shows in another form than
//! REST.

use async_graphql::{ComplexObject, Context};

use super::context::{loader, viewer_may};
use crate::{
    actor::Permission,
    model::{agent::Agent, customer::Customer, scalar::ByteCount, transfer::Transfer},
};

#[ComplexObject]
impl Transfer {
    /// The agent that makes it; nothing once that was revoked.
    async fn agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Agent>> {
        Ok(loader(ctx)?.load_one(self.agent_id).await?)
    }

    /// The agent's name, or its host name where it has none.
    async fn agent_name(&self) -> &str {
        &self.agent.name
    }

    /// The agent's host name.
    async fn agent_hostname(&self) -> &str {
        &self.agent.hostname
    }

    /// Whose transfer it is.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        Ok(loader(ctx)?.load_one(self.customer_id).await?)
    }

    /// How many bytes there are in all; 0 when unknown, see `sizeKnown`.
    async fn bytes_total(&self) -> ByteCount {
        ByteCount(self.bytes_total)
    }

    /// How many bytes have arrived; never goes back within one attempt.
    async fn bytes_transferred(&self) -> ByteCount {
        ByteCount(self.bytes_transferred)
    }

    /// Seconds until it will be done at the present speed, while it runs and that can be told.
    async fn eta_seconds(&self) -> Option<i32> {
        // Longer than an `Int` holds is 68 years: that cannot be told.
        self.eta_seconds.and_then(|seconds| i32::try_from(seconds).ok())
    }

    /// Whether the viewer may cancel it now: it has not ended, and nobody has asked for its end yet.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        let is_possible = self.status.can_be_cancelled() && self.cancel_requested_at.is_none();
        is_possible && viewer_may(ctx, Permission::CancelTransfer)
    }

    /// Whether the viewer may ask for another attempt now: it has failed, and its agent was not revoked.
    async fn viewer_can_retry(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let is_possible = self.status.can_be_retried() && viewer_may(ctx, Permission::RetryTransfer);
        Ok(is_possible && loader(ctx)?.load_one(self.agent_id).await?.is_some())
    }
}
