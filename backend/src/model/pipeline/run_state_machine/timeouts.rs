//! The timeouts of waiting steps and runs, and the time at which the next one ends.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{AgentAvailability, Effect, RunStateMachine, after};
use crate::model::pipeline::run::{PipelineRunStatus, StepStatus};

/// How long the state machine waits for agents and servers.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The lease: how long an agent may be offline, or may take to confirm that it stopped a step.
    pub lease: TimeDelta,
    /// No lease begins before this time, because agents could not reach the server until then.
    pub leases_from: Option<DateTime<Utc>>,
    /// The longest time without a report about an active step.
    pub report_timeout: TimeDelta,
    /// How long the server that claimed a webhook may take to store the outcome.
    pub webhook: TimeDelta,
    /// The time after which an agent that was not available is looked up again.
    pub recheck_after: TimeDelta,
}

impl Timeouts {
    /// The end of a lease that began at `since`.
    fn lease_ends(&self, since: DateTime<Utc>) -> DateTime<Utc> {
        self.leases_from.map_or(since, |from| from.max(since)) + self.lease
    }
}

impl RunStateMachine {
    /// The time at which [`Self::advance`] must be called again even if there is no report; `None` if the run has
    /// ended.
    ///
    /// An agent that goes offline or is revoked is not included, because its time is not known in advance.
    #[must_use]
    pub fn due_at(&self, timeouts: &Timeouts, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.run.status.has_ended() {
            return None;
        }
        let steps = (0..self.steps.len()).filter_map(|place| self.step_due_at(place, timeouts, now));
        // An active run always waits for something. The report timeout is a limit in any case.
        Some(steps.chain(self.deadline()).min().unwrap_or(now + timeouts.report_timeout))
    }

    /// Like [`Self::due_at`], but without unclaimed webhooks, which may have to wait until the server has capacity for
    /// them; `None` also if the run waits for nothing else.
    #[must_use]
    pub fn due_apart_from_webhooks(&self, timeouts: &Timeouts, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.run.status.has_ended() {
            return None;
        }
        let is_unclaimed = |place: usize| {
            let is_webhook = self.graph.nodes[place].agent().is_none();
            is_webhook && self.steps[place].sent_at.is_none()
        };
        let others = (0..self.steps.len()).filter(|place| !is_unclaimed(*place));
        others.filter_map(|place| self.step_due_at(place, timeouts, now)).chain(self.deadline()).min()
    }

    fn step_due_at(&self, place: usize, timeouts: &Timeouts, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (node, step) = (&self.graph.nodes[place], &self.steps[place]);
        if step.status.has_ended() {
            return None;
        }
        match (step.sent_at, step.ready_at) {
            (Some(sent_at), _) if node.agent().is_none() => Some(sent_at + timeouts.webhook),
            (Some(sent_at), _) => {
                let silent = step.heard_at.unwrap_or(sent_at) + timeouts.report_timeout;
                let timeout = node.timeout_seconds.map(|seconds| after(sent_at, seconds));
                let cancel = self.run.cancel_requested_at.map(|at| timeouts.lease_ends(at));
                [Some(silent), timeout, cancel].into_iter().flatten().min()
            }
            (None, Some(ready_at)) if ready_at > now || node.agent().is_none() => Some(ready_at),
            // The agent is not available yet.
            (None, Some(_)) => Some(now + timeouts.recheck_after),
            (None, None) => None,
        }
    }

    /// Ends the current attempt of a step if it has waited too long.
    pub(super) fn end_if_timed_out(
        &mut self,
        place: usize,
        availability: AgentAvailability,
        timeouts: &Timeouts,
        now: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        let is_in_flight = self.steps[place].is_in_flight();
        let Some((message, may_retry)) = self.exceeded_timeout(place, availability, timeouts, now) else { return };
        self.fail_unacknowledged(place, message, may_retry, now);
        // An attempt that was never sent need not be stopped.
        if is_in_flight && self.graph.nodes[place].agent().is_some() {
            effects.push(Effect::Stop(place));
        }
    }

