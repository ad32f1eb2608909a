//! Pipeline runs: started, continued and cancelled, by administrators and schedules.

use chrono::{DateTime, Utc};

use super::{ControlPlane, Work, optimistic_attempt_limit::OptimisticRetry, pipelines::lock_and_read};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    ids::{PipelineId, RunId},
    model::{
        definition::{Filling, Plan},
        event::{Kind, Object},
        pipeline::{
            PipelineRef,
            run::{DRAFT, Given, PipelineRun, StartPipelineRun, Trigger},
            run_state_machine::RunStateMachine,
        },
    },
    store::{self, idempotency::IdempotencyClaim, pipeline_runs::PipelineRunRow, pipelines::PipelineRow},
};

mod due_slots;
mod engine;
mod queries;
mod step_reports;
mod transactional_change;
mod webhooks;

pub(super) use engine::EngineControl;

/// How parameters are filled into drafts. Runs do not store this, so it must not change: a draft that is run again must
/// be filled in as before.
const DRAFT_FILLING: Filling = Filling::Place;

/// A run that is not stored yet, with its plan.
struct Planned {
    row: PipelineRunRow,
    plan: Plan,
    /// The definition, if it is a draft.
    draft: Option<String>,
}

impl ControlPlane {
    /// Starts a run of a pipeline's current version, or of the draft in the input. The draft is stored with the run
    /// only. A caller who sends a draft must also be allowed to change the pipeline.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope; within it, [`Error::Forbidden`] for callers who are not
    /// administrators, [`Error::Invalid`] if the pipeline is disabled, [`Error::Fields`] if a parameter is not valid,
    /// [`Error::Refused`] if an agent is missing or ambiguous, or with all diagnostics if the draft is not valid.
    pub async fn run_pipeline(
        &self,
        actor: &Actor,
        meant: &PipelineRef,
        input: StartPipelineRun,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<PipelineRun> {
        let mut pipeline = self.permitted_pipeline(actor, Permission::RunPipeline, meant).await?;
        let StartPipelineRun { parameters, yaml: draft } = input;
        if let Some(draft) = &draft {
            actor.require(Permission::UpdatePipeline)?;
            self.require_valid_draft(pipeline.customer_id, draft, DRAFT_FILLING).await?;
        }
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            require_enabled(&pipeline)?;
            let planned = match &draft {
                Some(draft) => self.planned_draft(&pipeline, draft.clone(), parameters.clone()).await?,
                None => self.planned_current(&pipeline, parameters.clone()).await?,
            };
            let mut work = self.begin(actor).await?;
            let locked_row = lock_and_read(&mut work, actor, pipeline.id).await?;
            let is_current = draft.is_some() || locked_row.version == pipeline.version;
            if !is_current || !locked_row.enabled {
                // The pipeline was changed after it was read: start the current version instead.
                pipeline = locked_row;
                continue;
            }
            let run = self.start(&mut work, planned).await?;
            work.complete(claim, &run).await?;
            self.commit(work).await?;
            return Ok(run);
        }
    }

