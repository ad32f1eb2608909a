//! The GraphQL fields of agents that load related objects or depend on the viewer's permissions.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};

use super::{
    context::{loader, viewer_may},
    loaders::{NewestOf, newest},
};
use crate::{
    actor::Permission,
    ids::{JobId, TransferId},
    model::{Instant, agent::Agent, customer::Customer, directive::Directive, transfer::Transfer},
};

/// The maximum number of directives that the query `agentDirectives` lists.
pub(super) const DIRECTIVES: usize = 100;

/// A directive that its agent has not acknowledged.
#[derive(SimpleObject)]
pub(crate) struct WaitingDirective {
    /// Id of the directive.
    id: ID,
    /// Type of the directive, such as `startJob`.
    #[graphql(name = "type")]
    kind: String,
    /// Time at which the directive was created.
    created_at: Instant,
    /// Time from which the directive is no longer delivered.
    expires_at: Instant,
    /// Job that the directive starts.
    job_id: Option<JobId>,
    /// Transfer that the directive cancels or retries.
    transfer_id: Option<TransferId>,
}

impl From<Directive> for WaitingDirective {
    fn from(directive: Directive) -> Self {
        Self {
            id: ID(directive.id.to_string()),
            kind: directive.action.name().to_owned(),
            created_at: directive.created_at,
            expires_at: directive.expires_at,
            job_id: directive.action.job(),
            transfer_id: directive.action.transfer(),
        }
    }
}

/// The default of `first` for the transfers of an agent.
const NEWEST: i32 = 20;

#[ComplexObject]
impl Agent {
    /// The customer that owns the agent.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        Ok(loader(ctx)?.load_one(self.customer_id).await?)
    }

    /// The newest transfers of the agent. For older ones or other filters, query `transfers` with the filter `agentId`.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "NEWEST", desc = "Number of items, 1 to 100.")] first: i32,
    ) -> async_graphql::Result<Vec<Transfer>> {
        let count = newest(first)?;
        Ok(loader(ctx)?.load_one(NewestOf(self.id, count)).await?.unwrap_or_default())
    }

    /// Whether the viewer may revoke the agent.
    async fn viewer_can_revoke(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::RevokeAgent)
    }

    /// Whether the viewer may create a new API key for the agent, and request that the agent replaces its key itself.
    async fn viewer_can_rotate_key(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::RotateAgentKey) && viewer_may(ctx, Permission::RequestKeyRotation)
    }
}
