//! The entries of the slot history of a job or pipeline, with their labels. Pure.

use crate::{
    api::{
        job_runs::RunStatus,
        pipeline_runs,
        slots::{JobSlot, Outcome, PipelineSlot},
    },
    format,
    time::Instant,
    ui::Tone,
};

/// A label, a symbol and a tone.
pub(crate) type State = (&'static str, &'static str, Tone);

/// An entry of a slot history: one slot, or a range of slots.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    /// The scheduled time. For a range of slots, the scheduled time of the last slot.
    pub(crate) at: Instant,
    /// For a range: the scheduled time of the first slot, and the number of slots. `None` for a single slot.
    pub(crate) range: Option<(Instant, i32)>,
    /// The state of the slot's run, or the outcome of the slot if it has no run.
    pub(crate) state: State,
    /// The error of the slot's run, or the reason of the outcome.
    pub(crate) why: Option<String>,
    /// The id of the slot's run, if there is one.
    pub(crate) run: Option<String>,
}

impl From<JobSlot> for Slot {
    fn from(slot: JobSlot) -> Self {
        let range = slot.from.zip(slot.count);
        let run = slot.run.map(|run| (run.id, of_job_run(run.status), run.error_message));
        Self::new(slot.scheduled_for, range, slot.outcome, slot.reason, run)
    }
}

impl From<PipelineSlot> for Slot {
    fn from(slot: PipelineSlot) -> Self {
        let range = slot.from.zip(slot.count);
        let run = slot.run.map(|run| (run.id, of_pipeline_run(run.status), run.error_message));
        Self::new(slot.scheduled_for, range, slot.outcome, slot.reason, run)
    }
}

impl Slot {
    fn new(
        at: Instant,
        range: Option<(Instant, i32)>,
        outcome: Outcome,
        reason: Option<String>,
        run: Option<(cynic::Id, State, Option<String>)>,
    ) -> Self {
        match run {
            Some((id, state, error)) => Self { at, range, state, why: error, run: Some(id.into_inner()) },
            None => Self { at, range, state: without_run(outcome), why: reason, run: None },
        }
    }

    /// A description such as `25 Nov 2026, 02:00: Skipped, an earlier run was active`. `moment` formats instants.
    pub(crate) fn describe(&self, moment: impl Fn(Instant) -> String) -> String {
        let when = match self.range {
            Some((from, count)) => {
                let slots = format::counted(count.into(), "slot");
                format!("{slots} from {} to {}", moment(from), moment(self.at))
            }
            None => moment(self.at),
        };
        let (word, ..) = self.state;
        match &self.why {
            Some(why) => format!("{when}: {word}, {why}"),
            None => format!("{when}: {word}"),
        }
    }
}

fn without_run(outcome: Outcome) -> State {
    match outcome {
        Outcome::Pending => ("Pending", "…", Tone::Accent),
        // The run has been deleted.
        Outcome::Ran => ("Ran", "✓", Tone::Neutral),
        Outcome::Skipped => ("Skipped", "–", Tone::Warn),
        Outcome::Missed => ("Missed", "×", Tone::Bad),
        Outcome::Coalesced => ("Merged", "→", Tone::Neutral),
    }
}

fn of_job_run(status: RunStatus) -> State {
    match status {
        RunStatus::Running => ("Running", "▸", Tone::Accent),
        RunStatus::Completed => ("Ran", "✓", Tone::Good),
        RunStatus::Failed => ("Failed", "!", Tone::Bad),
        RunStatus::Cancelled => ("Cancelled", "∕", Tone::Neutral),
    }
}

fn of_pipeline_run(status: pipeline_runs::PipelineRunStatus) -> State {
    use pipeline_runs::PipelineRunStatus as Status;
    match status {
        Status::Queued => ("Due", "…", Tone::Accent),
        Status::Running => of_job_run(RunStatus::Running),
        Status::Completed => of_job_run(RunStatus::Completed),
        Status::Failed => of_job_run(RunStatus::Failed),
        Status::Cancelled => of_job_run(RunStatus::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::slots::SlotRun;

    #[test]
    fn a_slot_is_described_with_its_reason() {
        let line = |reason: Option<&str>, range: Option<i32>| JobSlot {
            id: cynic::Id::new("s"),
            scheduled_for: Instant(9),
            outcome: Outcome::Missed,
            reason: reason.map(str::to_owned),
            run: None,
            from: range.map(|_| Instant(1)),
            count: range,
        };
        let described = |line: JobSlot| Slot::from(line).describe(|at| format!("t{}", at.0));
        assert_eq!(described(line(None, None)), "t9: Missed");
        assert_eq!(described(line(Some("no server was running"), None)), "t9: Missed, no server was running");
        assert_eq!(
            described(line(Some("older than a day"), Some(7))),
            "7 slots from t1 to t9: Missed, older than a day"
        );
        let run =
            SlotRun { id: cynic::Id::new("r"), status: RunStatus::Failed, error_message: Some("disk full".to_owned()) };
        let failed = JobSlot { outcome: Outcome::Ran, run: Some(run), ..line(Some("waits for the agent"), None) };
        assert_eq!(described(failed), "t9: Failed, disk full");
    }
}
