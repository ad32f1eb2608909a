//! The snapshot: the current objects that a state subscription with `initial: true` sends first.

use std::sync::Arc;

use async_graphql::Request;
use futures_util::{FutureExt, future::BoxFuture};

use super::{
    Hub, SubscriberGuard,
    change::{EventFilter, Filter, Update},
    execution::Execution,
    transfer_projection::Viewer,
};
use crate::{
    actor::Actor,
    error::Result,
    graphql::runtimes::OtherRuntime,
    ids::{AgentId, JobId, RunId, TransferId},
    model::{
        MAX_LIMIT, Page, PageRequest, PageStart,
        agent::{Agent, AgentFilter},
        job::{Job, JobFilter, JobRun, JobRunFilter, RunStatus},
        job_and_pipeline_order::ScheduledSort,
        pipeline::run::{PipelineRun, PipelineRunFilter, PipelineRunStatus},
        transfer::{Transfer, TransferFilter, TransferSort, TransferStatus},
    },
};

/// The maximum number of objects in a snapshot.
const MOST: usize = 1_000;
/// The statuses of a snapshot in the order of their importance: if there are too many objects, old failures are left
/// out.
const OPEN: [TransferStatus; 3] = [TransferStatus::Running, TransferStatus::Queued, TransferStatus::Failed];

impl Hub {
    /// Delivers the objects that match the filter and are not in a final state to one subscriber. They are read on the
    /// current runtime, which is that of requests, and sent on the runtime of deliveries.
    pub(super) async fn snapshot(
        &self,
        actor: &Actor,
        event_filter: &EventFilter,
        request: Request,
        to: &SubscriberGuard,
    ) -> Result<()> {
        let updates: Vec<Update> = match &event_filter.filter {
            Filter::Transfers(filter) => {
                let found = self.open_transfers(actor, event_filter, filter).await?;
                found.into_iter().map(|transfer| Update::Transfer(Arc::new(transfer))).collect()
            }
            Filter::Agents(filter) => {
                let found = self.agents(actor, event_filter, filter).await?;
                found.into_iter().map(|agent| Update::Agent(Arc::new(agent))).collect()
            }
            Filter::Jobs(filter) => {
                let found = self.jobs(actor, event_filter, filter).await?;
                found.into_iter().map(|job| Update::Job(Arc::new(job))).collect()
            }
            Filter::JobRuns(filter) => {
                let found = self.open_job_runs(actor, event_filter, filter).await?;
                found.into_iter().map(|run| Update::JobRun(Arc::new(run))).collect()
            }
            Filter::PipelineRuns(filter) => {
                let found = self.open_pipeline_runs(actor, event_filter, filter).await?;
                found.into_iter().map(|run| Update::PipelineRun(Arc::new(run))).collect()
            }
            Filter::Fleet | Filter::Attention => {
                let number = self.next_state_number();
                let state = self.compute(actor, to.subscription.topic).await?;
                state.map(|state| state.update(number)).into_iter().collect()
            }
        };
        let (schema, max_response, viewer) = (self.schema.clone(), self.max_response, Viewer::of(actor));
        let (subscription, subscriber) = (Arc::clone(&to.subscription), to.subscriber);
        let executing = async move {
            // The shared subscription was accepted, and this request is the same.
            let opened = Execution::open(&schema, request, max_response, viewer).await;
            let Ok((mut execution, _)) = opened else { return };
            for update in updates {
                let Some(response) = execution.execute(update.clone()).await else { return };
                subscription.deliver_snapshot(subscriber, &update, response.payload);
            }
        };
        OtherRuntime::new(&self.tasks, self.deliveries.runtime()).run(executing).await
    }

    async fn open_transfers(
        &self,
        actor: &Actor,
        event_filter: &EventFilter,
        filter: &TransferFilter,
    ) -> Result<Vec<Transfer>> {
        let mut found = Vec::new();
        if let Some(ids) = &event_filter.ids {
            // Objects that do not exist or are outside the scope are not part of the snapshot.
            let ids: Vec<TransferId> = ids.iter().take(MOST).map(|id| TransferId(*id)).collect();
            let named = self.cp.find_transfers(actor, &ids).await?;
            found.extend(named.into_iter().filter(|transfer| !transfer.status.is_final() && filter.matches(transfer)));
        } else {
            // One status at a time, because the index is by status.
            for status in OPEN.into_iter().filter(|status| filter.allows(*status)) {
                let filter = TransferFilter { status: Some(vec![status]), ..filter.clone() };
                let list = |request| self.cp.list_transfers(actor, &filter, TransferSort::default(), request).boxed();
                walk(&mut found, |transfer: &Transfer| transfer.id.0, list).await?;
            }
        }
        found.sort_unstable_by_key(|transfer| std::cmp::Reverse(transfer.id));
        Ok(found)
    }

    async fn agents(&self, actor: &Actor, event_filter: &EventFilter, filter: &AgentFilter) -> Result<Vec<Agent>> {
        if let Some(ids) = &event_filter.ids {
            let ids: Vec<AgentId> = ids.iter().take(MOST).map(|id| AgentId(*id)).collect();
            let found = self.cp.find_agents(actor, &ids).await?;
            return Ok(found.into_iter().filter(|agent| filter.matches(agent)).collect());
        }
        let mut found = Vec::new();
        let list = |request| self.cp.list_agents(actor, filter, request).boxed();
        walk(&mut found, |agent: &Agent| agent.id.0, list).await?;
        Ok(found)
    }

