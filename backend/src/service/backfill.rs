//! Backfills: runs for the past slots of a job in which it did not run.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ControlPlane, Work,
    due_slots::WAITS_FOR_RUN,
    jobs::{parse, permitted, require_enabled},
};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    ids::JobId,
    model::{
        event::{Kind, Object},
        job::{Backfill, BackfillPreview, BackfillSlot, JobSlot, Outcome},
    },
    store::{
        self,
        db::EnumText,
        jobs::JobRow,
        schedules::ScheduledKind,
        slots::{Pending, SlotRow},
    },
};

/// The maximum number of slots of one backfill.
const MOST: usize = 100;

impl ControlPlane {
    /// Returns the slots that [`Self::backfill_job`] would run. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope, [`Error::Forbidden`] unless the caller is an administrator,
    /// [`Error::Fields`] if the range ends in the future or contains more than 100 slots.
    pub async fn preview_backfill(&self, actor: &Actor, job: JobId, range: Backfill) -> Result<BackfillPreview> {
        let mut work = self.begin(actor).await?;
        let row = permitted(&mut work, actor, Permission::BackfillJob, job).await?;
        preview(&mut work, &row, range).await
    }

    /// Queues the slots of a past range in which the job did not run, and returns them. Their runs start one after the
    /// other, unless the overlap policy of the job is `allow`.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::preview_backfill`], and [`Error::Invalid`] if the job is disabled.
    pub async fn backfill_job(&self, actor: &Actor, job: JobId, range: Backfill) -> Result<Vec<JobSlot>> {
        let mut work = self.begin(actor).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let row = permitted(&mut work, actor, Permission::BackfillJob, job).await?;
        require_enabled(&row)?;
        let preview = preview(&mut work, &row, range).await?;
        let wanted: Vec<DateTime<Utc>> =
            preview.slots.iter().filter(|slot| slot.will_run).map(|slot| slot.scheduled_for.0).collect();
        let known = known(&mut work, job, &preview.slots).await?;
        let mut queued = Vec::with_capacity(wanted.len());
        let mut new = Vec::new();
        for at in wanted {
            let slot = SlotRow {
                id: known.get(&at).map_or_else(|| self.ids.next(at), |slot| slot.id),
                owner_id: job.0,
                scheduled_for: at,
                outcome: EnumText(Outcome::Ran),
                reason: Some(WAITS_FOR_RUN.to_owned()),
                run_id: None,
                pending: Some(EnumText(Pending::Queued)),
                range_from: None,
                range_count: None,
            };
            if known.contains_key(&at) {
                if store::slots::save(&mut work.tx, &slot, None).await? {
                    queued.push(slot);
                }
            } else {
                new.push(slot);
            }
        }
        let stored = store::slots::insert_all(&mut work.tx, ScheduledKind::Job, &new, work.now).await?;
        queued.extend(new.into_iter().filter(|slot| stored.contains(&slot.id)));
        queued.sort_unstable_by_key(|slot| slot.scheduled_for);
        let slots: Vec<JobSlot> = queued.iter().map(SlotRow::view).collect();
        for slot in &slots {
            work.note(Kind::JobSlotDecided, Object::JobSlot(slot.clone()));
        }
        self.commit(work).await?;
        self.start_queued_slots_of(job).await?;
        Ok(slots)
    }
}

async fn preview(work: &mut Work, job: &JobRow, range: Backfill) -> Result<BackfillPreview> {
    let schedule = parse(&job.settings.schedule, &job.settings.timezone)?;
    // Slots from `next_run_at` on are decided by the scheduler.
    let end = job.next_run_at.map_or(work.now, |next| next.min(work.now));
    if range.to > work.now {
        return Err(Error::field("to", "must not be in the future"));
    }
    let before = range.from - TimeDelta::milliseconds(1);
    let slots = schedule.upcoming(before).take_while(|slot| *slot <= range.to && *slot <= end).take(MOST + 1);
    let slots: Vec<DateTime<Utc>> = slots.filter(|slot| job.next_run_at != Some(*slot)).collect();
    if slots.len() > MOST {
        return Err(Error::field("to", format!("contains more than {MOST} slots: choose a shorter range")));
    }
    let undecided = slots.iter().map(|at| BackfillSlot { scheduled_for: (*at).into(), outcome: None, will_run: true });
    let mut slots: Vec<BackfillSlot> = undecided.collect();
    let known = known(work, job.id, &slots).await?;
    for slot in &mut slots {
        slot.outcome = known.get(&slot.scheduled_for.0).map(SlotRow::outcome);
        slot.will_run = !matches!(slot.outcome, Some(Outcome::Ran | Outcome::Pending));
    }
    let run_count = slots.iter().filter(|slot| slot.will_run).count();
    Ok(BackfillPreview { run_count: i64::try_from(run_count).unwrap_or(i64::MAX), slots })
}

/// The stored rows of these slots, by their scheduled times.
async fn known(work: &mut Work, job: JobId, slots: &[BackfillSlot]) -> Result<HashMap<DateTime<Utc>, SlotRow>> {
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return Ok(HashMap::new()) };
    let rows = store::slots::between(&mut work.tx, job.0, first.scheduled_for.0, last.scheduled_for.0).await?;
    Ok(rows.into_iter().map(|slot| (slot.scheduled_for, slot)).collect())
}
