//! Reports of agents on their steps.

use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    events::Invalidation,
    ids::{AgentId, PipelineId, RunId, TransferId},
    model::{
        directive::{Directive, DirectiveAction},
        event::{Kind, Object},
        pipeline::{
            UpdateStep,
            run::{PipelineStep, StepStatus},
            run_state_machine::Reported,
        },
    },
    service::{ControlPlane, Work, optimistic_attempt_limit::OptimisticRetry},
    store::{self, pipeline_runs::PipelineRunRow},
};

/// The outcome of a report.
enum Outcome {
    /// The report was applied or changed nothing. Holds the step after it.
    Taken(PipelineStep),
    /// The report came after the server had ended the step. It changes nothing, but is recorded as an event.
    Late(Error),
    /// A concurrent change was committed first: the report must be applied again.
    Again,
}

impl ControlPlane {
    /// Applies an agent's report on a step that was sent to it. Returns after the commit, with the open directives of
    /// the agent.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an agent, [`Error::NotFound`] for a step that was not sent to the
    /// agent, [`Error::Conflict`] if the change of status is not allowed, [`Error::ConflictBecause`] if the server had
    /// ended the step before.
    pub async fn update_pipeline_step(
        &self,
        actor: &Actor,
        pipeline: PipelineId,
        run: RunId,
        step: &str,
        report: UpdateStep,
    ) -> Result<(PipelineStep, Vec<Directive>)> {
        let agent = actor.require_agent(Permission::ReportPipelineStep)?;
        self.require_own_state(actor, agent, report.instance_id).await?;
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let (before, place) = sent_step(&mut work, agent, pipeline, run, step).await?;
            let outcome = self.take_report(&mut work, &before, place, &report).await?;
            if matches!(outcome, Outcome::Again) {
                continue;
            }
            self.commit(work).await?;
            match outcome {
                Outcome::Taken(step) => {
                    return Ok((step, self.open_directives(agent).await?));
                }
                Outcome::Late(error) => return Err(error),
                Outcome::Again => {}
            }
        }
    }

    /// Stores the id of the transfer that an agent creates for one of its steps in the step. Returns false after a
    /// concurrent change; the caller then drops the transaction and tries again.
    pub(in crate::service) async fn link_transfer_to_step(
        &self,
        work: &mut Work,
        agent: AgentId,
        run: RunId,
        step: &str,
        transfer: TransferId,
    ) -> Result<bool> {
        let before = store::pipeline_runs::find(&mut work.tx, run).await?.ok_or(Error::NotFound("step"))?;
        let place = place_of_sent(&before, agent, step)?;
        let mut row = before.clone();
        row.state_machine.record_transfer(place, transfer, work.now)?;
        Ok(self.advance_and_save(work, &before, row, Vec::new()).await?.is_some())
    }

    /// Handles the agent's acknowledgement of a directive to stop a step: it confirms that the step is not active.
    /// Returns false after a concurrent change; the caller then drops the transaction and tries again.
    pub(in crate::service) async fn report_stopped_step(&self, work: &mut Work, directive: &Directive) -> Result<bool> {
        let DirectiveAction::CancelStep { run_id, step_id, .. } = &directive.action else { return Ok(true) };
        let Some(before) = store::pipeline_runs::find(&mut work.tx, *run_id).await? else { return Ok(true) };
        let mut row = before.clone();
        let now = work.now;
        let Some(effect) = row.place_of(step_id).and_then(|place| row.state_machine.confirm_stop(place, now)) else {
            return Ok(true);
        };
        // An acknowledged directive concerns an earlier attempt.
        if !store::directives::is_open(&mut work.tx, directive.id).await? {
            return Ok(true);
        }
        Ok(self.advance_and_save(work, &before, row, vec![effect]).await?.is_some())
    }

    async fn take_report(
        &self,
        work: &mut Work,
        before: &PipelineRunRow,
        place: usize,
        report: &UpdateStep,
    ) -> Result<Outcome> {
        let mut row = before.clone();
        let effect = match row.state_machine.report(place, report, work.now) {
            Ok(Reported::Nothing(None)) => return Ok(Outcome::Taken(before.step(place))),
            Ok(Reported::Nothing(effect) | Reported::Status(effect)) => effect,
            Ok(Reported::Progress) => None,
            Err(error) if error.is_late() => {
                let step = &mut row.state_machine.steps[place];
                // A repetition of the report is not recorded again.
                if step.heard_at.is_none_or(|reported| step.completed_at.is_some_and(|ended| reported < ended)) {
                    step.heard_at = Some(work.now);
                    let due_at = row.state_machine.due_at(&self.timeouts(), work.now);
                    if !store::pipeline_runs::save(&mut work.tx, &row, before, due_at).await? {
                        return Ok(Outcome::Again);
                    }
                    let logged = Object::PipelineRun(before.view_of_steps(std::iter::once(place)));
                    let run = Object::PipelineRun(before.view());
                    work.note_in_part(Kind::PipelineStepReportedLate, run, Some(logged));
                }
                return Ok(Outcome::Late(error));
            }
            Err(error) => return Err(error),
        };
        let Some(row) = self.advance_and_save(work, before, row, effect.into_iter().collect()).await? else {
            return Ok(Outcome::Again);
        };
        let step = &before.state_machine.steps[place];
        if effect.is_none() && step.status == StepStatus::Queued {
            // The agent acts on its directive. A directive to stop stays open until the agent has stopped. The run is always
            // locked before its directives, so that two transactions cannot deadlock.
            let node = &before.state_machine.graph.nodes[place];
            store::directives::settle_step(
                &mut work.tx,
                before.id,
                &node.id,
                Some(DirectiveAction::RUN_STEP),
                work.now,
            )
            .await?;
            if let Some(agent) = node.agent() {
                work.invalidate(Invalidation::Directives(agent));
            }
        }
        Ok(Outcome::Taken(row.step(place)))
    }
}

/// The run and the index of a step that was sent to this agent.
async fn sent_step(
    work: &mut Work,
    agent: AgentId,
    pipeline: PipelineId,
    run: RunId,
    step: &str,
) -> Result<(PipelineRunRow, usize)> {
    let row = store::pipeline_runs::find(&mut work.tx, run).await?;
    let row = row.filter(|row| row.pipeline_id == pipeline).ok_or(Error::NotFound("step"))?;
    let place = place_of_sent(&row, agent, step)?;
    Ok((row, place))
}

/// The index of a step, if any attempt of it was sent to this agent.
fn place_of_sent(row: &PipelineRunRow, agent: AgentId, step: &str) -> Result<usize> {
    let is_sent = |place: &usize| {
        let was_sent = row.state_machine.steps[*place].sent_attempt.is_some();
        row.state_machine.graph.nodes[*place].agent() == Some(agent) && was_sent
    };
    row.place_of(step).filter(is_sent).ok_or(Error::NotFound("step"))
}
