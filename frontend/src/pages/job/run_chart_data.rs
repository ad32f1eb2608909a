//! The charts of a job's last runs, with the usual range, and remarks on runs that were late, failed, or took unusually
//! long or short. Pure.

use std::collections::BTreeMap;

use crate::{
    api::job_runs::{JobRun, RunStatus},
    time::Instant,
    ui::{ChartData, ChartSeries, Note, Shape, Spacing, Tone, Unit},
};

/// A run started late if it started more than this number of seconds after its slot. The server uses the same bound.
const LATE: i64 = 300;
/// A run takes longer than usual if it exceeds the 95th percentile by more than this number of seconds and by more than
/// this factor. The server uses the same bounds.
const LONGER: (f64, f64) = (300.0, 1.5);
/// A run takes shorter than usual if it is below the 5th percentile by more than this number of seconds and by more
/// than this divisor.
const SHORTER: (f64, f64) = (10.0, 1.5);
/// The minimum number of completed runs from which the usual range is computed.
const ENOUGH: usize = 5;

const FAILED: Note = Note { text: "Failed", symbol: "×", tone: Tone::Bad };
const CANCELLED: Note = Note { text: "Cancelled", symbol: "∕", tone: Tone::Neutral };
const STARTED_LATE: Note = Note { text: "Started late", symbol: "▸", tone: Tone::Warn };
const TOO_LONG: Note = Note { text: "Longer than usual", symbol: "▲", tone: Tone::Warn };
const TOO_SHORT: Note = Note { text: "Shorter than usual", symbol: "▼", tone: Tone::Warn };

/// The chart of the durations of the runs that have ended, oldest first. `runs` must have the newest first.
pub(super) fn durations(runs: &[JobRun]) -> ChartData {
    let ended = ended(runs);
    let values: Vec<_> = ended.iter().map(|(run, end)| seconds_between(run.started_at, *end)).collect();
    let usual = usual_range(&completed(&ended, &values));
    let notes = ended.iter().zip(&values).map(|((run, _), value)| note(run, *value, usual)).enumerate();
    let notes = notes.filter_map(|(index, note)| Some((index, note?))).collect();
    let values = values.into_iter().map(Some).collect();
    chart(&ended, ChartSeries { name: "Duration", shape: Shape::Bars, colour: 1, values }, Unit::Seconds, usual, notes)
}

/// The chart of the bytes that the ended runs have copied, oldest first. `runs` must have the newest first.
pub(super) fn bytes(runs: &[JobRun]) -> ChartData {
    let ended = ended(runs);
    let values: Vec<_> = ended.iter().map(|(run, _)| run.bytes_transferred.map(|bytes| amount(bytes.0))).collect();
    let known: Vec<_> = values.iter().map(|value| value.unwrap_or(0.0)).collect();
    let is_known = values.iter().any(Option::is_some);
    let usual = usual_range(&completed(&ended, &known)).filter(|_| is_known);
    let notes = ended.iter().enumerate().filter_map(|(index, (run, _))| Some((index, outcome(run)?))).collect();
    chart(&ended, ChartSeries { name: "Copied", shape: Shape::Bars, colour: 3, values }, Unit::Bytes, usual, notes)
}

fn chart(
    ended: &[(&JobRun, Instant)],
    series: ChartSeries,
    unit: Unit,
    usual: Option<(f64, f64)>,
    notes: BTreeMap<usize, Note>,
) -> ChartData {
    let times = ended.iter().map(|(run, _)| run.started_at).collect();
    ChartData { usual, notes, ..ChartData::new(Spacing::Even, unit, 0, times, vec![series]) }
}

/// The runs that have ended, oldest first, each with its end.
fn ended(runs: &[JobRun]) -> Vec<(&JobRun, Instant)> {
    runs.iter().rev().filter_map(|run| Some((run, run.completed_at?))).collect()
}

/// The values of the completed runs.
fn completed(ended: &[(&JobRun, Instant)], values: &[f64]) -> Vec<f64> {
    let both = ended.iter().zip(values);
    both.filter(|((run, _), _)| run.status == RunStatus::Completed).map(|(_, value)| *value).collect()
}

