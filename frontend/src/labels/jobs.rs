//! Labels of jobs, their runs and their slots. Pure.

use crate::{
    api::{
        job_runs::{JobRun, RunStatus},
        jobs::{CatchUp, Job, Overlap, Retry},
        slots::Outcome,
    },
    format,
    time::Instant,
    ui::Tone,
};

/// Whether a job is enabled: value, name in URLs, label.
pub(crate) const JOB_STATES: [(bool, &str, &str); 2] = [(true, "active", "Active"), (false, "paused", "Paused")];

/// The overlap policies: value, name in forms, label.
pub(crate) const OVERLAPS: [(Overlap, &str, &str); 3] = [
    (Overlap::Skip, "skip", "Skip the new run"),
    (Overlap::Queue, "queue", "Wait until the earlier run ends"),
    (Overlap::Allow, "allow", "Run both at the same time"),
];

/// The catch-up policies: value, name in forms, label.
pub(crate) const CATCH_UPS: [(CatchUp, &str, &str); 3] = [
    (CatchUp::Last, "last", "Run once for all of them"),
    (CatchUp::Skip, "skip", "Skip them"),
    (CatchUp::All, "all", "Run each, at most 100"),
];

/// The state of a job.
pub(crate) fn job_state(job: &Job) -> (&'static str, Tone) {
    if job.enabled { ("Active", Tone::Good) } else { ("Paused", Tone::Neutral) }
}

/// The state of a job in a list with its newest runs, newest first: `Failing` if the last one that has ended failed.
pub(crate) fn job_state_with_runs(job: &Job, runs: &[JobRun]) -> (&'static str, Tone) {
    let ended = runs.iter().filter(|run| run.status != RunStatus::Running);
    super::state_with_runs(job_state(job), ended.map(run_state))
}

/// The label and tone of a run's state: its status, or a more precise state.
pub(crate) fn run_state(run: &JobRun) -> (&'static str, Tone) {
    match run.status {
        RunStatus::Running if run.cancel_requested_at.is_some() => ("Cancelling", Tone::Warn),
        RunStatus::Running => ("Running", Tone::Accent),
        RunStatus::Completed => ("Completed", Tone::Good),
        RunStatus::Failed => ("Failed", Tone::Bad),
        RunStatus::Cancelled => ("Cancelled", Tone::Neutral),
    }
}

/// The label of a slot's outcome. A slot is `coalesced` when one run stands in for several missed slots.
pub(crate) fn outcome(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Pending => ("Pending", Tone::Accent),
        Outcome::Ran => ("Ran", Tone::Good),
        Outcome::Skipped => ("Skipped", Tone::Warn),
        Outcome::Missed => ("Missed", Tone::Bad),
        Outcome::Coalesced => ("Merged", Tone::Neutral),
    }
}

/// The label of an event about a run.
pub(super) fn run_event(status: RunStatus) -> (&'static str, Tone) {
    match status {
        RunStatus::Running => ("Job run started", Tone::Accent),
        RunStatus::Completed => ("Job run completed", Tone::Good),
        RunStatus::Failed => ("Job run failed", Tone::Bad),
        RunStatus::Cancelled => ("Job run cancelled", Tone::Neutral),
    }
}

/// The label of an event about a slot.
pub(super) fn slot_event(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Pending => ("Slot due", Tone::Accent),
        Outcome::Ran => ("Slot started", Tone::Accent),
        Outcome::Skipped => ("Slot skipped", Tone::Warn),
        Outcome::Missed => ("Slot missed", Tone::Bad),
        Outcome::Coalesced => ("Slot merged", Tone::Neutral),
    }
}

/// A summary of the newest runs: `Last 3 runs: 2 completed, 1 failed`.
pub(crate) fn runs(runs: &[JobRun]) -> String {
    super::counted_by_outcome(runs.iter().map(|run| run_state(run).0))
}

/// A retry policy as text.
pub(crate) fn retry(retry: Option<&Retry>) -> String {
    let Some(Retry { max_attempts, initial_delay, factor, max_delay }) = retry else { return "None".to_owned() };
    let (first, most) = (&initial_delay.0, &max_delay.0);
    let delays = if *max_attempts <= 1 {
        "no retry".to_owned()
    } else if *factor > 1.0 {
        let times = format::plain(*factor);
        format!("first retry after {first}, then {times} times the previous delay, at most {most}")
    } else {
        format!("each retry after {first}")
    };
    format!("{}, {delays}", format::counted((*max_attempts).into(), "attempt"))
}

