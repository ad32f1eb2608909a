//! What jobs, their runs and the slots of their ledgers link to, and what GraphQL shows in another form than REST.

use async_graphql::{ComplexObject, Context};

use super::{
    context::loader,
    loaders::{NewestOfRun, NewestRunsOf, newest},
};
use crate::model::{
    agent::Agent,
    customer::Customer,
    job::{Job, JobRun, JobSlot},
    scalar::ByteCount,
    transfer::Transfer,
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