/// The range from the 5th to the 95th percentile; `None` if there are too few values.
fn usual_range(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < ENOUGH {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied();
    Some((at(5)?, at(95)?))
}

/// The remark on a run that took `duration` seconds, if there is one.
fn note(run: &JobRun, duration: f64, usual: Option<(f64, f64)>) -> Option<Note> {
    let of_duration = usual.and_then(|(low, high)| {
        if duration > (high + LONGER.0).max(high * LONGER.1) {
            Some(TOO_LONG)
        } else if duration < (low - SHORTER.0).min(low / SHORTER.1) {
            Some(TOO_SHORT)
        } else {
            None
        }
    });
    // A retry always starts later than the slot, so only the first attempt counts as late.
    let is_late = run.attempt == 1 && run.scheduled_for.is_some_and(|slot| run.started_at.seconds_since(slot) > LATE);
    outcome(run).or(of_duration).or(is_late.then_some(STARTED_LATE))
}

/// The remark on a run that was not completed.
fn outcome(run: &JobRun) -> Option<Note> {
    match run.status {
        RunStatus::Failed => Some(FAILED),
        RunStatus::Cancelled => Some(CANCELLED),
        RunStatus::Running | RunStatus::Completed => None,
    }
}

fn seconds_between(start: Instant, end: Instant) -> f64 {
    amount(end.seconds_since(start).max(0))
}

#[expect(clippy::cast_precision_loss, reason = "a value of a chart")]
fn amount(whole: i64) -> f64 {
    whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::scalars::ByteCount;

    /// A run that started at `second` and took this many seconds.
    fn run(second: i64, duration: i64, status: RunStatus) -> JobRun {
        JobRun {
            id: cynic::Id::new("r"),
            job_id: cynic::Id::new("j"),
            status,
            started_at: Instant(second * 1000),
            completed_at: (status != RunStatus::Running).then_some(Instant((second + duration) * 1000)),
            error_message: None,
            bytes_transferred: Some(ByteCount(duration * 1_000_000)),
            scheduled_for: Some(Instant(second * 1000)),
            attempt: 1,
            retry_of: None,
            cancel_requested_at: None,
            revision: 1,
            viewer_can_cancel: false,
            viewer_can_retry: false,
        }
    }

    /// Completed runs, newest first.
    fn completed_runs(durations: &[i64]) -> Vec<JobRun> {
        let seconds = (0..).step_by(3600);
        let runs = durations.iter().zip(seconds).map(|(duration, second)| run(second, *duration, RunStatus::Completed));
        let mut runs: Vec<_> = runs.collect();
        runs.reverse();
        runs
    }

    fn notes(chart: &ChartData) -> Vec<(usize, &'static str)> {
        chart.notes.iter().map(|(index, note)| (*index, note.text)).collect()
    }

    #[test]
    fn runs_that_take_much_longer_or_shorter_than_usual_are_remarked() {
        let mut durations_of = vec![600; 38];
        durations_of.extend([1200, 100]);
        let chart = durations(&completed_runs(&durations_of));
        assert_eq!(chart.usual, Some((600.0, 600.0)));
        assert_eq!(notes(&chart), [(38, "Longer than usual"), (39, "Shorter than usual")]);
    }

    #[test]
    fn small_differences_are_not_remarked() {
        let chart = durations(&completed_runs(&[4, 2, 3, 4, 9, 1, 3]));
        assert_eq!((chart.usual, notes(&chart)), (Some((1.0, 9.0)), vec![]));
        assert_eq!(durations(&completed_runs(&[4, 2, 3, 900])).usual, None);
    }

    #[test]
    fn runs_that_failed_or_started_late_are_remarked() {
        let late = JobRun { scheduled_for: Some(Instant(0)), ..run(301, 60, RunStatus::Completed) };
        let on_time = JobRun { scheduled_for: Some(Instant(0)), ..run(300, 60, RunStatus::Completed) };
        let retry = JobRun { scheduled_for: Some(Instant(0)), attempt: 2, ..run(850, 60, RunStatus::Completed) };
        let by_hand = JobRun { scheduled_for: None, ..run(900, 60, RunStatus::Completed) };
        let failed = run(800, 60, RunStatus::Failed);
        let runs = [run(999, 0, RunStatus::Running), by_hand, retry, failed, late, on_time];
        let chart = durations(&runs);
        assert_eq!(chart.times.len(), 5, "a run that has not ended has no duration");
        assert_eq!(notes(&chart), [(1, "Started late"), (2, "Failed")]);
        assert_eq!(notes(&bytes(&runs)), [(2, "Failed")]);
    }

    #[test]
    fn bytes_have_their_own_range() {
        let runs = completed_runs(&[10, 20, 30, 40, 50]);
        assert_eq!(bytes(&runs).usual, Some((10e6, 50e6)));
        let unknown: Vec<_> = runs.into_iter().map(|run| JobRun { bytes_transferred: None, ..run }).collect();
        assert_eq!(bytes(&unknown).usual, None);
        assert!(bytes(&unknown).is_empty());
    }
}
