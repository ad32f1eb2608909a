//! What time alone changes: silence, stalls and the ends of leases. Every server sweeps; each change is made by
//! compare-and-set, so it is made, and told, once.

use chrono::{DateTime, TimeDelta, Utc};

use super::{ControlPlane, delta};
use crate::{
    actor::Actor,
    error::Result,
    events::Forget,
    model::{
        agent::{Agent, AgentStatus},
        event::{Kind, Object},
    },
    store::{self, transfers::TransferRow},
};

impl ControlPlane {
    /// Marks agents offline that were silent for three heartbeat intervals; how many. None is while heartbeats cannot be
    /// stored, nor for as long after this server started or an outage of the database ended.
    ///
    /// # Errors
    ///
    /// Whatever the store says.
    pub async fn mark_silent_agents_offline(&self) -> Result<usize> {
        let now = self.now();
        let interval = delta(self.timing.heartbeat_interval);
        if !self.can_judge_silence(now) {
            return Ok(0);
        }
        let mut marked = 0;
        let mut silent = Vec::new();
        for told in store::agents::told_intervals(&self.db).await? {
            let longest = TimeDelta::seconds(told).max(interval);
            silent.extend(store::agents::silent_since(&self.db, told, now - longest * 3).await?);
        }
        for seen in silent {
            let mut work = self.begin(&Actor::System).await?;
            if store::agents::mark_offline(&mut work.tx, &seen, now).await? {
                let agent = Agent { status: AgentStatus::Offline, revision: seen.revision + 1, ..seen.into() };
                work.note(Kind::AgentStatusChanged, Object::Agent(agent));
                self.commit(work).await?;
                marked += 1;
            }
        }
        Ok(marked)
    }

    /// Marks running transfers stalled that made no progress for a while; how many.
    ///
    /// # Errors
    ///
    /// Whatever the store says.
    pub async fn mark_stalled_transfers(&self) -> Result<usize> {
        let now = self.now();
        if !self.can_judge_stalls(now) {
            return Ok(0);
        }
        let mut marked = 0;
        for mut row in
            store::transfers::without_progress_since(&self.db, now - delta(self.timing.stalled_after)).await?
        {
            let seen = row.state.revision;
            row.state.stalled = true;
            row.state.revision += 1;
            marked += usize::from(self.swept(&row, seen, Kind::TransferStalled).await?);
        }
        Ok(marked)
    }

    /// Fails running transfers whose agent has been offline, or whose cancel was not confirmed, for longer than a lease;
    /// how many.
    ///
    /// # Errors
    ///
    /// Whatever the store says.
    pub async fn end_leases(&self) -> Result<usize> {
        let now = self.now();
        if !self.can_end_leases(now) {
            return Ok(0);
        }
        let cutoff = now - delta(self.timing.lease);
        let mut ended = 0;
        for mut row in store::transfers::past_lease(&self.db, cutoff).await? {
            let seen = row.state.revision;
            let lease = humantime::format_duration(self.timing.lease);
            let reason = if is_past(row.state.cancel_requested_at, cutoff) {
                format!("the agent did not confirm the cancel within {lease}")
            } else {
                format!("the agent was offline for longer than {lease}")
            };
            row.state.fail_by_lease(&reason, now);
            ended += usize::from(self.swept(&row, seen, Kind::TransferStatusChanged).await?);
        }
        Ok(ended)
    }

    /// Throws away what is older than the log of events, and the ledger of slots, are kept; how many rows.
    ///
    /// # Errors
    ///
    /// Whatever the store says.
    pub async fn purge(&self) -> Result<u64> {
        let now = self.now();
        let (events, slots) = (delta(self.timing.events_kept), delta(self.timing.slots_kept));
        store::purge::run(&self.db, now, now - events, now - slots).await
    }

    async fn swept(&self, row: &TransferRow, seen: i64, kind: Kind) -> Result<bool> {
        let mut work = self.begin(&Actor::System).await?;
        // Only running transfers are swept.
        let before = crate::model::transfer::TransferStatus::Running;
        if !self.save(&mut work, row, seen, before, kind).await? {
            return Ok(false);
        }
        if row.state.status.has_ended() {
            store::directives::settle_transfer(&mut work.tx, row.agent_id, row.id, work.now).await?;
            work.forget(Forget::Directives(row.agent_id));
        }
        self.commit(work).await?;
        Ok(true)
    }
}

fn is_past(instant: Option<DateTime<Utc>>, cutoff: DateTime<Utc>) -> bool {
    instant.is_some_and(|instant| instant < cutoff)
}
