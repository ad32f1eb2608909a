//! What follows where the machine's clock has jumped. While it is in doubt, [`crate::clock`] reckons the present itself, so
//! nothing is stored by a clock that is wrong for some seconds. One that goes on from where it was set is believed; was it
//! wrong after all, and is set right later, then what was stored meanwhile lies ahead of the present, and is set right.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use strum::IntoEnumIterator;

use super::{
    ControlPlane,
    background::{PAGE, attempt},
    delta,
};
use crate::{
    actor::Actor,
    clock::Jumps,
    error::Result,
    events::Invalidation,
    ids::JobId,
    model::{
        event::{Kind, Object},
        schedule::Schedule,
    },
    store::{
        self,
        future_timestamps::FutureTimestamps,
        jobs::JobRow,
        schedules::{Owner, ScheduleRow},
    },
};

/// How many schedules are planned again in one transaction.
const AT_A_TIME: usize = 100;
/// How long nothing is thrown away after a jump was believed: whoever looks after the clock has that long to see it.
const KEEPS_ALL: TimeDelta = TimeDelta::hours(1);

/// The jumps that were heeded.
#[derive(Debug, Default)]
pub(super) struct Heeded(Mutex<Jumps>);

impl ControlPlane {
    /// Says that the clock has jumped, if it has since the last look. Where that was believed, plans schedules again and
    /// sets right what lies ahead of the present.
    ///
    /// # Errors
    ///
    /// Whatever the store says; then the next look does it.
    pub async fn heed_clock(&self) -> Result<()> {
        let jumps = self.clock.jumps();
        let heeded = *self.heeded.0.lock().unwrap_or_else(PoisonError::into_inner);
        if jumps.detected != heeded.detected {
            metrics::counter!("mftplus_clock_jumps_total").increment(jumps.detected - heeded.detected);
            tracing::warn!(
                ahead.seconds = jumps.ahead.num_seconds(),
                "the clock has jumped: until it is right again, or has gone on for a minute, time is reckoned without it"
            );
            self.heeded.0.lock().unwrap_or_else(PoisonError::into_inner).detected = jumps.detected;
        }
        if jumps.accepted != heeded.accepted {
            tracing::warn!(ahead.seconds = jumps.ahead.num_seconds(), "the clock goes on from where it was set");
            self.set_times_right().await?;
            self.heeded.0.lock().unwrap_or_else(PoisonError::into_inner).accepted = jumps.accepted;
        }
        Ok(())
    }

    /// Plans schedules again, and sets right what lies ahead of the present because a clock was wrong, here, on another
    /// server, or before the start.
    pub async fn set_times_right(&self) -> Result<()> {
        let now = self.now();
        let mut corrected = 0;
        for what in FutureTimestamps::iter() {
            let rows =
                attempt("setting times right", what, store::future_timestamps::correct(&self.db, what, now)).await?;
            let rows = rows.unwrap_or(0);
            if rows > 0 {
                tracing::warn!(%what, rows, "these instants lay ahead of the present");
            }
            corrected += rows;
        }
        let mut planned = 0;
        for owner in [Owner::Job, Owner::Pipeline] {
            let list = |after| store::schedules::planned_owners(&self.db, owner, now, after, PAGE);
            let plan = |owners| self.plan_again(owner, owners);
            planned += self.work_through("planning schedules again", AT_A_TIME, list, plan).await?;
        }
        if planned > 0 {
            tracing::warn!(schedules = planned, "schedules waited for a time too far ahead: they were planned again");
        }
        if corrected > 0 {
            // Sessions may have ended, and what watchers were shown is not so any more.
            self.cache.invalidate_all();
            self.bus.resync();
        }
        Ok(())
    }

    /// Has these schedules wait for their next slot, where they wait for a later one.
    async fn plan_again(&self, owner: Owner, owners: Vec<uuid::Uuid>) -> Result<usize> {
        let now = self.now();
        let late = |row: &ScheduleRow| {
            let schedule = Schedule::parse(&row.schedule, &row.timezone).ok()?;
            let next = schedule.next_after(now)?;
            row.next_run_at.is_some_and(|planned| planned > next).then_some(next)
        };
        let rows = store::schedules::of_owners(&self.db, &owners).await?;
        if !rows.iter().any(|row| late(row).is_some()) {
            return Ok(0);
        }
        let mut work = self.begin(&Actor::System).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let rows = store::schedules::of_owners(&mut work.tx, &owners).await?;
        let claims: Vec<_> = rows.iter().filter_map(|row| Some((row, Some(late(row)?)))).collect();
        let claimed = store::schedules::claim(&mut work.tx, &claims).await?;
        if owner == Owner::Job {
            let jobs: Vec<JobId> = claimed.iter().map(|id| JobId(*id)).collect();
            store::jobs::touch(&mut work.tx, &jobs).await?;
            for job in store::jobs::find_within(&mut work.tx, &jobs).await? {
                work.note(Kind::JobMoved, Object::Job(JobRow::view(&job)));
            }
        }
        work.invalidate(Invalidation::Schedules);
        self.commit(work).await?;
        Ok(claimed.len())
    }

    /// Whether silence says something: not right after the start, nor after the clock was set, since whoever seems silent
    /// may just have had nobody to talk to, or no time to.
    pub(super) fn may_judge_silence(&self) -> bool {
        let grace = delta(self.timing.heartbeat_interval) * 3;
        self.clock.since_jump().is_none_or(|since| since >= grace)
    }

    /// Whether what is old may be thrown away.
    pub(super) fn may_purge(&self) -> bool {
        self.clock.since_jump().is_none_or(|since| since >= KEEPS_ALL)
    }
}
