//! What can be watched. The resolvers of state streams only say what is wanted and pass on what they are fed: see
//! [`super::fanout`].

use std::{collections::HashSet, sync::Arc};

use async_graphql::{Context, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    context::{actor, caller_name, control_plane},
    fanout::{EventFilter, Filter, Update, feed},
    filters::{read, read_transfer_filter},
    job_inputs::JobRunFilterInput,
    log::LoggedEvent,
    pipeline_inputs::PipelineRunFilterInput,
};
use crate::{
    error::{Error, Result},
    ids::{AgentId, JobId, RunId, TransferId},
    model::{
        agent::{Agent, AgentFilter},
        fleet::Fleet,
        job::{Job, JobFilter, JobRun, JobRunFilter},
        pipeline::run::{PipelineRun, PipelineRunFilter},
        transfer::{Transfer, TransferFilter},
    },
    transport::CallerSemaphores,
};

/// The most entries of the log that are written for one caller at once, on all its sockets: each may be large, and waits
/// until its socket takes it.
const MAX_ENTRIES_PER_CALLER: usize = 8;

/// A permit per entry of the log that is being written.
pub(super) struct LogEntries(CallerSemaphores);

impl Default for LogEntries {
    fn default() -> Self {
        Self(CallerSemaphores::new(MAX_ENTRIES_PER_CALLER))
    }
}

/// What can be watched.
pub(crate) struct SubscriptionRoot;

/// A transfer as it is now, or the call to ask again.
#[derive(SimpleObject)]
pub(crate) struct TransferUpdate {
    /// The transfer.
    transfer: Option<Transfer>,
    /// Whether something may have been missed: query again.
    resync: bool,
}

/// An agent as it is now, or the call to ask again.
#[derive(SimpleObject)]
pub(crate) struct AgentUpdate {
    /// The agent.
    agent: Option<Agent>,
    /// Whether something may have been missed, or an agent was revoked: query again.
    resync: bool,
}

/// A job as it is now, or the call to ask again.
#[derive(SimpleObject)]
pub(crate) struct JobUpdate {
    /// The job.
    job: Option<Job>,
    /// Whether something may have been missed, or a job was deleted: query again.
    resync: bool,
}

/// A run of a job as it is now, or the call to ask again.
#[derive(SimpleObject)]
pub(crate) struct JobRunUpdate {
    /// The run.
    job_run: Option<JobRun>,
    /// Whether something may have been missed, or a job was deleted with its runs: query again.
    resync: bool,
}

/// A run of a pipeline as it is now, or the call to ask again.
#[derive(SimpleObject)]
pub(crate) struct PipelineRunUpdate {
    /// The run.
    pipeline_run: Option<PipelineRun>,
    /// Whether something may have been missed, or a pipeline was deleted with its runs: query again.
    resync: bool,
}

/// The figures as they are now, or the call to ask again.
#[derive(SimpleObject)]
pub(crate) struct FleetUpdate {
    /// The figures.
    fleet: Option<Fleet>,
    /// Whether something may have been missed: query again.
    resync: bool,
}

/// An entry of the log, or the word that some are missing.
#[derive(SimpleObject)]
pub(crate) struct LogEntry {
    /// What has happened.
    event: Option<LoggedEvent>,
    /// Whether entries are missing here: the log does not go back to the cursor any more.
    gap: bool,
}

