//! The state machine of a pipeline run, without any I/O: the status of the run and of its steps, and what happens next.
//! The current time and the availability of the agents are inputs, the required actions are outputs. The caller stores
//! the state, so that any server can continue the run.
//!
//! A step waits until the steps that it needs have ended. It is then sent to its agent or, if it is a webhook, claimed
//! by a server, and ends. If the server ends an attempt before its agent or the sending server has reported the end,
//! `ended_unheard` is set: the agent is sent a directive to stop the attempt, and the next attempt waits until the
//! agent has confirmed that. Every wait is limited, by a timeout, the lease, or 24 hours without a report.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    run::{PipelineRunStatus, StepStatus},
    stored_run_plan::{Node, RunGraph, Task},
};
use crate::{ids::TransferId, model::definition::When};

mod step_reports;
mod timeouts;

pub use step_reports::Reported;
pub use timeouts::Timeouts;

/// The state of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    /// The status of the run.
    pub status: PipelineRunStatus,
    /// The reason for the failure.
    pub error_message: Option<String>,
    /// The time at which a user requested the cancellation.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// The time at which the first step was sent.
    pub started_at: Option<DateTime<Utc>>,
    /// The end time; `None` while the run is active.
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

/// The state of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepState {
    /// The status of the step.
    pub status: StepStatus,
    /// The number of the current or next attempt, counted from 1.
    pub attempt: i64,
    /// The progress of the current attempt, in percent.
    pub progress: Option<f64>,
    /// The number of bytes copied in the current attempt.
    pub bytes_transferred: Option<i64>,
    /// Why the last attempt failed, or why the step was skipped.
    pub error_message: Option<String>,
    /// The transfer that the agent created for the step.
    pub transfer_id: Option<TransferId>,
    /// The earliest start time of the current attempt; `None` while the steps that this step needs have not ended.
    pub ready_at: Option<DateTime<Utc>>,
    /// The time at which the current attempt was sent to the agent or claimed by a server.
    pub sent_at: Option<DateTime<Utc>>,
    /// The number of the last attempt that was sent or claimed; its agent may still carry it out.
    pub sent_attempt: Option<i64>,
    /// The time of the last report about the current attempt.
    pub heard_at: Option<DateTime<Utc>>,
    /// Whether the server ended an attempt without a report that the attempt had ended: the current attempt or, if the
    /// current one was not sent yet, the attempt before it.
    pub ended_unheard: bool,
    /// The start time of the first attempt.
    pub started_at: Option<DateTime<Utc>>,
    /// The end time; `None` while the step has not ended.
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
    /// Whether the step was sent or claimed and has not ended.
    #[must_use]
    pub const fn is_in_flight(&self) -> bool {
        self.sent_at.is_some() && !self.status.has_ended()
    }
}

/// Whether the agent of a step can carry it out. A step of the server is always `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentAvailability {
    /// The agent is online, and no earlier attempt of the step is active.
    Ready,
    /// The agent has been offline since this time.
    Away(DateTime<Utc>),
    /// The agent has not confirmed yet that it stopped the earlier attempt of the step.
    Busy,
    /// The agent was revoked.
    Gone,
}

/// An action that the caller must take for a step, which is given by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send the step to its agent.
    Send(usize),
    /// Send the agent a directive to stop the step, and withdraw the directive that started it.
    Stop(usize),
    /// The attempt is no longer active at its agent: withdraw all directives for it.
    Withdraw(usize),
}

/// The state machine of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStateMachine {
    /// The steps of the run, with their dependencies.
    pub graph: RunGraph,
    /// The state of the run.
    pub run: RunState,
    /// The states of the steps, in the order of the graph.
    pub steps: Vec<StepState>,
}

impl RunStateMachine {
    /// The state machine of a run that has not started.
    #[must_use]
    pub fn new(graph: RunGraph) -> Self {
        let steps = vec![StepState::default(); graph.nodes.len()];
        Self { graph, run: RunState::default(), steps }
    }

    /// Creates the state machine of a new run that continues this failed or cancelled run. A completed step is kept,
    /// and does not run again, if all steps that it needs are kept and its condition is not [`When::Failure`]. All
    /// other steps run again.
    #[must_use]
    pub fn again(&self, graph: RunGraph) -> Self {
        let mut state_machine = Self::new(graph);
        let mut is_kept = vec![false; state_machine.steps.len()];
        for (place, node) in state_machine.graph.nodes.iter().enumerate() {
            let Some(before) = self.graph.nodes.iter().position(|earlier| earlier.id == node.id) else { continue };
            let is_done = self.steps[before].status == StepStatus::Completed && node.when != When::Failure;
            if is_done && node.needs.iter().all(|need| is_kept[*need]) {
                is_kept[place] = true;
                // The step was sent by the earlier run, and no report about it is accepted in this one.
                state_machine.steps[place] =
                    StepState { sent_at: None, sent_attempt: None, attempt: 1, ..self.steps[before].clone() };
            }
        }
        state_machine
    }