/// The next time of a schedule in the time zone of its job and in that of the user; `None` if the clocks of both zones
/// agree. `there` and `here` have the minutes by which the zone of the job and of the user is ahead of UTC, and its
/// name.
pub(crate) fn in_both_zones(at: Instant, there: &(i64, String), here: &(i64, String)) -> Option<String> {
    let said = |(offset, zone): &(i64, String)| format!("{} in {zone}", format::minute(at, *offset));
    (there.0 != here.0).then(|| format!("The next run is at {}: {}.", said(there), said(here)))
}

/// The duration of a run; the duration so far if it has not ended.
pub(crate) fn time_taken(run: &JobRun, now: Instant) -> String {
    format::duration(run.completed_at.unwrap_or(now).seconds_since(run.started_at))
}

/// The attempt, if it is not the first, and the error of a run: `Attempt 2: no space left on device`.
pub(crate) fn run_about(run: &JobRun) -> String {
    let attempt = (run.attempt > 1).then(|| format!("Attempt {}", run.attempt));
    let parts: Vec<_> = [attempt, run.error_message.clone()].into_iter().flatten().collect();
    parts.join(": ")
}

/// The bytes that a run has copied.
pub(crate) fn run_size(run: &JobRun) -> String {
    run.bytes_transferred.as_ref().map_or_else(|| "–".to_owned(), |bytes| format::bytes(bytes.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(status: RunStatus) -> JobRun {
        JobRun {
            id: cynic::Id::new("r"),
            job_id: cynic::Id::new("j"),
            status,
            started_at: Instant(0),
            completed_at: Some(Instant(65_000)),
            error_message: None,
            bytes_transferred: None,
            scheduled_for: None,
            attempt: 1,
            retry_of: None,
            cancel_requested_at: None,
            revision: 1,
            viewer_can_cancel: false,
            viewer_can_retry: false,
        }
    }

    #[test]
    fn the_newest_runs_are_counted_by_outcome() {
        use RunStatus::{Completed, Failed};
        assert_eq!(runs(&[]), "No runs yet");
        assert_eq!(runs(&[run(Failed)]), "Last run: 1 failed");
        assert_eq!(runs(&[Completed, Failed, Completed].map(run)), "Last 3 runs: 2 completed, 1 failed");
    }

    #[test]
    fn a_next_run_is_said_in_both_zones_if_their_clocks_differ() {
        let at = Instant::parse("2026-11-23T23:30:00Z").unwrap();
        let (new_york, berlin) = ((-300, "America/New_York".to_owned()), (60, "Europe/Berlin".to_owned()));
        let there = "The next run is at Mon, 23 Nov 2026, 18:30 in America/New_York";
        let both = format!("{there}: Tue, 24 Nov 2026, 00:30 in Europe/Berlin.");
        assert_eq!(in_both_zones(at, &new_york, &berlin), Some(both));
        assert_eq!(in_both_zones(at, &berlin, &(60, "Africa/Lagos".to_owned())), None);
    }

    #[test]
    fn a_first_attempt_without_an_error_has_no_note() {
        let first = run(RunStatus::Completed);
        assert_eq!(run_about(&first), "");
        let error = Some("disk full".to_owned());
        assert_eq!(run_about(&JobRun { attempt: 2, error_message: error, ..first }), "Attempt 2: disk full");
    }

    #[test]
    fn a_retry_policy_is_written_in_full() {
        let rule = |max_attempts, factor| Retry {
            max_attempts,
            initial_delay: crate::api::scalars::Duration("30s".to_owned()),
            factor,
            max_delay: crate::api::scalars::Duration("1h".to_owned()),
        };
        assert_eq!(retry(None), "None");
        assert_eq!(retry(Some(&rule(1, 4.0))), "1 attempt, no retry");
        assert_eq!(retry(Some(&rule(3, 1.0))), "3 attempts, each retry after 30s");
        assert_eq!(
            retry(Some(&rule(3, 4.0))),
            "3 attempts, first retry after 30s, then 4 times the previous delay, at most 1h"
        );
    }
}
