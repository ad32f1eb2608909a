//! What a transfer links to, and the fields that GraphQL shows in another form than REST.

use async_graphql::{ComplexObject, Context};

use super::context::loader;
use crate::model::{agent::Agent, customer::Customer, scalar::ByteCount, transfer::Transfer};

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
}
