//! Changes of pipeline runs. One transaction reads a run, applies a change, advances the run as far as possible, and
//! writes it with the resulting directives and events. Of two concurrent changes, the later one is tried again. There
//! is no leader: if a server stops, any other one can continue its runs.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    actor::{Actor, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::{AgentId, RunId},
    model::{
        directive::DirectiveAction,
        event::{Kind, Object},
        pipeline::{
            run_state_machine::{AgentAvailability, Effect, RunStateMachine, Timeouts},
            stored_run_plan::Node,
        },
    },
    service::{ControlPlane, Work, delta, optimistic_attempt_limit::OptimisticRetry},
    store::{self, agents::AgentState, pipeline_runs::PipelineRunRow},
    webhooks::Waiting,
};

/// How long a step may be without a report before it fails.
const REPORT_TIMEOUT: TimeDelta = TimeDelta::hours(24);
/// How long the claim of a webhook is valid: longer than sending it may take.
const WEBHOOK_TIMEOUT: TimeDelta = TimeDelta::seconds(60);
/// How often a step that waits for its agent is checked.
const RECHECK_AFTER: TimeDelta = TimeDelta::seconds(5);

/// A change of a run. It returns the steps to send to agents, to stop or to withdraw.
pub(super) type RunChange<'a> = dyn Fn(&mut RunStateMachine, DateTime<Utc>) -> Result<Vec<Effect>> + Send + Sync + 'a;

impl ControlPlane {
    /// Applies a change to a run, advances the run, and commits. After a concurrent change, the change is applied
    /// again.
    pub(super) async fn change_run(
        &self,
        actor: &Actor,
        id: RunId,
        change: impl Fn(&mut RunStateMachine, DateTime<Utc>) -> Result<Vec<Effect>> + Send + Sync,
    ) -> Result<PipelineRunRow> {
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            if let Some(row) = self.try_change_run(&mut work, id, &change).await? {
                self.commit(work).await?;
                return Ok(row);
            }
        }
    }

    /// Applies a change to a run within a transaction. Returns `None` after a concurrent change; the caller then drops
    /// the transaction.
    pub(super) async fn try_change_run(
        &self,
        work: &mut Work,
        id: RunId,
        change: &RunChange<'_>,
    ) -> Result<Option<PipelineRunRow>> {
        let before = store::pipeline_runs::find(&mut work.tx, id).await?.ok_or(Error::NotFound("run"))?;
        let mut row = before.clone();
        let effects = change(&mut row.state_machine, work.now)?;
        self.advance_and_save(work, &before, row, effects).await
    }

    /// Advances a changed run and saves it. `before` is the run as it was read, `effects` are those of the change.
    /// Returns the saved run, or `None` after a concurrent change.
    pub(super) async fn advance_and_save(
        &self,
        work: &mut Work,
        before: &PipelineRunRow,
        mut row: PipelineRunRow,
        mut effects: Vec<Effect>,
    ) -> Result<Option<PipelineRunRow>> {
        if !row.state_machine.graph.is_known() {
            return Err(Error::Unavailable(
                "this run was written by a newer version of the server: try again in a moment",
            ));
        }
        let availabilities = availabilities(work, &row).await?;
        let timeouts = self.timeouts();
        apply_transfer_progress(work, &mut row, &timeouts).await?;
        effects.extend(row.state_machine.advance(&availabilities, &timeouts, work.now));
        let has_unclaimed = !row.state_machine.unclaimed(work.now).is_empty();
        work.has_due_runs |= row.state_machine.run.status.has_ended() || has_unclaimed;
        let has_changed = row.state_machine != before.state_machine;
        row.revision += i64::from(has_changed);
        if !store::pipeline_runs::save(&mut work.tx, &row, before, row.state_machine.due_at(&timeouts, work.now))
            .await?
        {
            return Ok(None);
        }
        let waiting = has_unclaimed.then(|| Waiting {
            customer: row.customer_id,
            revision: row.revision,
            until: row.state_machine.due_apart_from_webhooks(&timeouts, work.now),
        });
        self.engine.permits.note(row.id, waiting);
        self.carry_out(work, &row, &effects, &availabilities).await?;
        if has_changed {
            note(work, &row, before);
        }
        Ok(Some(row))
    }

    /// Carries out effects: sends the directives that start and stop steps, and marks the directives of steps that are
    /// stopped or withdrawn as acknowledged.
    pub(super) async fn carry_out(
        &self,
        work: &mut Work,
        row: &PipelineRunRow,
        effects: &[Effect],
        availabilities: &[AgentAvailability],
    ) -> Result<()> {
        let (run_id, pipeline_id) = (row.id, row.pipeline_id);
        for effect in effects {
            let (Effect::Send(place) | Effect::Stop(place) | Effect::Withdraw(place)) = *effect;
            let node = &row.state_machine.graph.nodes[place];
            let Some(agent) = node.agent() else { continue };
            let step_id = node.id.clone();
            let action = match effect {
                Effect::Send(_) => {
                    let order = node.order(row.state_machine.steps[place].attempt);
                    order.map(|step| DirectiveAction::RunStep { run_id, pipeline_id, step })
                }
                // A revoked agent receives no directives.
                Effect::Stop(_) if availabilities.get(place) != Some(&AgentAvailability::Gone) => {
                    Some(DirectiveAction::CancelStep { run_id, pipeline_id, step_id: step_id.clone() })
                }
                Effect::Stop(_) | Effect::Withdraw(_) => None,
            };
            if !matches!(effect, Effect::Send(_)) {
                store::directives::settle_step(&mut work.tx, run_id, &step_id, None, work.now).await?;
                work.invalidate(Invalidation::Directives(agent));
            }
            if let Some(action) = action {
                self.send_directive(work, agent, action).await?;
            }
        }
        Ok(())
    }

    /// Returns the timeouts that apply to steps.
    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts {
            lease: delta(self.timing.lease),
            leases_from: self.leases_from(self.now()),
            report_timeout: REPORT_TIMEOUT,
            webhook: WEBHOOK_TIMEOUT,
            recheck_after: RECHECK_AFTER,
        }
    }
}