    /// Why the current attempt has waited too long, and whether it may be retried; `None` if it has not.
    fn exceeded_timeout(
        &self,
        place: usize,
        availability: AgentAvailability,
        timeouts: &Timeouts,
        now: DateTime<Utc>,
    ) -> Option<(String, bool)> {
        let (node, step) = (&self.graph.nodes[place], &self.steps[place]);
        let is_past = |since: DateTime<Utc>, term: TimeDelta| since + term <= now;
        let is_past_lease = |since: DateTime<Utc>| timeouts.lease_ends(since) <= now;
        let away = |since: DateTime<Utc>| {
            is_past_lease(since)
                .then(|| (format!("the agent was offline for longer than {}", words(timeouts.lease)), true))
        };
        if step.status.has_ended() {
            return None;
        }
        match (step.sent_at, step.ready_at) {
            (Some(sent_at), _) if node.agent().is_none() => is_past(sent_at, timeouts.webhook)
                .then(|| ("the server that sent the webhook stopped before it stored the outcome".to_owned(), true)),
            (_, Some(_)) if availability == AgentAvailability::Gone => {
                Some(("the agent was revoked".to_owned(), false))
            }
            (Some(sent_at), _) => {
                let cancel = self.run.cancel_requested_at.filter(|at| is_past_lease(*at));
                if cancel.is_some() {
                    return Some((
                        format!("the agent did not confirm the cancel request within {}", words(timeouts.lease)),
                        false,
                    ));
                }
                if let Some(seconds) = node.timeout_seconds
                    && after(sent_at, seconds) <= now
                {
                    return Some((
                        format!("the attempt took longer than its timeout of {}", seconds_in_words(seconds)),
                        true,
                    ));
                }
                if is_past(step.heard_at.unwrap_or(sent_at), timeouts.report_timeout) {
                    return Some((format!("no report about it arrived for {}", words(timeouts.report_timeout)), true));
                }
                match availability {
                    AgentAvailability::Away(since) => away(since.max(sent_at)),
                    AgentAvailability::Ready | AgentAvailability::Busy | AgentAvailability::Gone => None,
                }
            }
            (None, Some(ready_at)) => match availability {
                AgentAvailability::Away(since) if step.attempt > 1 => away(since.max(ready_at)),
                AgentAvailability::Busy if is_past_lease(ready_at) => Some((
                    format!(
                        "the agent did not confirm within {} that it stopped the previous attempt",
                        words(timeouts.lease)
                    ),
                    true,
                )),
                _ => None,
            },
            (None, None) => None,
        }
    }

    /// Ends the run and all its steps because the timeout of the run has ended.
    pub(super) fn end_after_run_timeout(&mut self, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let timeout = seconds_in_words(self.graph.timeout_seconds.unwrap_or_default());
        let message = format!("the run took longer than its timeout of {timeout}");
        for place in 0..self.steps.len() {
            if self.steps[place].status.has_ended() {
                continue;
            }
            if self.steps[place].is_in_flight() {
                if self.is_with_an_agent(place) {
                    effects.push(Effect::Stop(place));
                }
                self.fail_unacknowledged(place, message.clone(), false, now);
            } else {
                self.end(place, StepStatus::Skipped, Some(message.clone()), now);
            }
        }
        self.run.error_message = Some(message);
        self.run.status = PipelineRunStatus::Failed;
        self.run.completed_at = Some(now);
    }

    fn fail_unacknowledged(&mut self, place: usize, message: String, may_retry: bool, now: DateTime<Utc>) {
        self.fail(place, message, may_retry, now);
        self.steps[place].ended_unheard = true;
    }
}

fn words(term: TimeDelta) -> String {
    humantime::format_duration(term.to_std().unwrap_or_default()).to_string()
}

fn seconds_in_words(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