    /// Continues a failed or cancelled run as a new run of the same version, or of the same draft, with the same
    /// parameters. Steps that were completed are not carried out again.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::run_pipeline`]; [`Error::Conflict`] if the run has neither failed nor been cancelled, or
    /// if its draft was purged.
    pub async fn rerun_pipeline_run(
        &self,
        actor: &Actor,
        id: RunId,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<PipelineRun> {
        let before = self.permitted_pipeline_run(actor, Permission::RerunPipelineRun, id).await?;
        let status = before.state_machine.run.status;
        if !status.can_be_rerun() {
            let advice = if status.has_ended() { "start a new one" } else { "wait for its end, or cancel it" };
            return Err(Error::conflict(format!(
                "a run that is {status} has no failed step to continue from: {advice}"
            )));
        }
        let pipeline: PipelineRef = before.pipeline_id.into();
        let pipeline = self.permitted_pipeline(actor, Permission::RerunPipelineRun, &pipeline).await?;
        require_enabled(&pipeline)?;
        let parameters = Given::from(before.parameters.clone());
        let mut planned = if before.version == DRAFT {
            let found = store::pipeline_runs::drafts(&self.db, &[id]).await?.pop();
            let (_, yaml) = found.ok_or_else(|| {
                Error::conflict("the draft of this run is not kept any more: start a new run with its definition")
            })?;
            self.planned_draft(&pipeline, yaml, parameters).await?
        } else {
            let found = store::pipelines::find_version(&self.db, pipeline.id, before.version).await?;
            let (yaml, filling) = found.ok_or(Error::NotFound("version"))?;
            self.planned(&pipeline, before.version, &yaml, filling, parameters).await?
        };
        let row = &mut planned.row;
        row.state_machine = before.state_machine.again(row.state_machine.graph.clone());
        row.trigger = Trigger::Rerun;
        row.rerun_of = Some(id);
        let mut work = self.begin(actor).await?;
        lock_and_read(&mut work, actor, pipeline.id).await?;
        let run = self.start(&mut work, planned).await?;
        work.complete(claim, &run).await?;
        self.commit(work).await?;
        Ok(run)
    }

    /// Cancels a pipeline run: steps that have not begun are cancelled at once, and an active step ends when its agent
    /// confirms the request or its lease ends.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::get_pipeline_run`]; [`Error::Conflict`] if the run has ended.
    pub async fn cancel_pipeline_run(&self, actor: &Actor, id: RunId) -> Result<PipelineRun> {
        self.permitted_pipeline_run(actor, Permission::CancelPipelineRun, id).await?;
        let cancel = |state_machine: &mut RunStateMachine, now: DateTime<Utc>| {
            let status = state_machine.run.status;
            if !status.can_be_cancelled() {
                return Err(Error::conflict(format!("a run that is {status} cannot be cancelled")));
            }
            Ok(state_machine.cancel(now))
        };
        Ok(self.change_run(actor, id, cancel).await?.view())
    }

    /// Ends every active run of a pipeline that is about to be deleted. Returns false after a concurrent change; the
    /// caller then drops the transaction and tries again.
    pub(super) async fn abandon_runs(&self, work: &mut Work, pipeline: PipelineId) -> Result<bool> {
        for id in store::pipeline_runs::under_way(&mut work.tx, pipeline).await? {
            let abandoned = self.try_change_run(work, id, &|state_machine, now| Ok(state_machine.abandon(now))).await?;
            if abandoned.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Plans a run of the current version with these parameters. Stores nothing.
    async fn planned_current(&self, pipeline: &PipelineRow, parameters: Given) -> Result<Planned> {
        self.planned(pipeline, pipeline.version, &pipeline.yaml, pipeline.filling.0, parameters).await
    }

    /// Plans a run of a draft with these parameters. Stores nothing.
    async fn planned_draft(&self, pipeline: &PipelineRow, draft: String, parameters: Given) -> Result<Planned> {
        let planned = self.planned(pipeline, DRAFT, &draft, DRAFT_FILLING, parameters).await?;
        Ok(Planned { draft: Some(draft), ..planned })
    }

    /// Plans a run of this text with these parameters. Stores nothing.
    async fn planned(
        &self,
        pipeline: &PipelineRow,
        version: i64,
        yaml: &str,
        filling: Filling,
        parameters: Given,
    ) -> Result<Planned> {
        let (plan, graph) = self.plan_of_run(pipeline.customer_id, yaml, filling, &parameters).await?;
        let now = self.now();
        let row = PipelineRunRow {
            id: self.ids.next(now),
            pipeline_id: pipeline.id,
            customer_id: pipeline.customer_id,
            identifier: pipeline.identifier.clone(),
            version,
            trigger: Trigger::Manual,
            scheduled_for: None,
            rerun_of: None,
            parameters: plan.parameters.clone(),
            created_at: now,
            revision: 1,
            state_machine: RunStateMachine::new(graph),
        };
        Ok(Planned { row, plan, draft: None })
    }

    /// Stores a run and sends its first steps.
    async fn start(&self, work: &mut Work, planned: Planned) -> Result<PipelineRun> {
        let Planned { mut row, plan, draft } = planned;
        let availabilities = transactional_change::availabilities(work, &row).await?;
        let timeouts = self.timeouts();
        let effects = row.state_machine.advance(&availabilities, &timeouts, work.now);
        work.has_due_runs |= !row.state_machine.unclaimed(work.now).is_empty();
        let due_at = row.state_machine.due_at(&timeouts, work.now);
        store::pipeline_runs::insert(&mut work.tx, &row, &plan, draft, due_at).await?;
        self.carry_out(work, &row, &effects, &availabilities).await?;
        let run = row.view();
        work.note(Kind::PipelineRunCreated, Object::PipelineRun(run.clone()));
        Ok(run)
    }

    /// A pipeline run, for a caller with this permission. A run outside the caller's scope is not found, whatever the
    /// permission.
    async fn permitted_pipeline_run(&self, actor: &Actor, permission: Permission, id: RunId) -> Result<PipelineRunRow> {
        let row = store::pipeline_runs::find(&self.db, id).await?;
        let row = row.filter(|row| actor.scope().covers(row.customer_id)).ok_or(Error::NotFound("run"))?;
        actor.require(permission)?;
        Ok(row)
    }
}

/// An error if the pipeline is disabled.
fn require_enabled(pipeline: &PipelineRow) -> Result<()> {
    if pipeline.enabled { Ok(()) } else { Err(Error::Invalid("the pipeline is disabled: enable it first".to_owned())) }
}
