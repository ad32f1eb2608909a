//! Timeouts of agents and transfers: offline agents, stalled transfers and ended leases. Every server runs the sweep.
//! Each change is made on locked rows that were read again, or by compare-and-set, so that only one server makes and
//! publishes it.

use chrono::{DateTime, TimeDelta, Utc};
use strum::IntoEnumIterator;

use super::{
    ControlPlane, Work, delta,
    failure_isolation::{PAGE, attempt},
};
use crate::{
    actor::Actor,
    error::Result,
    events::Invalidation,
    ids::{AgentId, TransferId},
    model::{
        event::{Kind, Object},
        transfer::TransferStatus,
    },
    store::{
        self,
        agents::SilentAgents,
        purge::{self, Before},
        transfer_counts::Deltas,
        transfers::{Overdue, TransferRow},
    },
};

/// The maximum number of agents that one transaction marks, so that a concurrent report does not wait long.
const AGENTS_AT_A_TIME: usize = 50;
/// The maximum number of transfers that one transaction changes.
const TRANSFERS_AT_A_TIME: usize = 50;

impl ControlPlane {
    /// Marks agents offline that sent no heartbeat for three intervals. Returns the number of marked agents. No agent
    /// is marked while heartbeats cannot be stored, nor within three intervals after the start of this server or the
    /// end of an outage of the database.
    pub async fn mark_silent_agents_offline(&self) -> Result<usize> {
        let now = self.now();
        let interval = delta(self.timing.heartbeat_interval);
        if !self.can_judge_silence(now) {
            return Ok(0);
        }
        let mut marked = 0;
        for acknowledged in store::agents::heartbeat_intervals(&self.db).await? {
            let longest = TimeDelta::seconds(acknowledged).max(interval);
            let silent = SilentAgents { interval: acknowledged, cutoff: now - longest * 3 };
            let list = |after| store::agents::silent(&self.db, silent, after, PAGE);
            let mark = |ids| self.mark_offline(ids, silent);
            marked += self.work_through("marking silent agents offline", AGENTS_AT_A_TIME, list, mark).await?;
        }
        Ok(marked)
    }

    async fn mark_offline(&self, ids: Vec<AgentId>, silent: SilentAgents) -> Result<usize> {
        let mut work = self.begin(&Actor::System).await?;
        let now = work.now;
        let marked = store::agents::mark_offline(&mut work.tx, &ids, silent, now).await;
        let count = marked.map(|marked| {
            let count = marked.len();
            for agent in marked {
                work.note(Kind::AgentStatusChanged, Object::Agent(agent.into()));
            }
            count
        });
        self.finish(work, count).await
    }

    /// Marks running transfers as stalled that made no progress for the configured time. Returns the number of marked
    /// transfers.
    pub async fn mark_stalled_transfers(&self) -> Result<usize> {
        let now = self.now();
        if !self.can_judge_stalls(now) {
            return Ok(0);
        }
        let overdue = Overdue::Progress(now - delta(self.timing.stalled_after));
        let stall = |row: &mut TransferRow, _: DateTime<Utc>| {
            row.state.stalled = true;
            row.state.revision += 1;
        };
        self.sweep_transfers("marking stalled transfers", overdue, Kind::TransferStalled, &stall).await
    }

    /// Fails running transfers whose agent has been offline, or whose cancel request was not confirmed, for longer than
    /// the lease. Returns the number of failed transfers.
    pub async fn end_leases(&self) -> Result<usize> {
        let now = self.now();
        if !self.can_end_leases(now) {
            return Ok(0);
        }
        let cutoff = now - delta(self.timing.lease);
        let lease = humantime::format_duration(self.timing.lease);
        let fail = |row: &mut TransferRow, now: DateTime<Utc>| {
            let reason = if is_past(row.state.cancel_requested_at, cutoff) {
                format!("the agent did not confirm the cancel request within {lease}")
            } else {
                format!("the agent was offline for longer than {lease}")
            };
            row.state.fail_by_lease(&reason, now);
        };
        self.sweep_transfers("ending leases", Overdue::Lease(cutoff), Kind::TransferStatusChanged, &fail).await
    }

    /// Deletes rows that are older than the retention of the event log and the slot history. Returns the number of
    /// deleted rows.
    pub async fn purge(&self) -> Result<u64> {
        if !self.may_purge() {
            return Ok(0);
        }
        let now = self.now();
        let (events, slots) = (delta(self.timing.events_kept), delta(self.timing.slots_kept));
        let before = Before { now, events: now - events, slots: now - slots };
        let mut removed = 0;
        for kind in purge::Kind::iter() {
            removed += attempt("purging", kind, purge::run(&self.db, kind, before)).await?.unwrap_or(0);
        }
        Ok(removed)
    }

    /// Truncates the write-ahead log of SQLite if it is too long. Has no effect with PostgreSQL.
    pub async fn shorten_log(&self) -> Result<()> {
        self.db.shorten_wal().await.map(drop)
    }

    async fn sweep_transfers(
        &self,
        what: &'static str,
        overdue: Overdue,
        kind: Kind,
        change: &(impl Fn(&mut TransferRow, DateTime<Utc>) + Sync),
    ) -> Result<usize> {
        let list = |after| store::transfers::overdue(&self.db, overdue, after, PAGE);
        let sweep = |ids: Vec<TransferId>| async move {
            let mut work = self.begin(&Actor::System).await?;
            let rows = store::transfers::lock_overdue(&mut work.tx, overdue, &ids).await;
            let count = match rows {
                Ok(rows) => swept(&mut work, rows, kind, change).await,
                Err(error) => Err(error),
            };
            self.finish(work, count).await
        };
        self.work_through(what, TRANSFERS_AT_A_TIME, list, sweep).await
    }
}

/// Changes running transfers, with events of one kind. Locks transfers in the order of their ids, then counters, then
/// directives, as the writer of reports does, so that transactions cannot deadlock.
async fn swept(
    work: &mut Work,
    rows: Vec<TransferRow>,
    kind: Kind,
    change: &(impl Fn(&mut TransferRow, DateTime<Utc>) + Sync),
) -> Result<usize> {
    let (mut deltas, mut changed) = (Deltas::default(), Vec::with_capacity(rows.len()));
    for mut row in rows {
        let seen = row.state.revision;
        change(&mut row, work.now);
        if store::transfers::save(&mut work.tx, &row, seen).await? {
            deltas.note(row.customer_id, row.agent_id, Some(TransferStatus::Running), row.state.status);
            changed.push(row);
        }
    }
    deltas.apply(&mut work.tx).await?;
    for row in &changed {
        if row.state.status.has_ended() {
            store::directives::settle_transfer(&mut work.tx, row.agent_id, row.id, work.now).await?;
            work.invalidate(Invalidation::Directives(row.agent_id));
        }
        work.note(kind, Object::Transfer(row.view()));
    }
    Ok(changed.len())
}

fn is_past(instant: Option<DateTime<Utc>>, cutoff: DateTime<Utc>) -> bool {
    instant.is_some_and(|instant| instant < cutoff)
}
