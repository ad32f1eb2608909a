//! The state machine of a run: where it stands and what happens next, without any I/O. Time, and what is known of the agents,
//! come in; what is to be done comes out. Whoever calls it keeps the state, so that any server can go on from it.
//!
//! A step waits until those it needs have ended, is sent (an agent's) or claimed (a webhook), and ends. An attempt that
//! ends without a word from whoever carries it out is *unheard*: its agent is told to stop, and the next attempt waits
//! until it has. Everything that waits has an end: a timeout, the lease, or a day of silence.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    run::{PipelineRunStatus, StepStatus},
    run_graph::{Node, RunGraph, Task},
};
use crate::{ids::TransferId, model::definition::When};

mod report;
mod timeouts;

pub use report::Reported;
pub use timeouts::Timeouts;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    /// How far it has come.
    pub status: PipelineRunStatus,
    /// Why it failed.
    pub error_message: Option<String>,
    /// When somebody asked for its end.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// When its first step was sent.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
}

impl Default for RunState {
    fn default() -> Self {
        Self {
            status: PipelineRunStatus::Queued,
            error_message: None,
            cancel_requested_at: None,
            started_at: None,
            completed_at: None,
        }
    }
}

/// Where a step stands.
#[derive(Clone, Debug, PartialEq)]
pub struct StepState {
    /// How far it has come.
    pub status: StepStatus,
    /// Which attempt this is, or will be.
    pub attempt: i64,
    /// In per cent.
    pub progress: Option<f64>,
    /// In bytes.
    pub bytes_transferred: Option<i64>,
    /// Why it, or the attempt before, failed; or why it was skipped.
    pub error_message: Option<String>,
    /// The transfer its agent made for it.
    pub transfer_id: Option<TransferId>,
    /// From when on this attempt may begin, once that is known.
    pub ready_at: Option<DateTime<Utc>>,
    /// When this attempt was sent or claimed.
    pub sent_at: Option<DateTime<Utc>>,
    /// Which attempt was sent or claimed last, if any was: that is what anybody may still be at.
    pub sent_attempt: Option<i64>,
    /// When this attempt was last heard of.
    pub heard_at: Option<DateTime<Utc>>,
    /// Whether it, or the attempt before one that was not sent yet, was ended without a word from whoever carries it out.
    pub ended_unheard: bool,
    /// When it first ran.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
}

impl Default for StepState {
    fn default() -> Self {
        Self {
            status: StepStatus::Queued,
            attempt: 1,
            progress: None,
            bytes_transferred: None,
            error_message: None,
            transfer_id: None,
            ready_at: None,
            sent_at: None,
            sent_attempt: None,
            heard_at: None,
            ended_unheard: false,
            started_at: None,
            completed_at: None,
        }
    }
}

impl StepState {
    /// Whether somebody is, or may be, at work on it.
    #[must_use]
    pub const fn is_in_flight(&self) -> bool {
        self.sent_at.is_some() && !self.status.has_ended()
    }
}

/// What is known of whoever carries a step out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentAvailability {
    /// It is there, and nothing of an earlier attempt is left.
    Ready,
    /// It has been away since then.
    Away(DateTime<Utc>),
    /// It has not said yet that it stopped an earlier attempt.
    Busy,
    /// It will not come back.
    Gone,
}

/// What is to be done about a step, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell its agent to carry it out.
    Send(usize),
    /// Tell its agent to stop, and withdraw what it was told.
    Stop(usize),
    /// Nothing of this attempt is left with its agent: withdraw what it was told.
    Settle(usize),
}

/// A run on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStateMachine {
    /// What it does.
    pub graph: RunGraph,
    /// Where it stands.
    pub run: RunState,
    /// Where its steps stand, in their order.
    pub steps: Vec<StepState>,
}

impl RunStateMachine {
    /// The state machine of a run that has not begun.
    #[must_use]
    pub fn new(graph: RunGraph) -> Self {
        let steps = vec![StepState::default(); graph.nodes.len()];
        Self { graph, run: RunState::default(), steps }
    }

    /// The state machine of a run that goes on from where this one failed: what was completed, on nothing but what was completed,
    /// stays so. What only follows a failure is decided anew.
    #[must_use]
    pub fn again(&self, graph: RunGraph) -> Self {
        let mut state_machine = Self::new(graph);
        let mut is_kept = vec![false; state_machine.steps.len()];
        for (place, node) in state_machine.graph.nodes.iter().enumerate() {
            let Some(before) = self.graph.nodes.iter().position(|earlier| earlier.id == node.id) else { continue };
            let is_done = self.steps[before].status == StepStatus::Completed && node.when != When::Failure;
            if is_done && node.needs.iter().all(|need| is_kept[*need]) {
                is_kept[place] = true;
                // It was sent by the run before, and is nobody's report any more.
                state_machine.steps[place] =
                    StepState { sent_at: None, sent_attempt: None, attempt: 1, ..self.steps[before].clone() };
            }
        }
        state_machine
    }

