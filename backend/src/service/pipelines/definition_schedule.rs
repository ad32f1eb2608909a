//! The schedule of a pipeline, which its definition contains. It is stored in the same table as the schedules of jobs,
//! and the same rules decide its slots.

use crate::{
    actor::{Actor, Permission},
    error::Result,
    events::Invalidation,
    ids::PipelineId,
    model::{
        Page, PageRequest,
        definition::Definition,
        event::{Kind, Object},
        job::{JobSlotFilter, Outcome},
        pipeline::{PipelineRef, PipelineSlot},
    },
    service::{ControlPlane, Work},
    store::{
        self,
        db::EnumText,
        pipelines::PipelineRow,
        schedules::{ScheduleRow, ScheduledKind},
    },
};

impl ControlPlane {
    /// Returns a page of the slot history of a pipeline, latest slot first.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::list_pipeline_versions`].
    pub async fn list_pipeline_slots(
        &self,
        actor: &Actor,
        meant: &PipelineRef,
        request: PageRequest,
    ) -> Result<Page<PipelineSlot>> {
        let pipeline = self.permitted_pipeline(actor, Permission::ViewPipelineSlots, meant).await?;
        let slots = store::slots::list(&self.db, pipeline.id.0, &JobSlotFilter::default(), request).await?;
        Ok(slots.map(|row| row.pipeline_view()))
    }

    /// Stores the schedule of the definition. If there is none or the pipeline is disabled, deletes the stored schedule
    /// and cancels queued slots. Returns false if a slot is due or the schedule was changed concurrently; the caller
    /// then decides the due slots by the previous schedule, and tries again.
    pub(super) async fn reschedule(
        &self,
        work: &mut Work,
        pipeline: &mut PipelineRow,
        definition: Option<&Definition>,
    ) -> Result<bool> {
        let id = pipeline.id.0;
        let known = store::schedules::find(&mut work.tx, id).await?;
        if known.as_ref().and_then(|row| row.next_run_at).is_some_and(|due| due <= work.now) {
            return Ok(false);
        }
        let scheduled = definition.filter(|_| pipeline.enabled);
        let scheduled = scheduled.and_then(|definition| Some((definition, definition.schedule.as_ref()?)));
        let Some((definition, schedule)) = scheduled else {
            if known.is_some() {
                let reason = if pipeline.enabled { "the schedule was removed" } else { "the pipeline was disabled" };
                cancel_pending_slots(work, pipeline.id, reason).await?;
                store::schedules::delete(&mut work.tx, id).await?;
                work.invalidate(Invalidation::Schedules);
                pipeline.next_run_at = None;
            }
            return Ok(true);
        };
        let is_same = |row: &ScheduleRow| row.schedule == schedule.text() && row.timezone == schedule.timezone();
        let next = known.as_ref().filter(|row| is_same(row)).and_then(|row| row.next_run_at);
        let row = ScheduleRow {
            owner_id: id,
            schedule: schedule.text().to_owned(),
            timezone: schedule.timezone().to_owned(),
            overlap: EnumText(definition.overlap),
            catch_up: EnumText(definition.catch_up),
            next_run_at: next.or_else(|| schedule.next_after(work.now)),
            version: known.as_ref().map_or(1, |row| row.version),
        };
        pipeline.next_run_at = row.next_run_at;
        work.invalidate(Invalidation::Schedules);
        if known.is_some() {
            // The pipeline is locked, so the only possible concurrent change is a claim of the schedule.
            return store::schedules::save(&mut work.tx, &row).await;
        }
        store::schedules::insert(&mut work.tx, ScheduledKind::Pipeline, &row).await?;
        Ok(true)
    }
}

/// Deletes the schedule of a pipeline with its slot history.
pub(super) async fn unschedule(work: &mut Work, pipeline: PipelineId) -> Result<()> {
    if store::schedules::delete(&mut work.tx, pipeline.0).await? {
        work.invalidate(Invalidation::Schedules);
    }
    store::slots::delete(&mut work.tx, pipeline.0).await
}

/// Cancels the slots that have not started. They become `skipped`, with this reason.
async fn cancel_pending_slots(work: &mut Work, pipeline: PipelineId, reason: &str) -> Result<()> {
    for mut slot in store::slots::pending(&mut work.tx, pipeline.0).await? {
        let seen = slot.pending.take().map(|pending| pending.0);
        slot.outcome = EnumText(Outcome::Skipped);
        slot.reason = Some(reason.to_owned());
        if store::slots::save(&mut work.tx, &slot, seen).await? {
            work.note(Kind::PipelineSlotDecided, Object::PipelineSlot(slot.pipeline_view()));
        }
    }
    Ok(())
}
