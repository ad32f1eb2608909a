//! Due slots of pipelines. Their outcomes are decided like those of jobs, but the server itself starts the runs.
//!
//! A first transaction claims the schedule and stores the decision; a second one creates the run and updates the slot.
//! If a server stops between the two, the slot stays queued, and any server starts the run.

use crate::{
    actor::{Actor, Scope},
    error::{Code, Error, Result},
    ids::PipelineId,
    model::{
        event::{Kind, Object},
        job::Outcome,
        pipeline::run::{Given, Trigger},
    },
    service::{
        ControlPlane,
        due_slots::{AT_A_TIME, Decided, decided},
        failure_isolation::{PAGE, attempt},
        pipelines::lock_and_read,
    },
    store::{
        self,
        db::EnumText,
        schedules::ScheduledKind,
        slots::{Pending, SlotRow},
    },
};

/// The reason of a slot that is about to be started.
const WAITS_FOR_SERVER: &str = "waits for a server to start it";

impl ControlPlane {
    /// Decides the outcomes of all due slots of pipelines and starts the runs that may start. Returns the number of
    /// pipelines that had a due slot.
    pub(in crate::service) async fn decide_due_pipeline_slots(&self) -> Result<usize> {
        let mut total = 0;
        while store::schedules::next_due(&self.db, ScheduledKind::Pipeline).await?.is_some_and(|due| due <= self.now())
        {
            let now = self.now();
            let list = |after| store::schedules::with_due_slots(&self.db, ScheduledKind::Pipeline, now, after, PAGE);
            let decide = |ids| self.decide_due_pipelines(ids);
            let decided = self.work_through("deciding slots of pipelines", AT_A_TIME, list, decide).await?;
            if decided == 0 {
                break;
            }
            total += decided;
        }
        if total > 0 {
            self.start_queued_pipelines().await?;
        }
        Ok(total)
    }

    /// Decides the outcomes of the due slots of one pipeline and starts its runs. Called before its schedule changes.
    pub(in crate::service) async fn decide_due_slots_of_pipeline(&self, id: PipelineId) -> Result<()> {
        self.decide_due_pipelines(vec![id.0]).await?;
        self.start_queued_pipelines().await.map(drop)
    }

    async fn decide_due_pipelines(&self, ids: Vec<uuid::Uuid>) -> Result<usize> {
        let mut work = self.begin(&Actor::System).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let now = work.now;
        let due = store::schedules::due(&mut work.tx, &ids, now).await?;
        let ids: Vec<uuid::Uuid> = due.iter().map(|row| row.owner_id).collect();
        let queued = store::slots::queued(&mut work.tx, &ids).await?;
        let busy = store::pipeline_runs::busy(&mut work.tx, &ids).await?;
        let mut claims = Vec::with_capacity(due.len());
        let mut slots = Vec::new();
        for row in &due {
            let waiting = queued.get(&row.owner_id).copied().unwrap_or(0);
            let Decided { next, decisions, .. } = decided(row, busy.contains(&row.owner_id), waiting, now);
            claims.push((row, next));
            slots.extend(decisions.into_iter().map(|decision| waits(self.slot(row.owner_id, decision))));
        }
        let claimed = store::schedules::claim(&mut work.tx, &claims).await?;
        slots.retain(|slot| claimed.contains(&slot.owner_id));
        let new = store::slots::insert_all(&mut work.tx, ScheduledKind::Pipeline, &slots, now).await?;
        for slot in slots.iter().filter(|slot| new.contains(&slot.id)) {
            work.note(Kind::PipelineSlotDecided, Object::PipelineSlot(slot.pipeline_view()));
        }
        self.commit(work).await?;
        Ok(claimed.len())
    }

    /// Starts a run for each queued slot of a pipeline that may start. Returns the number of slots that were handled.
    pub async fn start_queued_pipelines(&self) -> Result<usize> {
        let mut started = 0;
        for pipeline in store::slots::with_queued_slots(&self.db, ScheduledKind::Pipeline).await? {
            let starting = async {
                while self.start_queued_pipeline(PipelineId(pipeline)).await? {
                    started += 1;
                }
                Ok(())
            };
            attempt("starting queued pipelines", pipeline, starting).await?;
        }
        Ok(started)
    }

    /// Starts the oldest queued slot of a pipeline, if the overlap policy allows it. Returns whether there may be more
    /// to start.
    async fn start_queued_pipeline(&self, id: PipelineId) -> Result<bool> {
        let found = store::pipelines::find(&self.db, Scope::All, &id.into()).await?.pop();
        let Some(pipeline) = found.filter(|pipeline| pipeline.enabled) else { return Ok(false) };
        // Checked before the transaction as well, because queued slots are checked every second.
        if store::pipeline_runs::is_held_up(&self.db, id).await? {
            return Ok(false);
        }
        let planned = match self.planned_current(&pipeline, Given::default()).await {
            Err(error) if matches!(error.code(), Code::Internal | Code::Unavailable) => return Err(error),
            planned => planned,
        };
        let mut work = self.begin(&Actor::System).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let locked_row = match lock_and_read(&mut work, &Actor::System, id).await {
            Err(Error::NotFound(_)) => return Ok(false),
            row => row?,
        };
        let Some(mut slot) = store::slots::first_queued(&mut work.tx, id.0).await? else { return Ok(false) };
        if store::pipeline_runs::is_held_up(&mut work.tx, id).await? {
            return Ok(false);
        }
        if locked_row.version != pipeline.version || !locked_row.enabled {
            // The pipeline was changed after it was read: the next check starts the current version.
            return Ok(locked_row.enabled);
        }
        slot.pending = None;
        match &planned {
            Ok(planned) => (slot.run_id, slot.reason) = (Some(planned.row.id), None),
            Err(error) => (slot.outcome, slot.reason) = (EnumText(Outcome::Missed), Some(error.to_string())),
        }
        if !store::slots::save(&mut work.tx, &slot, Some(Pending::Queued)).await? {
            return Ok(true);
        }
        if let Ok(mut planned) = planned {
            (planned.row.trigger, planned.row.scheduled_for) = (Trigger::Schedule, Some(slot.scheduled_for));
            self.start(&mut work, planned).await?;
        } else {
            work.note(Kind::PipelineSlotDecided, Object::PipelineSlot(slot.pipeline_view()));
        }
        self.commit(work).await?;
        Ok(true)
    }
}

/// Marks a slot that may run at once as queued, because another transaction starts it.
fn waits(slot: SlotRow) -> SlotRow {
    match slot.pending {
        Some(EnumText(Pending::Sent)) => {
            SlotRow { pending: Some(EnumText(Pending::Queued)), reason: Some(WAITS_FOR_SERVER.to_owned()), ..slot }
        }
        Some(EnumText(Pending::Queued)) | None => slot,
    }
}
