//! Reports of agents about steps, and the outcomes of webhooks.

use chrono::{DateTime, Utc};

use super::{Effect, RunStateMachine};
use crate::{
    error::{ConflictReason, Error, Result},
    ids::TransferId,
    model::pipeline::{UpdateStep, run::StepStatus},
};

/// The effect of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The report changed nothing, because it was late or repeated. It may still require an action.
    Nothing(Option<Effect>),
    /// Only progress has changed.
    Progress,
    /// The status has changed, which may require an action.
    Status(Option<Effect>),
}

impl RunStateMachine {
    /// Applies a report of the agent that the step was sent to.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if this change of status is not allowed, or the attempt was not sent;
    /// [`Error::ConflictBecause`] if the server had ended the step before.
    pub fn report(&mut self, place: usize, report: &UpdateStep, now: DateTime<Utc>) -> Result<Reported> {
        let step = &self.steps[place];
        let attempt = report.attempt.unwrap_or(step.attempt);
        if attempt < step.attempt {
            // Only the last attempt that was sent matters. Attempts between that one and this may never have been sent.
            let is_last = step.sent_attempt == Some(attempt) && step.sent_at.is_none() && !step.status.has_ended();
            if report.status == Some(StepStatus::Completed) && is_last && step.ended_unheard {
                // The report is late but true, and a completed step must not run again. The attempt counts as sent, so
                // that its agent may repeat the report.
                (self.steps[place].attempt, self.steps[place].sent_at) = (attempt, Some(now));
                self.update_progress(place, report);
                self.complete(place, now);
                return Ok(Reported::Status(Some(Effect::Withdraw(place))));
            }
            // The report is obsolete, but it confirms that this attempt has ended, which the next one may wait for.
            let is_waited_for = is_last && report.status.is_some_and(StepStatus::has_ended);
            return Ok(Reported::Nothing(is_waited_for.then_some(Effect::Withdraw(place))));
        }
        if step.status.has_ended() {
            return match report.status {
                None => Ok(Reported::Nothing(None)),
                Some(status) if status == step.status => Ok(Reported::Nothing(Some(Effect::Withdraw(place)))),
                Some(_) if step.ended_unheard => Err(Error::ConflictBecause {
                    message: "the server has ended this step, because no report about it arrived in time".to_owned(),
                    reason: ConflictReason::Lease,
                }),
                Some(status) => Err(Error::conflict(format!("a step that is {} cannot become {status}", step.status))),
            };
        }
        if attempt > step.attempt || step.sent_at.is_none() {
            let next = step.attempt;
            return Err(Error::conflict(match report.attempt {
                Some(attempt) => format!("attempt {attempt} of this step was not sent"),
                None => format!("no attempt of this step is active: attempt {next} was not sent yet"),
            }));
        }
        let before = step.status;
        self.steps[place].heard_at = Some(now);
        match report.status {
            Some(StepStatus::Completed) => {
                self.update_progress(place, report);
                self.complete(place, now);
                return Ok(Reported::Status(Some(Effect::Withdraw(place))));
            }
            Some(StepStatus::Failed) => {
                let message = report.error_message.clone().unwrap_or_else(|| "the agent gave no reason".to_owned());
                self.update_progress(place, report);
                self.fail(place, message, true, now);
                return Ok(Reported::Status(Some(Effect::Withdraw(place))));
            }
            Some(StepStatus::Cancelled) => {
                self.update_progress(place, report);
                self.end(place, StepStatus::Cancelled, report.error_message.clone(), now);
                return Ok(Reported::Status(Some(Effect::Withdraw(place))));
            }
            Some(StepStatus::Running) => {
                let step = &mut self.steps[place];
                step.status = StepStatus::Running;
                step.started_at.get_or_insert(now);
            }
            Some(StepStatus::Queued | StepStatus::Skipped) | None => {}
        }
        self.update_progress(place, report);
        Ok(if self.steps[place].status == before { Reported::Progress } else { Reported::Status(None) })
    }

    /// Applies the confirmation of an agent that a step is no longer active, and returns the required action, if any.
    ///
    /// An agent that had not started the step when it was cancelled sends no report, only this confirmation. So it ends
    /// only steps of a cancelled run.
    pub fn confirm_stop(&mut self, place: usize, now: DateTime<Utc>) -> Option<Effect> {
        if self.run.cancel_requested_at.is_none() || !self.steps[place].is_in_flight() {
            return None;
        }
        self.end(place, StepStatus::Cancelled, None, now);
        Some(Effect::Withdraw(place))
    }

    /// Records the transfer that the agent created for a step.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if the step is not active at its agent.
    pub fn record_transfer(&mut self, place: usize, transfer: TransferId, now: DateTime<Utc>) -> Result<()> {
        let step = &mut self.steps[place];
        if !step.is_in_flight() {
            return Err(Error::conflict(format!("the step is {}: it accepts no more transfers", step.status)));
        }
        (step.transfer_id, step.heard_at) = (Some(transfer), Some(now));
        Ok(())
    }

    /// Applies the outcome of a webhook, from the server that claimed this attempt. Returns false if the claim is no
    /// longer valid.
    pub fn record_webhook(
        &mut self,
        place: usize,
        attempt: i64,
        claimed_at: DateTime<Utc>,
        outcome: Result<(), String>,
        now: DateTime<Utc>,
    ) -> bool {
        let step = &self.steps[place];
        if !step.is_in_flight() || (step.attempt, step.sent_at) != (attempt, Some(claimed_at)) {
            return false;
        }
        match outcome {
            Ok(()) => self.complete(place, now),
            Err(message) => self.fail(place, message, true, now),
        }
        true
    }

    fn complete(&mut self, place: usize, now: DateTime<Utc>) {
        self.end(place, StepStatus::Completed, None, now);
        let step = &mut self.steps[place];
        (step.progress, step.ended_unheard) = (Some(100.0), false);
        step.started_at.get_or_insert(now);
    }

    /// Updates the progress of the current attempt, which never decreases.
    fn update_progress(&mut self, place: usize, report: &UpdateStep) {
        let step = &mut self.steps[place];
        if let Some(progress) = report.progress {
            step.progress = Some(step.progress.unwrap_or(0.0).max(progress));
        }
        if let Some(bytes) = report.bytes_transferred {
            step.bytes_transferred = Some(step.bytes_transferred.unwrap_or(0).max(bytes));
        }
    }
}
