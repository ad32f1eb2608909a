//! Transfers: created and reported by agents, read, cancelled and retried by users.

use chrono::{DateTime, Utc};

use super::{ControlPlane, Work, optimistic_attempt_limit::OptimisticRetry};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    ids::{AgentId, RunId, TransferId},
    model::{
        Page, PageRequest,
        directive::{Directive, DirectiveAction},
        event::{Kind, Object},
        transfer::{
            CreateTransfer, Transfer, TransferFilter, TransferSort, TransferState, TransferStatus, UpdateTransfer,
            file_name,
        },
    },
    store::{self, idempotency::IdempotencyClaim, transfer_counts::Deltas, transfers::TransferRow},
};

mod bulk;
pub use crate::store::transfers::ExportPlace;
pub use bulk::TransferOutcomes;

impl ControlPlane {
    /// Creates a transfer of the calling agent.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] if the caller is not an agent, or if the input names another agent; [`Error::NotFound`] for
    /// runs and steps that do not belong to the agent; [`Error::Conflict`] for runs and steps that have ended.
    pub async fn create_transfer(
        &self,
        actor: &Actor,
        input: CreateTransfer,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<Transfer> {
        let id = actor.require_agent(Permission::CreateTransfer)?;
        if input.agent_id.is_some_and(|named| named != id) {
            return Err(Error::Forbidden("an agent reports its own transfers only"));
        }
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            if let Some(transfer) = self.try_create_transfer(&mut work, actor, id, &input).await? {
                work.complete(claim, &transfer).await?;
                self.commit(work).await?;
                return Ok(transfer);
            }
        }
    }

    /// Stores a new transfer; `None` after a concurrent change of its pipeline run, and the caller drops the
    /// transaction.
    async fn try_create_transfer(
        &self,
        work: &mut Work,
        actor: &Actor,
        id: AgentId,
        input: &CreateTransfer,
    ) -> Result<Option<Transfer>> {
        let agent = store::agents::find(&mut work.tx, actor.scope(), id).await?.ok_or(Error::NotFound("agent"))?;
        if let Some(run) = input.job_run_id {
            let run = store::job_runs::find(&mut work.tx, actor.scope(), run).await?;
            let run = run.ok_or(Error::NotFound("job run"))?;
            if run.state.status.has_ended() {
                let message = format!("the job run is {}: it accepts no more transfers", run.state.status);
                return Err(Error::conflict(message));
            }
        }
        let row = TransferRow {
            id: self.ids.next(work.now),
            customer_id: agent.customer_id,
            agent_id: id,
            source: input.source_url.clone(),
            destination: input.destination_path.clone(),
            protocol: input.protocol,
            direction: input.direction,
            created_at: work.now,
            job_run_id: input.job_run_id,
            pipeline_run_id: input.pipeline_run_id,
            state: TransferState::queued(input),
            agent_name: agent.name,
            agent_hostname: agent.hostname,
        };
        if let (Some(run), Some(step)) = (input.pipeline_run_id, &input.step_id)
            && !self.link_transfer_to_step(work, id, run, step, row.id).await?
        {
            return Ok(None);
        }
        store::transfers::insert(&mut work.tx, &row, &file_name(&row.source), &file_name(&row.destination)).await?;
        let mut deltas = Deltas::default();
        deltas.note(row.customer_id, row.agent_id, None, row.state.status);
        deltas.apply(&mut work.tx).await?;
        let transfer = row.view();
        work.note(Kind::TransferCreated, Object::Transfer(transfer.clone()));
        #[cfg(feature = "next-version")]
        work.note(Kind::TransferWeighed, Object::Transfer(transfer.clone()));
        Ok(Some(transfer))
    }

    /// Applies an agent's report on one of its transfers. Returns after the commit, with the open directives of the
    /// agent.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an agent, [`Error::NotFound`] for the transfer of another agent,
    /// [`Error::Conflict`] if the change of status is not allowed.
    pub async fn update_transfer(
        &self,
        actor: &Actor,
        id: TransferId,
        patch: UpdateTransfer,
    ) -> Result<(Box<Transfer>, Vec<Directive>)> {
        let agent = actor.require_agent(Permission::ReportTransfer)?;
        let transfer = self.writer.update_transfer(agent, id, patch, self.now()).await?;
        Ok((transfer, self.open_directives(agent).await?))
    }

