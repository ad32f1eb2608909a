//! Reacts to jumps of the machine's clock. For a minute after a jump, [`crate::clock`] computes the time without the
//! machine's clock, so a clock that is wrong for some seconds changes no stored time. Then the new time is accepted. If
//! that time was wrong and the clock is corrected later, stored times may lie in the future; this module corrects them.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use strum::IntoEnumIterator;

use super::{
    ControlPlane, delta,
    failure_isolation::{PAGE, attempt},
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
        schedules::{ScheduleRow, ScheduledKind},
    },
};

/// The maximum number of schedules whose next slot is computed again in one transaction.
const AT_A_TIME: usize = 100;
/// How long nothing is purged after a jump was accepted, so that an operator can correct the clock first.
const PURGE_DELAY: TimeDelta = TimeDelta::hours(1);

/// The jumps of the clock that were handled.
#[derive(Debug, Default)]
pub(super) struct HandledJumps(Mutex<Jumps>);

impl ControlPlane {
    /// Logs jumps of the clock since the last call. After an accepted jump, corrects stored times that lie in the
    /// future, and next slots that are too late. After an error, the next call tries again.
    pub async fn handle_clock_jumps(&self) -> Result<()> {
        let jumps = self.clock.jumps();
        let handled = *self.handled_jumps.0.lock().unwrap_or_else(PoisonError::into_inner);
        if jumps.detected != handled.detected {
            metrics::counter!("mftplus_clock_jumps_total").increment(jumps.detected - handled.detected);
            tracing::warn!(
                ahead.seconds = jumps.ahead.num_seconds(),
                "the machine's clock has jumped: its time is not used until it is correct again or a minute has passed"
            );
            self.handled_jumps.0.lock().unwrap_or_else(PoisonError::into_inner).detected = jumps.detected;
        }
        if jumps.accepted != handled.accepted {
            tracing::warn!(
                ahead.seconds = jumps.ahead.num_seconds(),
                "the time of the machine's clock after a jump was accepted"
            );
            self.correct_future_times().await?;
            self.handled_jumps.0.lock().unwrap_or_else(PoisonError::into_inner).accepted = jumps.accepted;
        }
        Ok(())
    }

    /// Corrects stored times that lie in the future because the clock of this or another server was wrong. Also
    /// corrects the next slots of schedules that are too late for the same reason.
    pub async fn correct_future_times(&self) -> Result<()> {
        let now = self.now();
        let mut corrected = 0;
        for what in FutureTimestamps::iter() {
            let rows =
                attempt("setting times right", what, store::future_timestamps::correct(&self.db, what, now)).await?;
            let rows = rows.unwrap_or(0);
            if rows > 0 {
                tracing::warn!(%what, rows, "stored times in the future were corrected");
            }
            corrected += rows;
        }
        let mut planned = 0;
        for kind in [ScheduledKind::Job, ScheduledKind::Pipeline] {
            let list = |after| store::schedules::with_planned_slots(&self.db, kind, now, after, PAGE);
            let plan = |ids| self.plan_again(kind, ids);
            planned += self.work_through("planning schedules again", AT_A_TIME, list, plan).await?;
        }
        if planned > 0 {
            tracing::warn!(schedules = planned, "schedules with a next slot too far in the future were planned again");
        }
        if corrected > 0 {
            // Sessions may have ended, and subscribers may have received states that are no longer true.
            self.cache.invalidate_all();
            self.bus.resync();
        }
        Ok(())
    }

    /// Corrects the next slot of these schedules, if the stored one is too late.
    async fn plan_again(&self, kind: ScheduledKind, ids: Vec<uuid::Uuid>) -> Result<usize> {
        let now = self.now();
        let late = |row: &ScheduleRow| {
            let schedule = Schedule::parse(&row.schedule, &row.timezone).ok()?;
            let next = schedule.next_after(now)?;
            row.next_run_at.is_some_and(|planned| planned > next).then_some(next)
        };
        let rows = store::schedules::find_all(&self.db, &ids).await?;
        if !rows.iter().any(|row| late(row).is_some()) {
            return Ok(0);
        }
        let mut work = self.begin(&Actor::System).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let rows = store::schedules::find_all(&mut work.tx, &ids).await?;
        let claims: Vec<_> = rows.iter().filter_map(|row| Some((row, Some(late(row)?)))).collect();
        let claimed = store::schedules::claim(&mut work.tx, &claims).await?;
        if kind == ScheduledKind::Job {
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

    /// Whether the time since the last heartbeat or report of an agent can be trusted. False for three heartbeat
    /// intervals after an accepted jump of the clock, because stored times may be wrong.
    pub(super) fn may_judge_silence(&self) -> bool {
        let grace = delta(self.timing.heartbeat_interval) * 3;
        self.clock.since_jump().is_none_or(|since| since >= grace)
    }

    /// Whether old rows may be purged. False for an hour after an accepted jump of the clock.
    pub(super) fn may_purge(&self) -> bool {
        self.clock.since_jump().is_none_or(|since| since >= PURGE_DELAY)
    }
}
