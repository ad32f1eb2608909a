//! The root of all queries, and the queries that are not about pipelines.

use async_graphql::{
    Context, ID, MergedObject, Object,
    connection::{Connection as Relay, Edge},
};
use uuid::Uuid;

use super::{
    agent_links_and_permissions::{DIRECTIVES, WaitingDirective},
    context::{actor, control_plane},
    job_inputs::{JobRunFilterInput, JobSlotFilterInput},
    logged_event::LoggedEvent,
    node::Node,
    pipeline_queries::{LONG_TEXT, PipelineQueries},
    read_input::{read, read_transfer_filter},
    relay_connections::{Connection, ConnectionArguments, connection, size, wants_total},
    series::{HISTORY, POINTS, Series},
};
use crate::{
    error::{Error, Result},
    ids::{AgentId, CustomerId, JobId, RunId, TransferId},
    model::{
        Instant, PageRequest,
        account::{User, UserFilter},
        agent::{Agent, AgentFilter},
        attention::Attention,
        certificate::KeptCertificate,
        customer::Customer,
        enrolment_code::EnrolmentCode,
        fleet::Fleet,
        heartbeat_history::{AgentHistoryPoint, HistoryStep},
        job::{Job, JobFilter, JobRun, JobSlot, SchedulePreview},
        job_and_pipeline_order::ScheduledSort,
        saved_view::{MAX_VIEWS, SavedView},
        series::{SeriesMetric, SeriesRequest, SeriesStep},
        transfer::{Transfer, TransferFilter, TransferSort},
    },
};

/// Queries.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub(crate) struct QueryRoot(pub(super) GeneralQueries, pub(super) PipelineQueries);

/// Queries, except those about pipelines.
pub(crate) struct GeneralQueries;

/// Queries, except those about pipelines.
#[Object]
impl GeneralQueries {
    /// Returns the signed-in user.
    async fn me(&self, ctx: &Context<'_>) -> Result<User> {
        control_plane(ctx)?.me(actor(ctx)?).await
    }

    /// Lists the saved views of the signed-in user, newest first: at most 50.
    #[graphql(complexity = "50 * child_complexity + 1")]
    async fn views(&self, ctx: &Context<'_>) -> Result<Vec<SavedView>> {
        let request = PageRequest::page(1, MAX_VIEWS);
        Ok(control_plane(ctx)?.list_views(actor(ctx)?, request).await?.items)
    }

    /// Returns the totals of all agents and transfers that the caller may see.
    async fn fleet(&self, ctx: &Context<'_>) -> Result<Fleet> {
        control_plane(ctx)?.get_fleet(actor(ctx)?).await
    }

    /// Returns what needs attention among the objects that the caller may see: failures, silent agents, late runs and
    /// the like, grouped and ranked. It may be a second old.
    async fn attention(&self, ctx: &Context<'_>) -> Result<Attention> {
        control_plane(ctx)?.get_attention(actor(ctx)?).await
    }

