//! Decides the outcomes of the due slots of jobs. One of the servers decides each slot, once, and writes its row of the
//! slot history in the transaction that claims its schedule.

use std::{collections::HashMap, iter, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    ControlPlane,
    busy_jobs_and_queued_slots::{JobActivity, activity},
    failure_isolation::PAGE,
    job_starts::{WAITS_FOR_AGENT, starts},
};
use crate::{
    actor::Actor,
    error::Result,
    events::Invalidation,
    ids::JobId,
    model::{
        event::{Kind, Object},
        job::{Decision, Due, Job, Outcome, Verdict, decide},
        schedule::Schedule,
    },
    store::{
        self,
        db::EnumText,
        jobs::JobRow,
        schedules::{ScheduleRow, ScheduledKind},
        slots::{Pending, SlotRow},
    },
};

/// How many schedules are claimed in one transaction.
pub(super) const AT_A_TIME: usize = 100;
/// The longest sleep of the scheduler. After it, the scheduler notices a change for which no message arrived.
const MAX_SLEEP: Duration = Duration::from_secs(30);
/// The longest sleep while messages of other servers do not arrive.
const MAX_SLEEP_UNCONNECTED: Duration = Duration::from_secs(1);
/// The reason of a slot that waits for an earlier run.
pub(super) const WAITS_FOR_RUN: &str = "waits for an earlier run to end";

/// The decisions on the due slots of one schedule.
pub(super) struct Decided<'a> {
    pub(super) row: &'a ScheduleRow,
    /// The first slot that is not due yet.
    pub(super) next: Option<DateTime<Utc>>,
    pub(super) decisions: Vec<Decision>,
}

impl ControlPlane {
    /// Decides the outcomes of all due slots of jobs and pipelines. Returns the number of jobs and pipelines that had a
    /// due slot. A slot that cannot be decided stays due and does not block the others. After an error, the decisions
    /// made so far remain.
    pub async fn decide_due_slots(&self) -> Result<usize> {
        let mut total = 0;
        while let Some(due) = store::schedules::next_due(&self.db, ScheduledKind::Job).await? {
            let now = self.now();
            if due > now {
                break;
            }
            let lateness = (now - due).to_std().unwrap_or_default();
            metrics::histogram!("mftplus_scheduler_lateness_seconds").record(lateness.as_secs_f64());
            let list = |after| store::schedules::with_due_slots(&self.db, ScheduledKind::Job, now, after, PAGE);
            let decided =
                self.work_through("deciding slots of jobs", AT_A_TIME, list, |ids| self.decide_due_jobs(ids)).await?;
            if decided == 0 {
                break;
            }
            total += decided;
        }
        Ok(total + self.decide_due_pipeline_slots().await?)
    }

    /// Returns the time until the next slot is due: at most 30 seconds, or at most one second while messages of other
    /// servers do not arrive.
    pub async fn until_next_slot(&self) -> Result<Duration> {
        let longest = if self.bus.is_connected() { MAX_SLEEP } else { MAX_SLEEP_UNCONNECTED };
        let jobs = store::schedules::next_due(&self.db, ScheduledKind::Job).await?;
        let pipelines = store::schedules::next_due(&self.db, ScheduledKind::Pipeline).await?;
        let due = [jobs, pipelines].into_iter().flatten().min();
        let until = due.map(|due| (due - self.now()).to_std().unwrap_or_default());
        Ok(until.map_or(longest, |until| until.min(longest)))
    }

    /// Waits until a schedule may have changed.
    pub async fn schedules_changed(&self) {
        self.cache.schedules.notified().await;
    }

