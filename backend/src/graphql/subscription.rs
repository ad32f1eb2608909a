//! The subscriptions. The resolvers of state subscriptions only pass on their filter and the updates they receive: see
//! [`super::fanout`].

use std::{collections::HashSet, sync::Arc};

use async_graphql::{Context, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    context::{actor, caller_name, control_plane},
    fanout::{EventFilter, Filter, Update, feed},
    job_inputs::JobRunFilterInput,
    logged_event::{LogFollower, LoggedEvent},
    pipeline_inputs::PipelineRunFilterInput,
    read_input::{read, read_transfer_filter},
    runtimes::OtherRuntime,
};
use crate::{
    error::{Error, Result},
    ids::{AgentId, JobId, RunId, TransferId},
    model::{
        agent::{Agent, AgentFilter},
        attention::Attention,
        fleet::Fleet,
        job::{Job, JobFilter, JobRun, JobRunFilter},
        pipeline::run::{PipelineRun, PipelineRunFilter},
        transfer::{Transfer, TransferFilter},
    },
    transport::CallerSemaphores,
};

/// The maximum number of log entries that are written for one caller at once, on all its sockets. Each may be large,
/// and waits until its socket sends it.
const MAX_ENTRIES_PER_CALLER: usize = 8;

/// A permit per entry of the log that is being written.
pub(super) struct LogEntries(CallerSemaphores);

impl Default for LogEntries {
    fn default() -> Self {
        Self(CallerSemaphores::new(MAX_ENTRIES_PER_CALLER))
    }
}

/// Subscriptions.
pub(crate) struct SubscriptionRoot;

/// The current state of a transfer, or a resync signal.
#[derive(SimpleObject)]
pub(crate) struct TransferUpdate {
    /// The transfer; null if `resync` is `true`.
    transfer: Option<Transfer>,
    /// Whether changes may have been missed. The client must query again.
    resync: bool,
}

/// The current state of an agent, or a resync signal.
#[derive(SimpleObject)]
pub(crate) struct AgentUpdate {
    /// The agent; null if `resync` is `true`.
    agent: Option<Agent>,
    /// Whether changes may have been missed, or an agent was revoked. The client must query again.
    resync: bool,
}

/// The current state of a job, or a resync signal.
#[derive(SimpleObject)]
pub(crate) struct JobUpdate {
    /// The job; null if `resync` is `true`.
    job: Option<Job>,
    /// Whether changes may have been missed, or a job was deleted. The client must query again.
    resync: bool,
}

/// The current state of a job run, or a resync signal.
#[derive(SimpleObject)]
pub(crate) struct JobRunUpdate {
    /// The run; null if `resync` is `true`.
    job_run: Option<JobRun>,
    /// Whether changes may have been missed, or a job was deleted with its runs. The client must query again.
    resync: bool,
}

/// The current state of a pipeline run, or a resync signal.
#[derive(SimpleObject)]
pub(crate) struct PipelineRunUpdate {
    /// The run; null if `resync` is `true`.
    pipeline_run: Option<PipelineRun>,
    /// Whether changes may have been missed, or a pipeline was deleted with its runs. The client must query again.
    resync: bool,
}

/// The current totals of the fleet, or a resync signal.
#[derive(SimpleObject)]
pub(crate) struct FleetUpdate {
    /// The totals; null if `resync` is `true`.
    fleet: Option<Fleet>,
    /// Whether changes may have been missed. The client must query again.
    resync: bool,
}

/// What needs attention now, or a resync signal.
#[derive(SimpleObject)]
pub(crate) struct AttentionUpdate {
    /// What needs attention; null if `resync` is `true`.
    attention: Option<Attention>,
    /// Whether changes may have been missed. The client must query again.
    resync: bool,
}

/// An event of the event log, or a signal that events are missing.
#[derive(SimpleObject)]
pub(crate) struct LogEntry {
    /// The event; null if `gap` is `true`.
    event: Option<LoggedEvent>,
    /// Whether events are missing here, because the event log no longer has all events after the given cursor.
    gap: bool,
}