    /// Returns what happened in each minute, hour, day or month of a window, with at most 2,000 points. Minutes are kept
    /// for 8 days, for all transfers and for each customer; hours are kept for 400 days, for each agent and job too. A
    /// minute is final 2 minutes after its end.
    #[expect(clippy::too_many_arguments, reason = "the parameters of REST")]
    #[graphql(complexity = "POINTS + child_complexity")]
    async fn series(
        &self,
        ctx: &Context<'_>,
        metric: SeriesMetric,
        #[graphql(desc = "Start of the window. The first point is the minute, hour, day or month that contains it.")]
        from: Instant,
        #[graphql(desc = "End of the window, exclusive; after `from`.")] to: Instant,
        step: SeriesStep,
        #[graphql(
            desc = "IANA name of the time zone of days and months, by default UTC. Only with the steps `DAY` and `MONTH`."
        )]
        tz: Option<String>,
        #[graphql(desc = "Only what belongs to this customer.")] customer_id: Option<CustomerId>,
        #[graphql(desc = "Only what belongs to this agent. Not with the step `MINUTE`.")] agent_id: Option<AgentId>,
        #[graphql(desc = "Only what belongs to this job. Not with the step `MINUTE`.")] job_id: Option<JobId>,
        #[graphql(
            default = false,
            desc = "Whether to return the window that this one is compared with: a week earlier, or the one before it if the window is longer than a week."
        )]
        baseline: bool,
    ) -> Result<Series> {
        let actor = actor(ctx)?;
        let wanted = serde_json::json!({
            "metric": metric.to_string(), "from": from, "to": to, "step": step.to_string(), "tz": tz,
            "customerId": customer_id, "agentId": agent_id, "jobId": job_id, "baseline": baseline,
        });
        let request: SeriesRequest = read(&wanted)?;
        Ok(control_plane(ctx)?.get_series(actor, &request).await?.into())
    }

    /// Lists the client certificates that an agent may authenticate with, newest first. Some may have expired.
    #[graphql(complexity = "4 * child_complexity + 1")]
    async fn agent_certificates(&self, ctx: &Context<'_>, id: AgentId) -> Result<Vec<KeptCertificate>> {
        control_plane(ctx)?.list_agent_certificates(actor(ctx)?, id).await
    }

    /// Lists the directives that an agent has not acknowledged, oldest first: at most 100.
    #[graphql(complexity = "DIRECTIVES * child_complexity + 1")]
    async fn agent_directives(&self, ctx: &Context<'_>, id: AgentId) -> Result<Vec<WaitingDirective>> {
        let directives = control_plane(ctx)?.list_agent_directives(actor(ctx)?, id).await?;
        Ok(directives.into_iter().map(WaitingDirective::from).collect())
    }

    /// Returns the load, the memory and the heartbeats of an agent: the last 24 hours by minute, or the last 30 days by
    /// hour. Points from before the registration, and those in which no server was running, are left out.
    #[graphql(complexity = "HISTORY * child_complexity + 1")]
    async fn agent_history(
        &self,
        ctx: &Context<'_>,
        id: AgentId,
        #[graphql(default)] step: HistoryStep,
    ) -> Result<Vec<AgentHistoryPoint>> {
        control_plane(ctx)?.get_agent_history(actor(ctx)?, id, step).await
    }

    /// Returns an agent by its id.
    async fn agent(&self, ctx: &Context<'_>, id: AgentId) -> Result<Option<Agent>> {
        let found = control_plane(ctx)?.find_agents(actor(ctx)?, &[id]).await?.pop();
        found.map(Some).ok_or(Error::NotFound("agent"))
    }

    /// Lists agents, newest first.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn agents(
        &self,
        ctx: &Context<'_>,
        filter: Option<AgentFilter>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<Agent>> {
        let actor = actor(ctx)?;
        let filter = filter.map_or(Ok(AgentFilter::default()), |filter| read(&filter))?;
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_agents(actor, &filter, request).await?;
        Ok(connection(page, |agent| agent.id.0))
    }

    /// Returns a transfer by its id.
    async fn transfer(&self, ctx: &Context<'_>, id: TransferId) -> Result<Option<Transfer>> {
        control_plane(ctx)?.get_transfer(actor(ctx)?, id).await.map(Some)
    }

    /// Lists transfers, newest first unless `sort` is given. A cursor marks the current position of its transfer in
    /// the order.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        filter: Option<TransferFilter>,
        sort: Option<TransferSort>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<Transfer>> {
        let actor = actor(ctx)?;
        let filter = read_transfer_filter(filter)?;
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_transfers(actor, &filter, sort.unwrap_or_default(), request).await?;
        Ok(connection(page, |transfer| transfer.id.0))
    }

    /// Returns a job by its id.
    async fn job(&self, ctx: &Context<'_>, id: JobId) -> Result<Option<Job>> {
        control_plane(ctx)?.get_job(actor(ctx)?, id).await.map(Some)
    }

    /// Lists jobs, newest first unless `sort` is given. A cursor marks the current position of its job in the order.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        filter: Option<JobFilter>,
        sort: Option<ScheduledSort>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<Job>> {
        let (actor, filter) = (actor(ctx)?, filter.unwrap_or_default());
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_jobs(actor, &filter, sort.unwrap_or_default(), request).await?;
        Ok(connection(page, |job| job.id.0))
    }

    /// Returns a job run by its id. For administrators.
    async fn job_run(&self, ctx: &Context<'_>, id: RunId) -> Result<Option<JobRun>> {
        control_plane(ctx)?.get_job_run(actor(ctx)?, id).await.map(Some)
    }

    /// Lists job runs, newest first. For administrators.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn job_runs(
        &self,
        ctx: &Context<'_>,
        filter: Option<JobRunFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<JobRun>> {
        let (actor, filter) = (actor(ctx)?, filter.unwrap_or_default().into());
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_job_runs(actor, &filter, request).await?;
        Ok(connection(page, |run| run.id.0))
    }

    /// Lists the slots of a job's schedule with their outcomes, latest first. For administrators.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn job_slots(
        &self,
        ctx: &Context<'_>,
        job_id: JobId,
        filter: Option<JobSlotFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<JobSlot>> {
        let (actor, filter) = (actor(ctx)?, filter.unwrap_or_default().into());
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx))?;
        let page = control_plane(ctx)?.list_job_slots(actor, job_id, &filter, request).await?;
        Ok(connection(page, |slot| slot.id.0))
    }

    /// Describes a schedule and returns its next slots.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    #[expect(clippy::unused_async, reason = "a resolver must be asynchronous")]
    async fn schedule_preview(
        &self,
        ctx: &Context<'_>,
        schedule: String,
        #[graphql(default = "UTC", desc = "IANA name of the time zone.")] timezone: String,
        #[graphql(default = 5, desc = "Number of slots, 1 to 100.")] first: i32,
    ) -> Result<SchedulePreview> {
        let actor = actor(ctx)?;
        let wanted = serde_json::json!({ "schedule": schedule, "timezone": timezone, "first": first });
        control_plane(ctx)?.preview_schedule(actor, &read(&wanted)?)
    }

    /// Lists customers, newest first. For administrators.
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<Customer>> {
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx));
        let page = control_plane(ctx)?.list_customers(actor(ctx)?, request?).await?;
        Ok(connection(page, |customer| customer.id.0))
    }

    /// Lists users, newest first. For administrators.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        filter: Option<UserFilter>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<User>> {
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx));
        let page = control_plane(ctx)?.list_users(actor(ctx)?, &filter.unwrap_or_default(), request?).await?;
        Ok(connection(page, |user| user.id.0))
    }

    /// Lists the enrolment codes of a customer, newest first.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "size(first, last) * child_complexity + 1")]
    async fn enrolment_codes(
        &self,
        ctx: &Context<'_>,
        customer_id: CustomerId,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Number of the page, counted from 1. Only with `first`.")] page: Option<i32>,
    ) -> Result<Connection<EnrolmentCode>> {
        let request = ConnectionArguments { first, after, last, before, page }.page_request(wants_total(ctx));
        let page = control_plane(ctx)?.list_enrolment_codes(actor(ctx)?, customer_id, request?).await?;
        Ok(connection(page, |code| code.id.0))
    }

    /// Lists the events of the event log, newest first. Events are kept for 30 days.
    #[graphql(complexity = "size(first, last) * (child_complexity + LONG_TEXT) + 1")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Only events about the object with this id.")] object_id: Option<ID>,
    ) -> Result<Relay<String, LoggedEvent>> {
        let actor = actor(ctx)?;
        let cp = control_plane(ctx)?;
        let object = object_id.as_deref().map(|id| object_id_from("objectId", id)).transpose()?;
        let (is_after, is_before) = (after.is_some(), before.is_some());
        let cursor = |is_there: bool| is_there.then(|| Uuid::nil().to_string());
        let request =
            ConnectionArguments { first, after: cursor(is_after), last, before: cursor(is_before), page: None }
                .page_request(false)?;
        let beyond = after.map(|cursor| ("after", cursor)).or(before.map(|cursor| ("before", cursor)));
        let (events, has_more) = cp.list_events(actor, object, beyond, request.is_upward(), request.limit).await?;
        let (has_newer, has_older) = if request.is_upward() { (has_more, is_before) } else { (is_after, has_more) };
        let mut connection = Relay::new(has_newer, has_older);
        let logged = events.into_iter().filter_map(|event| LoggedEvent::new(cp, event));
        connection.edges.extend(logged.map(|event| Edge::new(event.place(), event)));
        Ok(connection)
    }

    /// Returns the object with this id.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        let actor = actor(ctx)?;
        let id = object_id_from("id", &id)?;
        Ok(control_plane(ctx)?.find_object(actor, id).await?.map(Node::from))
    }
}

/// The id of an object in an argument.
fn object_id_from(argument: &'static str, id: &str) -> Result<Uuid> {
    Uuid::try_parse(id).map_err(|_| Error::field(argument, "is not an id: ids are UUIDs"))
}
