//! The lines of the log of a pipeline run: its events, with the changes of steps. Pure.

use super::pipelines::{run_event, step_state};
use crate::{
    api::{
        events::{Event, EventKind},
        pipeline_runs::StepStatus,
        run_log::{LoggedObject, LoggedRun, LoggedStep, RunEvent},
    },
    time::Instant,
    ui::Tone,
};

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) tone: Tone,
    /// Details: a text, such as a step with its status, and an error. The text is empty for the error of the line
    /// itself.
    pub(crate) details: Vec<(String, Option<String>)>,
    /// The event itself.
    pub(crate) event: Event,
}

/// A change of a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepChange {
    pub(crate) at: Instant,
    pub(crate) status: StepStatus,
    pub(crate) attempt: i32,
    /// The error of the previous attempt, or why the step has this status.
    pub(crate) error: Option<String>,
}

/// Converts a log, newest event first, into lines, oldest line first.
pub(crate) fn lines(log: &[RunEvent]) -> Vec<Line> {
    let mut known: Vec<LoggedStep> = Vec::new();
    let mut lines = Vec::new();
    for event in log.iter().rev() {
        let LoggedObject::PipelineRun(run) = &event.object else { continue };
        let is_late = event.kind == EventKind::PipelineStepReportedLate;
        let changed: Vec<&LoggedStep> = run.steps.iter().filter(|step| is_late || is_changed(&known, step)).collect();
        // The first event queues all steps, which is not shown.
        let shown = if known.is_empty() { &[][..] } else { changed.as_slice() };
        lines.push(line(event, run, shown));
        if !is_late {
            for step in changed {
                known.retain(|known| known.id != step.id);
                known.push(step.clone());
            }
        }
    }
    lines
}

fn is_changed(known: &[LoggedStep], step: &LoggedStep) -> bool {
    let before = known.iter().find(|known| known.id == step.id);
    before.is_none_or(|before| (before.status, before.attempt) != (step.status, step.attempt))
}

fn line(event: &RunEvent, run: &LoggedRun, changed: &[&LoggedStep]) -> Line {
    let detail = |step: &&LoggedStep| (step_text(step), step.error_message.clone());
    let (name, tone, details) = match (event.kind, changed) {
        (EventKind::PipelineStepStatusChanged, [step]) => {
            let (.., tone) = step_state(step.status);
            let why = step.error_message.clone().map(|why| (String::new(), Some(why)));
            (step_text(step), tone, why.into_iter().collect())
        }
        (EventKind::PipelineRunStatusChanged, _) => {
            let (name, tone) = run_event(run.status);
            let why = run.error_message.clone().map(|why| (String::new(), Some(why)));
            (name.to_owned(), tone, why.into_iter().chain(changed.iter().map(detail)).collect())
        }
        (kind, _) => (kind.name().to_owned(), tone(kind), changed.iter().map(detail).collect()),
    };
    Line { name, tone, details, event: event.without_run() }
}

const fn tone(kind: EventKind) -> Tone {
    match kind {
        EventKind::PipelineRunCancelRequested | EventKind::PipelineStepReportedLate => Tone::Warn,
        _ => Tone::Neutral,
    }
}

/// A step with its status: `fetch: Queued, attempt 2`.
fn step_text(step: &LoggedStep) -> String {
    format!("{}: {}", step.id, status_text(step.status, step.attempt))
}

/// The status of a step, with the number of the attempt from the second on: `Queued, attempt 2`.
pub(crate) fn status_text(status: StepStatus, attempt: i32) -> String {
    let (word, ..) = step_state(status);
    if attempt > 1 { format!("{word}, attempt {attempt}") } else { word.to_owned() }
}

/// The changes of a step, oldest first, from a log whose newest event is first.
pub(crate) fn changes_of(log: &[RunEvent], step: &str) -> Vec<StepChange> {
    let mut changes: Vec<StepChange> = Vec::new();
    // A late report changes nothing.
    for event in log.iter().rev().filter(|event| event.kind != EventKind::PipelineStepReportedLate) {
        let LoggedObject::PipelineRun(run) = &event.object else { continue };
        let Some(logged) = run.steps.iter().find(|logged| logged.id == step) else { continue };
        let (status, attempt) = (logged.status, logged.attempt);
        if changes.last().is_none_or(|last| (last.status, last.attempt) != (status, attempt)) {
            changes.push(StepChange { at: event.at, status, attempt, error: logged.error_message.clone() });
        }
    }
    changes
}