    /// Claims the schedules of these jobs and decides their due slots, in one transaction. Returns the number of
    /// claimed jobs.
    pub(super) async fn decide_due_jobs(&self, ids: Vec<uuid::Uuid>) -> Result<usize> {
        let mut work = self.begin(&Actor::System).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let now = work.now;
        let due = store::schedules::due(&mut work.tx, &ids, now).await?;
        let ids: Vec<JobId> = due.iter().map(|row| JobId(row.owner_id)).collect();
        let activity = activity(&mut work, &ids).await?;
        let decide = |row| {
            let JobActivity { busy, queued } = &activity;
            decided(row, busy.contains(&JobId(row.owner_id)), queued.get(&row.owner_id).copied().unwrap_or(0), now)
        };
        let decided: Vec<Decided<'_>> = due.iter().map(decide).collect();
        let claims: Vec<_> = decided.iter().map(|decided| (decided.row, decided.next)).collect();
        let claimed = store::schedules::claim(&mut work.tx, &claims).await?;
        let ids: Vec<JobId> = ids.into_iter().filter(|id| claimed.contains(&id.0)).collect();
        store::jobs::touch(&mut work.tx, &ids).await?;
        let jobs = store::jobs::find_within(&mut work.tx, &ids).await?;
        let jobs: HashMap<JobId, Job> = jobs.iter().map(|row| (row.id, JobRow::view(row))).collect();

        let mut slots = Vec::new();
        for Decided { row, decisions, .. } in decided {
            if jobs.contains_key(&JobId(row.owner_id)) {
                slots.extend(decisions.into_iter().map(|decision| self.slot(row.owner_id, decision)));
            }
        }
        let new = store::slots::insert_all(&mut work.tx, ScheduledKind::Job, &slots, now).await?;
        let mut wanted = Vec::new();
        for slot in slots.into_iter().filter(|slot| new.contains(&slot.id)) {
            if slot.pending.is_some_and(|pending| pending.0 == Pending::Sent)
                && let Some(job) = jobs.get(&JobId(slot.owner_id))
            {
                wanted.push(starts(&self.ids, job, Some(slot.scheduled_for), now));
            }
            work.note(Kind::JobSlotDecided, Object::JobSlot(slot.view()));
        }
        store::directives::insert_all(&mut work.tx, &wanted).await?;
        for (agent, _) in &wanted {
            work.invalidate(Invalidation::Directives(*agent));
        }
        let count = jobs.len();
        for job in jobs.into_values() {
            work.note(Kind::JobMoved, Object::Job(job));
        }
        self.commit(work).await?;
        metrics::counter!("mftplus_slots_started_total").increment(wanted.len() as u64);
        Ok(count)
    }

    /// Builds the row of the slot history for a decision.
    pub(super) fn slot(&self, owner_id: uuid::Uuid, decision: Decision) -> SlotRow {
        let Decision { scheduled_for, verdict, range } = decision;
        let (outcome, reason, pending) = match verdict {
            Verdict::Run => (Outcome::Ran, WAITS_FOR_AGENT, Some(Pending::Sent)),
            Verdict::Queue => (Outcome::Ran, WAITS_FOR_RUN, Some(Pending::Queued)),
            Verdict::Drop(outcome, reason) => (outcome, reason, None),
        };
        SlotRow {
            // The id begins with the milliseconds of the slot, so that ORDER BY id is the order of slots.
            id: self.ids.next(scheduled_for),
            owner_id,
            scheduled_for,
            outcome: EnumText(outcome),
            reason: Some(reason.to_owned()),
            run_id: None,
            pending: pending.map(EnumText),
            range_from: range.map(|(from, _)| from),
            range_count: range.map(|(_, count)| count),
        }
    }
}

/// Decides the outcomes of the slots of a schedule up to `now`, without I/O. If the stored schedule cannot be read,
/// there are no decisions and no next slot.
pub(super) fn decided(row: &ScheduleRow, is_busy: bool, queued: usize, now: DateTime<Utc>) -> Decided<'_> {
    let nothing = Decided { row, next: None, decisions: Vec::new() };
    let Some(first) = row.next_run_at else { return nothing };
    let schedule = match Schedule::parse(&row.schedule, &row.timezone) {
        Ok(schedule) => schedule,
        // It was valid when it was stored. No slot is due until the schedule is changed.
        Err(error) => {
            tracing::error!(owner.id = %row.owner_id, %error, "a stored schedule cannot be read");
            return nothing;
        }
    };
    let due = Due { overlap: row.overlap.0, catch_up: row.catch_up.0, is_busy, queued, now };
    let slots = iter::once(first).chain(schedule.upcoming(first)).take_while(|slot| *slot <= now);
    Decided { row, next: schedule.next_after(now), decisions: decide(slots, due) }
}
