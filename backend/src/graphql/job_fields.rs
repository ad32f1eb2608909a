//! The GraphQL fields of jobs, job runs and slots that load related objects, depend on the viewer's permissions, or
//! have another form than in REST.

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

/// The default of `first` for the runs of a job and the transfers of a run.
const NEWEST: i32 = 20;

#[ComplexObject]
impl Job {
    /// The agent that runs the job; null if it was revoked.
    async fn agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Agent>> {
        Ok(loader(ctx)?.load_one(self.agent_id).await?)
    }

    /// Name of the agent, or its host name if it has no name.
    async fn agent_name(&self) -> &str {
        &self.agent.name
    }

    /// Host name of the agent.
    async fn agent_hostname(&self) -> &str {
        &self.agent.hostname
    }

    /// The customer that owns the job.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        Ok(loader(ctx)?.load_one(self.customer_id).await?)
    }

    /// The newest runs of the job. For older ones or other filters, query `jobRuns` with the filter `jobId`. For
    /// administrators.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "NEWEST", desc = "Number of items, 1 to 100.")] first: i32,
    ) -> async_graphql::Result<Vec<JobRun>> {
        let count = newest(first)?;
        Ok(loader(ctx)?.load_one(NewestRunsOf(self.id, count)).await?.unwrap_or_default())
    }

    /// Whether the viewer may run past slots of the job now; false while the job is disabled.
    async fn viewer_can_backfill(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::BackfillJob)
    }

    /// Whether the viewer may delete the job.
    async fn viewer_can_delete(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::DeleteJob)
    }

    /// Whether the viewer may disable the job now; false if it is already disabled.
    async fn viewer_can_disable(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::UpdateJob)
    }

    /// Whether the viewer may enable the job now; false if it is already enabled or its agent is revoked.
    async fn viewer_can_enable(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let is_possible = !self.enabled && viewer_may(ctx, Permission::UpdateJob);
        Ok(is_possible && loader(ctx)?.load_one(self.agent_id).await?.is_some())
    }

    /// Whether the viewer may start a run now; false while the job is disabled. Starting a run still fails with a
    /// conflict while a run is active and `overlap` does not allow a second one.
    async fn viewer_can_run(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::RunJob)
    }

    /// Whether the viewer may change the job.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::UpdateJob)
    }
}

#[ComplexObject]
impl JobRun {
    /// The job of the run; null if it was deleted.
    async fn job(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Job>> {
        Ok(loader(ctx)?.load_one(self.job_id).await?)
    }

    /// Bytes copied so far: the sum over the run's transfers, or what the agent reported if there are none.
    async fn bytes_transferred(&self) -> Option<ByteCount> {
        self.bytes_transferred.map(ByteCount)
    }

    /// The newest transfers of the run. For older ones or other filters, query `transfers` with the filter `jobRunId`.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "NEWEST", desc = "Number of items, 1 to 100.")] first: i32,
    ) -> async_graphql::Result<Vec<Transfer>> {
        let count = newest(first)?;
        Ok(loader(ctx)?.load_one(NewestOfRun(self.id, count)).await?.unwrap_or_default())
    }

    /// Whether the viewer may cancel the run now; false if the run has ended or a cancel request is open.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        let is_possible = self.status.can_be_cancelled() && self.cancel_requested_at.is_none();
        is_possible && viewer_may(ctx, Permission::CancelJobRun)
    }

    /// Whether the viewer may retry the run now; false unless the run has failed or was cancelled and its job is
    /// enabled. Retrying still fails with a conflict if a later attempt exists, or while a run is active and `overlap`
    /// does not allow a second one.
    async fn viewer_can_retry(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let is_possible = self.status.can_be_retried() && viewer_may(ctx, Permission::RetryJobRun);
        Ok(is_possible && loader(ctx)?.load_one(self.job_id).await?.is_some_and(|job: Job| job.enabled))
    }
}

#[ComplexObject]
impl JobSlot {
    /// The job of the slot; null if it was deleted.
    async fn job(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Job>> {
        Ok(loader(ctx)?.load_one(self.job_id).await?)
    }

    /// The run of the slot; if there were several attempts, the last one.
    async fn run(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<JobRun>> {
        match self.run_id {
            Some(run) => Ok(loader(ctx)?.load_one(run).await?),
            None => Ok(None),
        }
    }
}