    /// Makes all transitions that are possible now: ends attempts that have waited too long, decides which waiting
    /// steps may run, sends the steps that can be sent, and ends the run when all steps have ended. `availabilities`
    /// holds the availability of the agent of each step, in the order of the steps.
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
            self.end_if_timed_out(place, *availability, timeouts, now, &mut effects);
        }
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.end_after_run_timeout(now, &mut effects);
        }
        while self.decide(now) {}
        for (place, availability) in availabilities.iter().enumerate() {
            // An agent that was sent the directive to stop just now cannot have confirmed that yet.
            if self.may_send(place, *availability, now) && !effects.contains(&Effect::Stop(place)) {
                let step = &mut self.steps[place];
                (step.sent_at, step.sent_attempt, step.ended_unheard) = (Some(now), Some(step.attempt), false);
                self.begin(now);
                effects.push(Effect::Send(place));
            }
        }
        self.end_run_if_done(now);
        effects
    }

    /// Cancels the run: steps that were not sent are cancelled at once, and the agents of the others are sent
    /// directives to stop them.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        if self.run.status.has_ended() || self.run.cancel_requested_at.is_some() {
            return Vec::new();
        }
        self.run.cancel_requested_at = Some(now);
        let stopped = (0..self.steps.len()).filter(|place| self.is_with_an_agent(*place)).map(Effect::Stop).collect();
        while self.decide(now) {}
        self.end_run_if_done(now);
        stopped
    }

    /// Ends the run and all its steps at once, because the run is about to be deleted. Returns the steps that agents
    /// must stop.
    pub fn abandon(&mut self, now: DateTime<Utc>) -> Vec<Effect> {
        let stopped = self.cancel(now);
        for step in self.steps.iter_mut().filter(|step| !step.status.has_ended()) {
            (step.status, step.completed_at, step.ended_unheard) = (StepStatus::Cancelled, Some(now), true);
        }
        self.end_run_if_done(now);
        stopped
    }

    /// The indices of the webhook steps that are due and not claimed by a server.
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

    /// Claims a webhook for the calling server, before it is sent: the server that stores this state is the only one
    /// that sends the webhook.
    pub fn claim(&mut self, place: usize, now: DateTime<Utc>) {
        let step = &mut self.steps[place];
        (step.status, step.ended_unheard) = (StepStatus::Running, false);
        (step.sent_at, step.sent_attempt, step.heard_at) = (Some(now), Some(step.attempt), Some(now));
        step.started_at.get_or_insert(now);
        self.begin(now);
    }

    /// The time at which the timeout of the run ends.
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

    /// Decides for each waiting step whether it runs or is skipped, and returns whether a step changed.
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

    /// Whether the step may run (`Ok`) or is skipped, with the reason (`Err`); `None` while a step that it needs has
    /// not ended.
    fn verdict(&self, node: &Node) -> Option<Result<(), String>> {
        if node.needs.iter().any(|need| !self.steps[*need].status.has_ended()) {
            return None;
        }
        let named = |need: &usize| &self.graph.nodes[*need].id;
        let undone = node.needs.iter().find(|need| self.steps[**need].status != StepStatus::Completed);
        let has_failed_dependency = || node.needs.iter().any(|need| self.has_failed(*need));
        Some(match (node.when, undone) {
            (When::Always, _) | (When::Success, None) => Ok(()),
            (When::Success, Some(need)) => {
                Err(format!("the step needs `{}`, which is {}", named(need), self.steps[*need].status))
            }
            (When::Failure, _) if has_failed_dependency() => Ok(()),
            (When::Failure, _) => {
                Err("the step runs only after a failure, and none of the steps that it needs failed".to_owned())
            }
        })
    }

    /// Whether the step failed, or was skipped because a step before it failed.
    fn has_failed(&self, place: usize) -> bool {
        match self.steps[place].status {
            StepStatus::Failed => true,
            StepStatus::Skipped => self.graph.nodes[place].needs.iter().any(|need| self.has_failed(*need)),
            _ => false,
        }
    }

    fn may_send(&self, place: usize, availability: AgentAvailability, now: DateTime<Utc>) -> bool {
        let step = &self.steps[place];
        let is_waiting = step.status == StepStatus::Queued && step.sent_at.is_none();
        // A first attempt may be sent to an offline agent, since no earlier attempt could still be active.
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

    /// Ends an attempt that failed: schedules the next attempt, or ends the step.
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
    fn end_run_if_done(&mut self, now: DateTime<Utc>) {
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

/// The time this number of seconds later, or the last time that can be represented.
fn after(instant: DateTime<Utc>, seconds: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
    seconds.and_then(|delta| instant.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    mod scenarios;
    mod simulation;
}