    /// Goes on as far as it gets by itself: ends what has waited too long, decides about steps whose turn it is, sends
    /// those that can be sent, and ends the run when nothing is left. `availabilities` are in the order of the steps.
    pub fn advance(
        &mut self,
        availabilities: &[AgentAvailability],
        timeouts: &Timeouts,
        now: DateTime<Utc>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.run.status.has_ended() {
            return effects;
        }
        for (place, availability) in availabilities.iter().enumerate() {
            self.end_if_overdue(place, *availability, timeouts, now, &mut effects);
        }
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.run_out_of_time(now, &mut effects);
        }
        while self.decide(now) {}
        for (place, availability) in availabilities.iter().enumerate() {
            // What was stopped just now cannot have said yet that it has.
            if self.may_send(place, *availability, now) && !effects.contains(&Effect::Stop(place)) {
                let step = &mut self.steps[place];
                (step.sent_at, step.sent_attempt, step.ended_unheard) = (Some(now), Some(step.attempt), false);
                self.begin(now);
                effects.push(Effect::Send(place));
            }
        }
        self.conclude(now);
        effects
    }

    /// Asks for the end: what is not on its way will not be, what is on its way is told to stop.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        if self.run.status.has_ended() || self.run.cancel_requested_at.is_some() {
            return Vec::new();
        }
        self.run.cancel_requested_at = Some(now);
        let stopped = (0..self.steps.len()).filter(|place| self.is_with_an_agent(*place)).map(Effect::Stop).collect();
        while self.decide(now) {}
        self.conclude(now);
        stopped
    }

    /// Ends everything at once, for a run that is about to be removed.
    pub fn abandon(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        let stopped = self.cancel(now);
        for step in self.steps.iter_mut().filter(|step| !step.status.has_ended()) {
            (step.status, step.completed_at, step.ended_unheard) = (StepStatus::Cancelled, Some(now), true);
        }
        self.conclude(now);
        stopped
    }

    /// Webhooks whose turn it is.
    #[must_use]
    pub fn unclaimed(&self, now: DateTime<Utc>) -> Vec<usize> {
        let is_due = |place: &usize| {
            let step = &self.steps[*place];
            let is_webhook = matches!(self.graph.nodes[*place].task, Task::Webhook { .. });
            is_webhook
                && !step.status.has_ended()
                && step.sent_at.is_none()
                && step.ready_at.is_some_and(|at| at <= now)
        };
        if self.run.status.has_ended() { Vec::new() } else { (0..self.steps.len()).filter(is_due).collect() }
    }

    /// Claims a webhook for the server that asks, before it is sent: whoever keeps this state is the only one who sends it.
    pub fn claim(&mut self, place: usize, now: DateTime<Utc>) {
        let step = &mut self.steps[place];
        (step.status, step.ended_unheard) = (StepStatus::Running, false);
        (step.sent_at, step.sent_attempt, step.heard_at) = (Some(now), Some(step.attempt), Some(now));
        step.started_at.get_or_insert(now);
        self.begin(now);
    }

    /// When the run must be over.
    fn deadline(&self) -> Option<DateTime<Utc>> {
        Some(after(self.run.started_at?, self.graph.timeout_seconds?))
    }

    fn begin(&mut self, now: DateTime<Utc>) {
        self.run.status = PipelineRunStatus::Running;
        self.run.started_at.get_or_insert(now);
    }

    fn is_with_an_agent(&self, place: usize) -> bool {
        self.steps[place].is_in_flight() && self.graph.nodes[place].agent().is_some()
    }

    /// Decides about steps that those they need have left behind; whether there were any.
    fn decide(&mut self, now: DateTime<Utc>) -> bool {
        let mut has_changed = false;
        for place in 0..self.steps.len() {
            let step = &self.steps[place];
            if step.status != StepStatus::Queued || step.sent_at.is_some() {
                continue;
            }
            if self.run.cancel_requested_at.is_some() {
                self.end(place, StepStatus::Cancelled, None, now);
                has_changed = true;
            } else if step.ready_at.is_none()
                && let Some(verdict) = self.verdict(&self.graph.nodes[place])
            {
                match verdict {
                    Ok(()) => self.steps[place].ready_at = Some(now),
                    Err(reason) => self.end(place, StepStatus::Skipped, Some(reason), now),
                }
                has_changed = true;
            }
        }
        has_changed
    }

    /// Whether a step's turn has come, or never will; nothing while that is open.
    fn verdict(&self, node: &Node) -> Option<Result<(), String>> {
        if node.needs.iter().any(|need| !self.steps[*need].status.has_ended()) {
            return None;
        }
        let named = |need: &usize| &self.graph.nodes[*need].id;
        let undone = node.needs.iter().find(|need| self.steps[**need].status != StepStatus::Completed);
        let has_failed_dependency = || node.needs.iter().any(|need| self.has_failed_dependency(*need));
        Some(match (node.when, undone) {
            (When::Always, _) | (When::Success, None) => Ok(()),
            (When::Success, Some(need)) => {
                Err(format!("it needs `{}`, which is {}", named(need), self.steps[*need].status))
            }
            (When::Failure, _) if has_failed_dependency() => Ok(()),
            (When::Failure, _) => Err("it waits for a failure, and none of the steps it needs failed".to_owned()),
        })
    }

    /// Whether a step failed, or was skipped behind one that did.
    fn has_failed_dependency(&self, place: usize) -> bool {
        match self.steps[place].status {
            StepStatus::Failed => true,
            StepStatus::Skipped => self.graph.nodes[place].needs.iter().any(|need| self.has_failed_dependency(*need)),
            _ => false,
        }
    }

    fn may_send(&self, place: usize, availability: AgentAvailability, now: DateTime<Utc>) -> bool {
        let step = &self.steps[place];
        let is_waiting = step.status == StepStatus::Queued && step.sent_at.is_none();
        // A first attempt may wait with its agent, since there is nothing that could be done twice.
        let is_free = availability == AgentAvailability::Ready
            || (matches!(availability, AgentAvailability::Away(_)) && step.attempt == 1);
        is_waiting && is_free && step.ready_at.is_some_and(|at| at <= now) && self.graph.nodes[place].agent().is_some()
    }

    fn end(&mut self, place: usize, status: StepStatus, message: Option<String>, now: DateTime<Utc>) {
        let step = &mut self.steps[place];
        step.status = status;
        step.completed_at = Some(now);
        step.error_message = message;
    }

    /// Ends an attempt that failed: the next one, or the end of the step.
    fn fail(&mut self, place: usize, message: String, may_retry: bool, now: DateTime<Utc>) {
        let retry = self.graph.nodes[place].retry;
        let step = &mut self.steps[place];
        let pause = retry.delay_after(step.attempt).filter(|_| may_retry && self.run.cancel_requested_at.is_none());
        if let Some(pause) = pause {
            let ready_at = now.checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC);
            *step = StepState {
                attempt: step.attempt + 1,
                error_message: Some(message),
                transfer_id: step.transfer_id,
                started_at: step.started_at,
                ready_at: Some(ready_at),
                sent_attempt: step.sent_attempt,
                ..StepState::default()
            };
        } else {
            self.end(place, StepStatus::Failed, Some(message), now);
        }
    }

    /// Ends the run when all steps have ended.
    fn conclude(&mut self, now: DateTime<Utc>) {
        if self.run.status.has_ended() || self.steps.iter().any(|step| !step.status.has_ended()) {
            return;
        }
        let asked_at = self.run.cancel_requested_at;
        let is_unconfirmed =
            |step: &StepState| step.status == StepStatus::Failed && step.ended_unheard && step.completed_at >= asked_at;
        let failed = self.steps.iter().position(|step| step.status == StepStatus::Failed);
        let is_cancelled = self.steps.iter().any(|step| step.status == StepStatus::Cancelled);
        let was_stopped = asked_at.is_some() && is_cancelled && !self.steps.iter().any(is_unconfirmed);
        self.run.completed_at = Some(now);
        self.run.status = match failed {
            Some(place) if !was_stopped => {
                let reason = self.steps[place].error_message.as_deref().unwrap_or("it gave no reason");
                let message = format!("step `{}` failed: {reason}", self.graph.nodes[place].id);
                self.run.error_message.get_or_insert(message);
                PipelineRunStatus::Failed
            }
            _ if self.run.error_message.is_some() => PipelineRunStatus::Failed,
            _ if is_cancelled => PipelineRunStatus::Cancelled,
            _ => PipelineRunStatus::Completed,
        };
    }
}

/// An instant so many seconds later, or the last one there is.
fn after(instant: DateTime<Utc>, seconds: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
    seconds.and_then(|delta| instant.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    mod simulation;
    mod stories;
}