/// Subscriptions.
#[expect(clippy::unused_async, reason = "what the macro makes of a resolver is awaited")]
#[Subscription(name = "Subscription")]
impl SubscriptionRoot {
    /// State subscription: sends transfers when they change. With `initial`, it first sends the transfers that are not
    /// in a final state. If the filter has a status, the change by which a transfer leaves that status is still sent.
    /// Changes are not compared with the filter's `stalled`, `completedAfter` and `q`.
    async fn transfer_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the transfers with these ids.")] ids: Option<Vec<TransferId>>,
        filter: Option<TransferFilter>,
        #[graphql(
            desc = "Send the transfers that are not in a final state first: at most 1,000; running, queued, then failed."
        )]
        initial: Option<bool>,
        #[graphql(desc = "Minimum time in milliseconds between two states of one transfer, 0 to 60,000.")]
        throttle_ms: Option<i32>,
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

    /// State subscription: sends agents when they change, and at each heartbeat. With `initial`, it first sends the
    /// existing agents.
    async fn agent_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the agents with these ids.")] ids: Option<Vec<AgentId>>,
        filter: Option<AgentFilter>,
        #[graphql(desc = "Send the existing agents first, at most 1,000.")] initial: Option<bool>,
        #[graphql(desc = "Minimum time in milliseconds between two states of one agent, 0 to 60,000.")]
        throttle_ms: Option<i32>,
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

    /// State subscription: sends jobs when they change, when they start, and when their next run changes. With
    /// `initial`, it first sends the existing jobs. If the filter has `enabled`, the change by which a job stops
    /// matching is still sent.
    async fn job_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the jobs with these ids.")] ids: Option<Vec<JobId>>,
        filter: Option<JobFilter>,
        #[graphql(desc = "Send the existing jobs first, at most 1,000.")] initial: Option<bool>,
        #[graphql(desc = "Minimum time in milliseconds between two states of one job, 0 to 60,000.")]
        throttle_ms: Option<i32>,
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

    /// State subscription: sends job runs when they change. With `initial`, it first sends the active runs. If the
    /// filter has a status, the change by which a run leaves that status is still sent. For administrators.
    async fn job_run_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the runs with these ids.")] ids: Option<Vec<RunId>>,
        filter: Option<JobRunFilterInput>,
        #[graphql(desc = "Send the active runs first, at most 1,000.")] initial: Option<bool>,
        #[graphql(desc = "Minimum time in milliseconds between two states of one run, 0 to 60,000.")]
        throttle_ms: Option<i32>,
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

    /// State subscription: sends pipeline runs with their steps when they change. With `initial`, it first sends the
    /// active runs. If the filter has a status, the change by which a run leaves that status is still sent. For
    /// administrators.
    async fn pipeline_run_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the runs with these ids.")] ids: Option<Vec<RunId>>,
        filter: Option<PipelineRunFilterInput>,
        #[graphql(desc = "Send the active runs first: at most 1,000, running ones before queued ones.")]
        initial: Option<bool>,
        #[graphql(desc = "Minimum time in milliseconds between two states of one run, 0 to 60,000.")]
        throttle_ms: Option<i32>,
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

    /// State subscription: sends the totals of the fleet when they change, at most once a second.
    async fn fleet_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Send the current totals first.")] initial: Option<bool>,
        #[graphql(desc = "Minimum time in milliseconds between two states, 0 to 60,000.")] throttle_ms: Option<i32>,
    ) -> Result<impl Stream<Item = FleetUpdate> + use<>> {
        own(initial, throttle_ms);
        actor(ctx)?;
        Ok(feed(ctx, EventFilter { ids: None, filter: Filter::Fleet })?.map(|update| {
            let fleet = if let Update::Fleet(fleet, _) = update { Some(*fleet) } else { None };
            FleetUpdate { resync: fleet.is_none(), fleet }
        }))
    }

    /// State subscription: sends what needs attention when it changes, at most once a second.
    async fn attention_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Send the current state first.")] initial: Option<bool>,
        #[graphql(desc = "Minimum time in milliseconds between two states, 0 to 60,000.")] throttle_ms: Option<i32>,
    ) -> Result<impl Stream<Item = AttentionUpdate> + use<>> {
        own(initial, throttle_ms);
        actor(ctx)?;
        Ok(feed(ctx, EventFilter { ids: None, filter: Filter::Attention })?.map(|update| {
            let attention =
                if let Update::Attention(attention, _) = update { Some((*attention).clone()) } else { None };
            AttentionUpdate { resync: attention.is_none(), attention }
        }))
    }

    /// Log subscription: sends every event from now on, or after a cursor, in the order of the commits. Each event is
    /// sent once.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Continue after this cursor.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<LogEntry, Arc<Error>>> + use<>> {
        let (cp, actor) = (control_plane(ctx)?.clone(), actor(ctx)?.clone());
        let entries = ctx.data::<LogEntries>().map_err(|_| Error::internal("no bound of log entries in the schema"))?;
        let entries = entries.0.of(&caller_name(ctx)?);
        let requests = ctx.data::<OtherRuntime>().map_err(|_| Error::internal("no runtime that reads the log"))?;
        let following = Arc::clone(&cp);
        let log = requests.run(async move { following.follow_log(&actor, after).await }).await??;
        let log = LogFollower::start(log, requests);
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

/// The arguments that only the socket uses, since they do not change the responses.
const fn own(_initial: Option<bool>, _throttle_ms: Option<i32>) {}