    /// Applies several reports of an agent. Returns the outcome of each report, in the order of the reports, and the
    /// open directives of the agent.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an agent. An error of one report is the outcome of that report.
    pub async fn update_transfers(
        &self,
        actor: &Actor,
        updates: Vec<(TransferId, Result<UpdateTransfer>)>,
    ) -> Result<(Vec<Result<Box<Transfer>>>, Vec<Directive>)> {
        let agent = actor.require_agent(Permission::ReportTransfer)?;
        let now = self.now();
        // Queued one after the other, so that reports on one transfer are applied in their order.
        let mut queued = Vec::with_capacity(updates.len());
        for (id, patch) in updates {
            queued.push(match patch {
                Ok(patch) => self.writer.queue_transfer(agent, id, patch, now).await,
                Err(error) => Err(error),
            });
        }
        let answer = |queued: Result<_>| async move { queued?.await };
        let outcomes = futures_util::future::join_all(queued.into_iter().map(answer)).await;
        Ok((outcomes, self.open_directives(agent).await?))
    }

    /// Returns a page of the transfers that the caller may see.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn list_transfers(
        &self,
        actor: &Actor,
        filter: &TransferFilter,
        sort: TransferSort,
        request: PageRequest,
    ) -> Result<Page<Transfer>> {
        let scope = actor.require(Permission::ViewTransfers)?;
        let page = store::transfers::list(&self.db, scope, filter, sort, request).await?;
        Ok(page.map(|row| row.view()))
    }

    /// Returns a page of the transfers that the caller may see, for an export, and the place after which the next page
    /// begins; `None` if this is the last page.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn export_transfers(
        &self,
        actor: &Actor,
        filter: &TransferFilter,
        sort: TransferSort,
        after: Option<&ExportPlace>,
        limit: u64,
    ) -> Result<(Vec<Transfer>, Option<ExportPlace>)> {
        let scope = actor.require(Permission::ViewTransfers)?;
        let (rows, next) = store::transfers::export_page(&self.db, scope, filter, sort, after, limit).await?;
        Ok((rows.iter().map(TransferRow::view).collect(), next))
    }

    /// Returns the newest transfers of each of these agents, in the order of the agents: for each, at most the number
    /// that follows its id.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn newest_transfers(&self, actor: &Actor, of: &[(AgentId, u64)]) -> Result<Vec<Vec<Transfer>>> {
        let scope = actor.require(Permission::ViewTransfers)?;
        let rows = store::transfers::newest(&self.db, scope, of).await?;
        let newest = of.iter().map(|(agent, count)| {
            let own = rows.iter().filter(|row| row.agent_id == *agent).map(TransferRow::view);
            own.take(usize::try_from(*count).unwrap_or(usize::MAX)).collect()
        });
        Ok(newest.collect())
    }

    /// Returns a transfer.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if there is no such transfer within the caller's scope.
    pub async fn get_transfer(&self, actor: &Actor, id: TransferId) -> Result<Transfer> {
        let scope = actor.require(Permission::ViewTransfers)?;
        let row = store::transfers::find(&self.db, scope, id).await?;
        Ok(row.ok_or(Error::NotFound("transfer"))?.view())
    }

    /// Returns the transfers with these ids that the caller may see, in no particular order.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn find_transfers(&self, actor: &Actor, ids: &[TransferId]) -> Result<Vec<Transfer>> {
        let scope = actor.require(Permission::ViewTransfers)?;
        let rows = store::transfers::find_all(&self.db, scope, ids).await?;
        Ok(rows.into_iter().map(|row| row.view()).collect())
    }

    /// Cancels a transfer. A queued transfer is cancelled at once; a running transfer ends when its agent confirms the
    /// request or its lease ends.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] outside the caller's scope, [`Error::Conflict`] if the
    /// transfer has ended.
    pub async fn cancel_transfer(&self, actor: &Actor, id: TransferId) -> Result<Transfer> {
        self.update_and_notify(actor, Permission::CancelTransfer, id, |row, now| {
            let status = row.state.status;
            if !status.can_be_cancelled() {
                return Err(Error::conflict(format!("a transfer that is {status} cannot be cancelled")));
            }
            if status == TransferStatus::Queued {
                row.state.cancel_requested_at = Some(now);
                row.state.advance(&to(TransferStatus::Cancelled), now)?;
                return Ok(Some((Kind::TransferStatusChanged, DirectiveAction::CancelTransfer { transfer_id: id })));
            }
            if row.state.cancel_requested_at.is_some() {
                return Ok(None);
            }
            row.state.cancel_requested_at = Some(now);
            row.state.revision += 1;
            Ok(Some((Kind::TransferCancelRequested, DirectiveAction::CancelTransfer { transfer_id: id })))
        })
        .await
    }

    /// Queues another attempt of a failed transfer and sends its agent the directive to retry it.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] outside the caller's scope, [`Error::Conflict`] if the
    /// transfer has not failed, or if its agent was revoked.
    pub async fn retry_transfer(&self, actor: &Actor, id: TransferId) -> Result<Transfer> {
        self.update_and_notify(actor, Permission::RetryTransfer, id, |row, now| {
            if !row.state.status.can_be_retried() {
                let message =
                    format!("a transfer that is {} cannot be retried: only a failed one can", row.state.status);
                return Err(Error::conflict(message));
            }
            row.state.advance(&to(TransferStatus::Queued), now)?;
            let attempt = row.state.attempt;
            Ok(Some((Kind::TransferStatusChanged, DirectiveAction::RetryTransfer { transfer_id: id, attempt })))
        })
        .await
    }

    /// Changes a transfer on a user's behalf and sends its agent a directive, in one transaction.
    async fn update_and_notify(
        &self,
        actor: &Actor,
        permission: Permission,
        id: TransferId,
        decide: impl Fn(&mut TransferRow, DateTime<Utc>) -> Result<Option<(Kind, DirectiveAction)>>,
    ) -> Result<Transfer> {
        let scope = actor.require(permission)?;
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let row = store::transfers::find(&mut work.tx, scope, id).await?;
            let mut row = row.ok_or(Error::NotFound("transfer"))?;
            let (seen, before) = (row.state.revision, row.state.status);
            let Some((kind, action)) = decide(&mut row, work.now)? else { return Ok(row.view()) };
            let agent = row.agent_id;
            let is_agent_registered = self.is_agent_registered(&mut work, agent).await?;
            if !is_agent_registered && matches!(action, DirectiveAction::RetryTransfer { .. }) {
                return Err(Error::conflict(
                    "the agent of the transfer was revoked: no agent could make another attempt",
                ));
            }
            if !self.save(&mut work, &row, seen, before, kind).await? {
                // A concurrent report was committed first: try again.
                continue;
            }
            if is_agent_registered {
                // Of two directives about one transfer the later one counts.
                store::directives::settle_transfer(&mut work.tx, agent, id, work.now).await?;
                self.send_directive(&mut work, agent, action).await?;
            }
            self.commit(work).await?;
            return Ok(row.view());
        }
    }

    /// Whether the agent exists and is not revoked.
    pub(super) async fn is_agent_registered(&self, work: &mut Work, agent: AgentId) -> Result<bool> {
        Ok(store::agents::find(&mut work.tx, crate::actor::Scope::All, agent).await?.is_some())
    }

    /// Saves a changed transfer and the counts by status. Returns false if another change of the transfer was committed
    /// since its revision `seen`.
    pub(super) async fn save(
        &self,
        work: &mut Work,
        row: &TransferRow,
        seen: i64,
        before: TransferStatus,
        kind: Kind,
    ) -> Result<bool> {
        if !store::transfers::save(&mut work.tx, row, seen).await? {
            return Ok(false);
        }
        let mut deltas = Deltas::default();
        deltas.note(row.customer_id, row.agent_id, Some(before), row.state.status);
        deltas.apply(&mut work.tx).await?;
        work.note(kind, Object::Transfer(row.view()));
        Ok(true)
    }

    /// Returns the newest transfers of each of these job runs, in the order of the runs: for each, at most the number
    /// that follows its id.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn newest_transfers_of_job_runs(&self, actor: &Actor, of: &[(RunId, u64)]) -> Result<Vec<Vec<Transfer>>> {
        let scope = actor.require(Permission::ViewJobRuns)?;
        let rows = store::transfers::newest_of_job_runs(&self.db, scope, of).await?;
        let newest = of.iter().map(|(run, count)| {
            let own = rows.iter().filter(|row| row.job_run_id == Some(*run)).map(TransferRow::view);
            own.take(usize::try_from(*count).unwrap_or(usize::MAX)).collect()
        });
        Ok(newest.collect())
    }
}

fn to(status: TransferStatus) -> UpdateTransfer {
    UpdateTransfer { status: Some(status), ..UpdateTransfer::default() }
}