/// The event with which the run was created, if the log contains it.
pub(crate) fn creation(log: &[RunEvent]) -> Option<Event> {
    log.last().filter(|event| event.kind == EventKind::PipelineRunCreated).map(RunEvent::without_run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pipeline_runs::PipelineRunStatus;

    fn step(id: &str, status: StepStatus, attempt: i32) -> LoggedStep {
        let error_message = (status == StepStatus::Failed || attempt > 1).then(|| "no route to host".to_owned());
        LoggedStep { id: id.to_owned(), status, attempt, error_message }
    }

    fn event(second: i64, kind: EventKind, status: PipelineRunStatus, steps: Vec<LoggedStep>) -> RunEvent {
        RunEvent {
            id: cynic::Id::new(second.to_string()),
            kind,
            at: Instant(second * 1000),
            actor: "user:u1".to_owned(),
            object_id: cynic::Id::new("r1"),
            object: LoggedObject::PipelineRun(LoggedRun { status, error_message: None, steps }),
        }
    }

    /// A run whose first step is tried twice and then fails.
    fn log() -> Vec<RunEvent> {
        use EventKind::{
            PipelineRunCreated, PipelineRunStatusChanged, PipelineStepReportedLate, PipelineStepStatusChanged,
        };
        use StepStatus::{Completed, Failed, Queued, Running, Skipped};
        let mut log = vec![
            event(
                0,
                PipelineRunCreated,
                PipelineRunStatus::Queued,
                vec![step("fetch", Queued, 1), step("pack", Queued, 1)],
            ),
            event(
                1,
                PipelineRunStatusChanged,
                PipelineRunStatus::Running,
                vec![step("fetch", Running, 1), step("pack", Queued, 1)],
            ),
            event(2, PipelineStepStatusChanged, PipelineRunStatus::Running, vec![step("fetch", Queued, 2)]),
            event(3, PipelineStepStatusChanged, PipelineRunStatus::Running, vec![step("fetch", Running, 2)]),
            event(
                4,
                PipelineRunStatusChanged,
                PipelineRunStatus::Failed,
                vec![step("fetch", Failed, 2), step("pack", Skipped, 1)],
            ),
            event(5, PipelineStepReportedLate, PipelineRunStatus::Failed, vec![step("fetch", Completed, 2)]),
        ];
        log.reverse();
        log
    }

    #[test]
    fn a_line_says_what_became_of_the_steps_that_changed() {
        let lines = lines(&log());
        let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Pipeline run created",
                "Pipeline run started",
                "fetch: Queued, attempt 2",
                "fetch: Running, attempt 2",
                "Pipeline run failed",
                "Pipeline step reported too late",
            ]
        );
        let details = |line: usize| lines[line].details.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>();
        assert_eq!([details(0), details(1)], [vec![], vec!["fetch: Running"]]);
        assert_eq!(lines[2].details, [(String::new(), Some("no route to host".to_owned()))]);
        assert_eq!(details(4), ["fetch: Failed, attempt 2", "pack: Skipped"]);
        assert_eq!([lines[4].tone, lines[5].tone], [Tone::Bad, Tone::Warn]);
    }

    #[test]
    fn the_changes_of_a_step_are_its_attempts() {
        let changes = changes_of(&log(), "fetch");
        let texts: Vec<_> =
            changes.iter().map(|change| (change.at.0 / 1000, status_text(change.status, change.attempt))).collect();
        let expected = [
            (0, "Queued"),
            (1, "Running"),
            (2, "Queued, attempt 2"),
            (3, "Running, attempt 2"),
            (4, "Failed, attempt 2"),
        ];
        assert_eq!(texts, expected.map(|(second, text)| (second, text.to_owned())));
        assert!(changes_of(&log(), "gone").is_empty());
    }

    #[test]
    fn the_creation_is_known_while_the_log_holds_it() {
        let log = log();
        assert_eq!(creation(&log).map(|event| event.actor), Some("user:u1".to_owned()));
        assert_eq!(creation(&log[..3]), None);
    }
}
