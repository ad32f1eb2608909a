//! Changing a run: read it, let something happen to it, let it go on by itself, and write all of that with what agents
//! are told and what watchers hear, in one transaction. Of two changes at once one finds that the other was first, and
//! looks again. So there is no leader, and a server that dies leaves a run that any other can go on with.

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
            course::{Carrier, Course, Effect, Terms},
            graph::Node,
        },
    },
    service::{ControlPlane, Work, attempts::Attempts, delta},
    store::{self, agents::AgentState, pipeline_runs::PipelineRunRow},
    webhooks::Waiting,
};

/// How long a run may be without any news.
const SILENCE: TimeDelta = TimeDelta::hours(24);
/// How long the claim on a webhook is believed: well beyond what sending it may take.
const SENDING: TimeDelta = TimeDelta::seconds(60);
/// How often an agent is looked at that keeps a step waiting.
const PATIENCE: TimeDelta = TimeDelta::seconds(5);

/// What happens to a run, and what follows from it for others.
pub(super) type Happening<'a> = dyn Fn(&mut Course, DateTime<Utc>) -> Result<Vec<Effect>> + Send + Sync + 'a;

impl ControlPlane {
    /// Lets something happen to a run, and the run go on from there.
    pub(super) async fn change_run(
        &self,
        actor: &Actor,
        id: RunId,
        happening: impl Fn(&mut Course, DateTime<Utc>) -> Result<Vec<Effect>> + Send + Sync,
    ) -> Result<PipelineRunRow> {
        let mut attempts = Attempts::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            if let Some(row) = self.try_change_run(&mut work, id, &happening).await? {
                self.commit(work).await?;
                return Ok(row);
            }
        }
    }

    /// The same within a transaction; nothing if another change came between, and the transaction is to be dropped.
    pub(super) async fn try_change_run(
        &self,
        work: &mut Work,
        id: RunId,
        happening: &Happening<'_>,
    ) -> Result<Option<PipelineRunRow>> {
        let before = store::pipeline_runs::find(&mut work.tx, id).await?.ok_or(Error::NotFound("run"))?;
        let mut row = before.clone();
        let effects = happening(&mut row.course, work.now)?;
        self.go_on(work, &before, row, effects).await
    }

    /// Lets a run go on by itself after something happened to it, and writes it; nothing if another change came
    /// between.
    pub(super) async fn go_on(
        &self,
        work: &mut Work,
        before: &PipelineRunRow,
        mut row: PipelineRunRow,
        mut effects: Vec<Effect>,
    ) -> Result<Option<PipelineRunRow>> {
        if !row.course.graph.is_known() {
            return Err(Error::Unavailable("this run is of a newer version of the server: try again in a moment"));
        }
        let carriers = carriers(work, &row).await?;
        let terms = self.terms();
        hear_transfers(work, &mut row, &terms).await?;
        effects.extend(row.course.advance(&carriers, &terms, work.now));
        let has_unclaimed = !row.course.unclaimed(work.now).is_empty();
        work.has_due_runs |= row.course.run.status.has_ended() || has_unclaimed;
        let has_changed = row.course != before.course;
        row.revision += i64::from(has_changed);
        if !store::pipeline_runs::save(&mut work.tx, &row, before, row.course.due_at(&terms, work.now)).await? {
            return Ok(None);
        }
        let waiting = has_unclaimed.then(|| Waiting {
            customer: row.customer_id,
            revision: row.revision,
            until: row.course.due_apart_from_webhooks(&terms, work.now),
        });
        self.engine.permits.note(row.id, waiting);
        self.carry_out(work, &row, &effects, &carriers).await?;
        if has_changed {
            note(work, &row, before);
        }
        Ok(Some(row))
    }

    /// Tells agents what they are to do, or to leave.
    pub(super) async fn carry_out(
        &self,
        work: &mut Work,
        row: &PipelineRunRow,
        effects: &[Effect],
        carriers: &[Carrier],
    ) -> Result<()> {
        let (run_id, pipeline_id) = (row.id, row.pipeline_id);
        for effect in effects {
            let (Effect::Send(place) | Effect::Stop(place) | Effect::Settle(place)) = *effect;
            let node = &row.course.graph.nodes[place];
            let Some(agent) = node.agent() else { continue };
            let step_id = node.id.clone();
            let action = match effect {
                Effect::Send(_) => {
                    let order = node.order(row.course.steps[place].attempt);
                    order.map(|step| DirectiveAction::RunStep { run_id, pipeline_id, step })
                }
                // Whoever was revoked is told nothing any more.
                Effect::Stop(_) if carriers.get(place) != Some(&Carrier::Gone) => {
                    Some(DirectiveAction::CancelStep { run_id, pipeline_id, step_id: step_id.clone() })
                }
                Effect::Stop(_) | Effect::Settle(_) => None,
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

    /// How long is waited for whom.
    pub(super) fn terms(&self) -> Terms {
        Terms {
            lease: delta(self.timing.lease),
            leases_from: self.leases_from(self.now()),
            silence: SILENCE,
            sending: SENDING,
            patience: PATIENCE,
        }
    }
}

/// What is known of the agents that a run's steps are with, or will be.
pub(super) async fn carriers(work: &mut Work, row: &PipelineRunRow) -> Result<Vec<Carrier>> {
    let course = &row.course;
    let pending = || course.graph.nodes.iter().zip(&course.steps).filter(|(_, step)| !step.status.has_ended());
    // Of steps that have ended too: what just ended may have to be stopped.
    let mut agents: Vec<AgentId> = course.graph.nodes.iter().filter_map(Node::agent).collect();
    agents.sort_unstable();
    agents.dedup();
    let known: HashMap<AgentId, AgentState> =
        store::agents::states(&mut work.tx, &agents).await?.into_iter().map(|found| (found.id, found)).collect();
    let stopping = if pending().any(|(_, step)| step.attempt > 1) {
        store::directives::stopping_steps(&mut work.tx, row.id).await?
    } else {
        Vec::new()
    };
    let carrier = |(node, _): (&Node, _)| {
        let Some(agent) = node.agent() else { return Carrier::Ready };
        match known.get(&agent) {
            None | Some(AgentState { is_revoked: true, .. }) => Carrier::Gone,
            Some(AgentState { offline_since: Some(since), .. }) => Carrier::Away(*since),
            Some(_) if stopping.contains(&node.id) => Carrier::Busy,
            Some(_) => Carrier::Ready,
        }
    };
    Ok(course.graph.nodes.iter().zip(&course.steps).map(carrier).collect())
}

/// Lets the news of its transfer count as news of a step that nothing else was heard of for long.
async fn hear_transfers(work: &mut Work, row: &mut PipelineRunRow, terms: &Terms) -> Result<()> {
    for step in row.course.steps.iter_mut().filter(|step| step.is_in_flight()) {
        let heard_at = step.heard_at.or(step.sent_at);
        let Some(transfer) = step.transfer_id.filter(|_| heard_at.is_some_and(|at| at + terms.silence <= work.now))
        else {
            continue;
        };
        let transfer = store::transfers::find(&mut work.tx, Scope::All, transfer).await?;
        step.heard_at = transfer.and_then(|transfer| transfer.state.progressed_at).max(step.heard_at);
    }
    Ok(())
}

/// Tells what has happened to a run, each thing once.
fn note(work: &mut Work, row: &PipelineRunRow, before: &PipelineRunRow) {
    let has_changed = |place: &usize| {
        let [step, earlier] = [row, before].map(|row| &row.course.steps[*place]);
        (step.status, step.attempt) != (earlier.status, earlier.attempt)
    };
    let mut changed = (0..row.course.steps.len()).filter(has_changed).peekable();
    let run = || Object::PipelineRun(row.view());
    let is_cancel = row.course.run.cancel_requested_at != before.course.run.cancel_requested_at;
    if is_cancel {
        work.note(Kind::PipelineRunCancelRequested, run());
    }
    if row.course.run.status != before.course.run.status {
        work.note(Kind::PipelineRunStatusChanged, run());
    } else if changed.peek().is_some() {
        let logged = Object::PipelineRun(row.view_of_steps(changed));
        work.note_in_part(Kind::PipelineStepStatusChanged, run(), Some(logged));
    } else if !is_cancel {
        work.note(Kind::PipelineRunProgressed, run());
    }
}