    async fn jobs(&self, actor: &Actor, event_filter: &EventFilter, filter: &JobFilter) -> Result<Vec<Job>> {
        if let Some(ids) = &event_filter.ids {
            let ids: Vec<JobId> = ids.iter().take(MOST).map(|id| JobId(*id)).collect();
            let found = self.cp.find_jobs(actor, &ids).await?;
            return Ok(found.into_iter().filter(|job| filter.matches(job)).collect());
        }
        let mut found = Vec::new();
        let list = |request| self.cp.list_jobs(actor, filter, ScheduledSort::default(), request).boxed();
        walk(&mut found, |job: &Job| job.id.0, list).await?;
        Ok(found)
    }

    async fn open_job_runs(
        &self,
        actor: &Actor,
        event_filter: &EventFilter,
        filter: &JobRunFilter,
    ) -> Result<Vec<JobRun>> {
        if !filter.allows(RunStatus::Running) {
            return Ok(Vec::new());
        }
        if let Some(ids) = &event_filter.ids {
            let ids: Vec<RunId> = ids.iter().take(MOST).map(|id| RunId(*id)).collect();
            let found = self.cp.find_job_runs(actor, &ids).await?;
            let is_open = |run: &JobRun| !run.status.has_ended() && filter.matches_but_for_status(run);
            return Ok(found.into_iter().filter(is_open).collect());
        }
        let filter = JobRunFilter { status: vec![RunStatus::Running], ..filter.clone() };
        let mut found = Vec::new();
        let list = |request| self.cp.list_job_runs(actor, &filter, request).boxed();
        walk(&mut found, |run: &JobRun| run.id.0, list).await?;
        Ok(found)
    }

    async fn open_pipeline_runs(
        &self,
        actor: &Actor,
        event_filter: &EventFilter,
        filter: &PipelineRunFilter,
    ) -> Result<Vec<PipelineRun>> {
        let mut found = Vec::new();
        if let Some(ids) = &event_filter.ids {
            let ids: Vec<RunId> = ids.iter().take(MOST).map(|id| RunId(*id)).collect();
            let named = self.cp.find_pipeline_runs(actor, &ids).await?;
            let is_meant = |run: &PipelineRun| filter.allows(run.status) && filter.matches_but_for_status(run);
            found.extend(named.into_iter().filter(|run| !run.status.has_ended() && is_meant(run)));
        } else {
            let open = [PipelineRunStatus::Running, PipelineRunStatus::Queued];
            for status in open.into_iter().filter(|status| filter.allows(*status)) {
                let filter = PipelineRunFilter { status: vec![status], ..filter.clone() };
                let list = |request| self.cp.list_pipeline_runs(actor, &filter, request).boxed();
                walk(&mut found, |run: &PipelineRun| run.id.0, list).await?;
            }
        }
        found.sort_unstable_by_key(|run| std::cmp::Reverse(run.id));
        Ok(found)
    }
}

/// Adds objects of a list, page by page, until there are [`MOST`].
async fn walk<'a, T>(
    found: &mut Vec<T>,
    id: impl Fn(&T) -> uuid::Uuid,
    list: impl Fn(PageRequest) -> BoxFuture<'a, Result<Page<T>>>,
) -> Result<()> {
    let mut start = PageStart::Page(1);
    while found.len() < MOST {
        let page = list(PageRequest { start, limit: MAX_LIMIT, is_counted: false }).await?;
        let (has_more, end) = (page.has_more, page.items.last().map(&id));
        found.extend(page.items);
        match end {
            Some(end) if has_more => start = PageStart::OlderThan(end),
            _ => break,
        }
    }
    found.truncate(MOST);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::ready};

    use uuid::Uuid;

    use super::*;
    use crate::model::Total;

    /// The ids after a walk over a list of this length, and how often the list was read.
    async fn walked(found: usize, has: usize) -> (Vec<Uuid>, usize) {
        let (asked, mut found) = (Cell::new(0), vec![Uuid::nil(); found]);
        let list = |request: PageRequest| {
            let given = asked.replace(asked.get() + 1) * 100;
            let items = vec![Uuid::max(); has.saturating_sub(given).min(100)];
            let has_more = has > given + items.len();
            ready(Ok(Page { items, request, total: Total::Exactly(0), has_more })).boxed()
        };
        walk(&mut found, |id| *id, list).await.expect("a list");
        (found, asked.get())
    }

    #[tokio::test]
    async fn a_snapshot_is_bounded_and_what_was_found_first_stays_in_it() {
        assert_eq!(walked(0, 250).await, (vec![Uuid::max(); 250], 3));
        let (found, asked) = walked(990, 250).await;
        assert_eq!((found.len(), asked), (MOST, 1));
        assert_eq!(found.iter().filter(|id| id.is_nil()).count(), 990);
        assert_eq!(walked(MOST, 250).await.1, 0, "there is no room for more");
    }
}