/// What can be watched.
#[expect(clippy::unused_async, reason = "what the macro makes of a resolver is awaited")]
#[Subscription(name = "Subscription")]
impl SubscriptionRoot {
    /// State: transfers as they change. Nothing comes before the first change, unless `initial` asks for what is not in a
    /// final state. With a filter by status, the change that takes a transfer out of it still comes.
    async fn transfer_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these.")] ids: Option<Vec<TransferId>>,
        filter: Option<TransferFilter>,
        #[graphql(
            desc = "Begin with what is not in a final state: at most 1,000, running ones first, then queued, then failed."
        )]
        initial: Option<bool>,
        #[graphql(desc = "At most one state per transfer in so many milliseconds: 0 to 60,000.")] throttle_ms: Option<
            i32,
        >,
    ) -> Result<impl Stream<Item = TransferUpdate> + use<>> {
        own(initial, throttle_ms);
        actor(ctx)?;
        let ids = ids.map(|ids| ids.into_iter().map(|id| id.0).collect::<HashSet<_>>());
        let filter = Filter::Transfers(read_transfer_filter(filter)?);
        Ok(feed(ctx, EventFilter { ids, filter })?.map(|update| {
            let transfer = if let Update::Transfer(transfer) = update { Some((*transfer).clone()) } else { None };
            TransferUpdate { resync: transfer.is_none(), transfer }
        }))
    }

    /// State: agents as they change, at each heartbeat too. Nothing comes before the first change, unless `initial` asks
    /// for what there is.
    async fn agent_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these.")] ids: Option<Vec<AgentId>>,
        filter: Option<AgentFilter>,
        #[graphql(desc = "Begin with what there is: at most 1,000.")] initial: Option<bool>,
        #[graphql(desc = "At most one state per agent in so many milliseconds: 0 to 60,000.")] throttle_ms: Option<i32>,
    ) -> Result<impl Stream<Item = AgentUpdate> + use<>> {
        own(initial, throttle_ms);
        actor(ctx)?;
        let ids = ids.map(|ids| ids.into_iter().map(|id| id.0).collect::<HashSet<_>>());
        let filter = Filter::Agents(filter.map_or(Ok(AgentFilter::default()), |filter| read(&filter))?);
        Ok(feed(ctx, EventFilter { ids, filter })?.map(|update| {
            let agent = if let Update::Agent(agent) = update { Some((*agent).clone()) } else { None };
            AgentUpdate { resync: agent.is_none(), agent }
        }))
    }

    /// State: jobs as they change, also when they start or are due at another time. Nothing comes before the first change,
    /// unless `initial` asks for what there is. With the filter `enabled`, the change that takes a job out of it still
    /// comes.
    async fn job_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these.")] ids: Option<Vec<JobId>>,
        filter: Option<JobFilter>,
        #[graphql(desc = "Begin with what there is: at most 1,000.")] initial: Option<bool>,
        #[graphql(desc = "At most one state per job in so many milliseconds: 0 to 60,000.")] throttle_ms: Option<i32>,
    ) -> Result<impl Stream<Item = JobUpdate> + use<>> {
        own(initial, throttle_ms);
        actor(ctx)?;
        let ids = ids.map(|ids| ids.into_iter().map(|id| id.0).collect::<HashSet<_>>());
        let filter = Filter::Jobs(filter.unwrap_or_default());
        Ok(feed(ctx, EventFilter { ids, filter })?.map(|update| {
            let job = if let Update::Job(job) = update { Some((*job).clone()) } else { None };
            JobUpdate { resync: job.is_none(), job }
        }))
    }

    /// State: runs of jobs as they change. Nothing comes before the first change, unless `initial` asks for those at work.
    /// With a filter by status, the change that takes a run out of it still comes. For administrators.
    async fn job_run_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these.")] ids: Option<Vec<RunId>>,
        filter: Option<JobRunFilterInput>,
        #[graphql(desc = "Begin with those at work: at most 1,000.")] initial: Option<bool>,
        #[graphql(desc = "At most one state per run in so many milliseconds: 0 to 60,000.")] throttle_ms: Option<i32>,
    ) -> Result<impl Stream<Item = JobRunUpdate> + use<>> {
        own(initial, throttle_ms);
        let ids = ids.map(|ids| ids.into_iter().map(|id| id.0).collect::<HashSet<_>>());
        let filter = JobRunFilter::from(filter.unwrap_or_default());
        control_plane(ctx)?.watch_job_runs(actor(ctx)?, &filter).await?;
        Ok(feed(ctx, EventFilter { ids, filter: Filter::JobRuns(filter) })?.map(|update| {
            let job_run = if let Update::JobRun(run) = update { Some((*run).clone()) } else { None };
            JobRunUpdate { resync: job_run.is_none(), job_run }
        }))
    }

    /// State: runs of pipelines with their steps, as they change. Nothing comes before the first change, unless `initial`
    /// asks for those that have not ended. With the filter `status`, the change that takes a run out of it still comes.
    /// For administrators.
    async fn pipeline_run_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these.")] ids: Option<Vec<RunId>>,
        filter: Option<PipelineRunFilterInput>,
        #[graphql(desc = "Begin with those that have not ended: at most 1,000, running ones first.")] initial: Option<
            bool,
        >,
        #[graphql(desc = "At most one state per run in so many milliseconds: 0 to 60,000.")] throttle_ms: Option<i32>,
    ) -> Result<impl Stream<Item = PipelineRunUpdate> + use<>> {
        own(initial, throttle_ms);
        let ids = ids.map(|ids| ids.into_iter().map(|id| id.0).collect::<HashSet<_>>());
        let filter = PipelineRunFilter::from(filter.unwrap_or_default());
        control_plane(ctx)?.watch_pipeline_runs(actor(ctx)?, &filter).await?;
        Ok(feed(ctx, EventFilter { ids, filter: Filter::PipelineRuns(filter) })?.map(|update| {
            let pipeline_run = if let Update::PipelineRun(run) = update { Some((*run).clone()) } else { None };
            PipelineRunUpdate { resync: pipeline_run.is_none(), pipeline_run }
        }))
    }

    /// State: the figures of the fleet, when they have changed, at most once a second.
    async fn fleet_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Begin with the figures of now.")] initial: Option<bool>,
        #[graphql(desc = "At most once in so many milliseconds: 0 to 60,000.")] throttle_ms: Option<i32>,
    ) -> Result<impl Stream<Item = FleetUpdate> + use<>> {
        own(initial, throttle_ms);
        actor(ctx)?;
        Ok(feed(ctx, EventFilter { ids: None, filter: Filter::Fleet })?.map(|update| {
            let fleet = if let Update::Fleet(fleet, _) = update { Some(*fleet) } else { None };
            FleetUpdate { resync: fleet.is_none(), fleet }
        }))
    }

    /// Log: what happens from now on, or after a cursor, in the order of commits, each entry once.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<LogEntry, Arc<Error>>> + use<>> {
        let (cp, actor) = (control_plane(ctx)?.clone(), actor(ctx)?.clone());
        let entries = ctx.data::<LogEntries>().map_err(|_| Error::internal("no bound of log entries in the schema"))?;
        let entries = entries.0.of(&caller_name(ctx)?);
        let log = cp.follow_log(&actor, after).await?;
        Ok(stream::unfold((log, cp, entries, None), |(mut log, cp, entries, written)| async {
            // The socket has taken the entry before this one.
            drop::<Option<OwnedSemaphorePermit>>(written);
            let entry = log.next().await?;
            let writing = Arc::clone(&entries).acquire_owned().await.ok();
            let entry = entry.map_err(Arc::new).map(|event| {
                let event = event.and_then(|event| LoggedEvent::new(&cp, event));
                LogEntry { gap: event.is_none(), event }
            });
            Some((entry, (log, cp, entries, writing)))
        }))
    }
}

/// Arguments that the socket heeds for itself, since they make no difference to the answers.
const fn own(_initial: Option<bool>, _throttle_ms: Option<i32>) {}