/// Determines the availability of the agent of each step, in the order of the steps.
pub(super) async fn availabilities(work: &mut Work, row: &PipelineRunRow) -> Result<Vec<AgentAvailability>> {
    let state_machine = &row.state_machine;
    let pending =
        || state_machine.graph.nodes.iter().zip(&state_machine.steps).filter(|(_, step)| !step.status.has_ended());
    // Includes the agents of ended steps, because a step that has just ended may have to be stopped.
    let mut agents: Vec<AgentId> = state_machine.graph.nodes.iter().filter_map(Node::agent).collect();
    agents.sort_unstable();
    agents.dedup();
    let known: HashMap<AgentId, AgentState> =
        store::agents::states(&mut work.tx, &agents).await?.into_iter().map(|found| (found.id, found)).collect();
    let stopping = if pending().any(|(_, step)| step.attempt > 1) {
        store::directives::stopping_steps(&mut work.tx, row.id).await?
    } else {
        Vec::new()
    };
    let availability = |(node, _): (&Node, _)| {
        let Some(agent) = node.agent() else { return AgentAvailability::Ready };
        match known.get(&agent) {
            None | Some(AgentState { is_revoked: true, .. }) => AgentAvailability::Gone,
            Some(AgentState { offline_since: Some(since), .. }) => AgentAvailability::Away(*since),
            Some(_) if stopping.contains(&node.id) => AgentAvailability::Busy,
            Some(_) => AgentAvailability::Ready,
        }
    };
    Ok(state_machine.graph.nodes.iter().zip(&state_machine.steps).map(availability).collect())
}

/// Counts the progress of a step's transfer as a report on the step, which would otherwise fail for lack of reports.
async fn apply_transfer_progress(work: &mut Work, row: &mut PipelineRunRow, timeouts: &Timeouts) -> Result<()> {
    for step in row.state_machine.steps.iter_mut().filter(|step| step.is_in_flight()) {
        let heard_at = step.heard_at.or(step.sent_at);
        let Some(transfer) =
            step.transfer_id.filter(|_| heard_at.is_some_and(|at| at + timeouts.report_timeout <= work.now))
        else {
            continue;
        };
        let transfer = store::transfers::find(&mut work.tx, Scope::All, transfer).await?;
        step.heard_at = transfer.and_then(|transfer| transfer.state.progressed_at).max(step.heard_at);
    }
    Ok(())
}

/// Records the events about a change of a run.
fn note(work: &mut Work, row: &PipelineRunRow, before: &PipelineRunRow) {
    let has_changed = |place: &usize| {
        let [step, earlier] = [row, before].map(|row| &row.state_machine.steps[*place]);
        (step.status, step.attempt) != (earlier.status, earlier.attempt)
    };
    let mut changed = (0..row.state_machine.steps.len()).filter(has_changed).peekable();
    let run = || Object::PipelineRun(row.view());
    let is_cancel = row.state_machine.run.cancel_requested_at != before.state_machine.run.cancel_requested_at;
    if is_cancel {
        work.note(Kind::PipelineRunCancelRequested, run());
    }
    if row.state_machine.run.status != before.state_machine.run.status {
        work.note(Kind::PipelineRunStatusChanged, run());
    } else if changed.peek().is_some() {
        let logged = Object::PipelineRun(row.view_of_steps(changed));
        work.note_in_part(Kind::PipelineStepStatusChanged, run(), Some(logged));
    } else if !is_cancel {
        work.note(Kind::PipelineRunProgressed, run());
    }
}
