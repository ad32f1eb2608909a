//! What jobs, their runs and the slots of their ledgers link to, what their viewer may do with them, and what GraphQL
//! shows in another form than REST.

use async_graphql::{ComplexObject, Context};

use super::{
    context::{loader, viewer_may},
    loaders::{NewestOfRun, NewestRunsOf, newest},
};
use crate::{
    actor::Permission,
    model::{
        agent::Agent,
        customer::Customer,
        job::{Job, JobRun, JobSlot},
        scalar::ByteCount,
        transfer::Transfer,
    },
};

/// How many runs of a job, or transfers of a run, are shown, unless said otherwise.
const NEWEST: i32 = 20;

#[ComplexObject]
impl Job {
    /// The agent that runs it; nothing once that was revoked.
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

    /// Whose job it is.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        Ok(loader(ctx)?.load_one(self.customer_id).await?)
    }

    /// Its newest runs. To go further back, or to filter, ask `jobRuns` with the filter `jobId`. For administrators.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "NEWEST", desc = "How many: 1 to 100.")] first: i32,
    ) -> async_graphql::Result<Vec<JobRun>> {
        let count = newest(first)?;
        Ok(loader(ctx)?.load_one(NewestRunsOf(self.id, count)).await?.unwrap_or_default())
    }

    /// Whether the viewer may run slots of the past now: it is enabled.
    async fn viewer_can_backfill(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::BackfillJob)
    }

    /// Whether the viewer may delete it.
    async fn viewer_can_delete(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::DeleteJob)
    }

    /// Whether the viewer may disable it now: it is enabled.
    async fn viewer_can_disable(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::UpdateJob)
    }

    /// Whether the viewer may enable it now: it is disabled, and its agent was not revoked.
    async fn viewer_can_enable(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let is_possible = !self.enabled && viewer_may(ctx, Permission::UpdateJob);
        Ok(is_possible && loader(ctx)?.load_one(self.agent_id).await?.is_some())
    }

    /// Whether the viewer may start it now: it is enabled. It is a conflict while a run is active that may not overlap.
    async fn viewer_can_run(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::RunJob)
    }

    /// Whether the viewer may change it.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::UpdateJob)
    }
}

#[ComplexObject]
impl JobRun {
    /// The job it is a run of; nothing once that was deleted.
    async fn job(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Job>> {
        Ok(loader(ctx)?.load_one(self.job_id).await?)
    }

    /// How many bytes have arrived: those of its transfers, where it has any.
    async fn bytes_transferred(&self) -> Option<ByteCount> {
        self.bytes_transferred.map(ByteCount)
    }

    /// Its newest transfers. To go further back, or to filter, ask `transfers` with the filter `jobRunId`.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "NEWEST", desc = "How many: 1 to 100.")] first: i32,
    ) -> async_graphql::Result<Vec<Transfer>> {
        let count = newest(first)?;
        Ok(loader(ctx)?.load_one(NewestOfRun(self.id, count)).await?.unwrap_or_default())
    }

    /// Whether the viewer may cancel it now: it has not ended, and nobody has asked for its end yet.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        let is_possible = self.status.can_be_cancelled() && self.cancel_requested_at.is_none();
        is_possible && viewer_may(ctx, Permission::CancelJobRun)
    }

    /// Whether the viewer may ask for another attempt now: it has failed or was cancelled, and its job is enabled. It is a
    /// conflict if there is another attempt already, or while a run is active that may not overlap.
    async fn viewer_can_retry(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let is_possible = self.status.can_be_retried() && viewer_may(ctx, Permission::RetryJobRun);
        Ok(is_possible && loader(ctx)?.load_one(self.job_id).await?.is_some_and(|job: Job| job.enabled))
    }
}

#[ComplexObject]
impl JobSlot {
    /// The job; nothing once that was deleted.
    async fn job(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Job>> {
        Ok(loader(ctx)?.load_one(self.job_id).await?)
    }

    /// The run it became; of several attempts the last.
    async fn run(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<JobRun>> {
        match self.run_id {
            Some(run) => Ok(loader(ctx)?.load_one(run).await?),
            None => Ok(None),
        }
    }
}
