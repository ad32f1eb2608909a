//! Labels of pipelines, their runs and their steps. Pure.

use mftplus_protocol::step::{Field, StepAction};

use super::slots::State;
use crate::{
    api::{
        pipeline_plan::{Action, Endpoint, PlannedSchedule, PlannedStep, Transfer, When},
        pipeline_runs::{PipelineRun, PipelineRunStatus, RunMark, Step, StepStatus, Trigger},
    },
    format,
    time::Instant,
    ui::Tone,
};

/// Whether a pipeline is enabled: value, name in URLs, label.
pub(crate) const PIPELINE_STATES: [(bool, &str, &str); 2] = super::jobs::JOB_STATES;

/// The triggers of runs: value, name, label.
pub(crate) const RUN_TRIGGERS: [(Trigger, &str, &str); 3] = [
    (Trigger::Manual, "manual", "Manual"),
    (Trigger::Schedule, "schedule", "Schedule"),
    (Trigger::Rerun, "rerun", "Rerun"),
];

/// The state of a pipeline.
pub(crate) fn pipeline_state(enabled: bool) -> (&'static str, Tone) {
    if enabled { ("Active", Tone::Good) } else { ("Paused", Tone::Neutral) }
}

/// The state of a pipeline in a list with its newest runs, newest first: `Failing` if the last one that has ended failed.
/// Runs of drafts do not count.
pub(crate) fn pipeline_state_with_runs(enabled: bool, runs: &[RunMark]) -> (&'static str, Tone) {
    let ended = runs.iter().filter(|run| {
        !is_draft(run.version) && !matches!(run.status, PipelineRunStatus::Queued | PipelineRunStatus::Running)
    });
    super::state_with_runs(pipeline_state(enabled), ended.map(|run| run_state(run.status, false)))
}

/// Whether a run with this version executes a draft.
pub(crate) const fn is_draft(version: i32) -> bool {
    version == 0
}

/// The version that a run executes, or `Draft`.
pub(crate) fn run_version(version: i32) -> String {
    if is_draft(version) { "Draft".to_owned() } else { version.to_string() }
}

/// The label and tone of a run's state: its status, or a more precise state.
pub(crate) fn run_state(status: PipelineRunStatus, is_cancelling: bool) -> (&'static str, Tone) {
    match status {
        PipelineRunStatus::Queued | PipelineRunStatus::Running if is_cancelling => ("Cancelling", Tone::Warn),
        PipelineRunStatus::Queued => ("Queued", Tone::Neutral),
        PipelineRunStatus::Running => ("Running", Tone::Accent),
        PipelineRunStatus::Completed => ("Completed", Tone::Good),
        PipelineRunStatus::Failed => ("Failed", Tone::Bad),
        PipelineRunStatus::Cancelled => ("Cancelled", Tone::Neutral),
    }
}

/// The label of an event about a run.
pub(super) fn run_event(status: PipelineRunStatus) -> (&'static str, Tone) {
    match status {
        PipelineRunStatus::Queued => ("Pipeline run queued", Tone::Neutral),
        PipelineRunStatus::Running => ("Pipeline run started", Tone::Accent),
        PipelineRunStatus::Completed => ("Pipeline run completed", Tone::Good),
        PipelineRunStatus::Failed => ("Pipeline run failed", Tone::Bad),
        PipelineRunStatus::Cancelled => ("Pipeline run cancelled", Tone::Neutral),
    }
}

/// A summary of the newest runs: `Last 3 runs: 2 completed, 1 failed`.
pub(crate) fn runs(runs: &[RunMark]) -> String {
    super::counted_by_outcome(runs.iter().map(|run| run_state(run.status, run.cancel_requested_at.is_some()).0))
}

/// The state of a step: label, symbol, tone.
pub(crate) fn step_state(status: StepStatus) -> State {
    match status {
        StepStatus::Queued => ("Queued", "", Tone::Neutral),
        StepStatus::Running => ("Running", "▸", Tone::Accent),
        StepStatus::Completed => ("Completed", "✓", Tone::Good),
        StepStatus::Failed => ("Failed", "!", Tone::Bad),
        StepStatus::Cancelled => ("Cancelled", "∕", Tone::Neutral),
        StepStatus::Skipped => ("Skipped", "–", Tone::Neutral),
    }
}

/// The condition of a step; empty for the default, that all needed steps completed.
pub(crate) fn when(when: When) -> &'static str {
    match when {
        When::Success => "",
        When::Failure => "on failure",
        When::Always => "always",
    }
}

/// The state of a step with its progress: `Running, 45%`.
pub(crate) fn step_progress(step: &Step) -> String {
    let (word, ..) = step_state(step.status);
    match step.progress {
        Some(progress) if step.status == StepStatus::Running => format!("{word}, {}", format::percent(progress)),
        _ => word.to_owned(),
    }
}

/// The duration of a run or a step; the duration so far if it has not ended; a dash before it has started.
pub(crate) fn time_taken(started_at: Option<Instant>, completed_at: Option<Instant>, now: Instant) -> String {
    started_at.map_or_else(|| "–".to_owned(), |from| format::duration(completed_at.unwrap_or(now).seconds_since(from)))
}

/// The number of completed steps of a run: `2 of 3 steps`.
pub(crate) fn steps_done(run: &PipelineRun) -> String {
    let done = run.steps.iter().filter(|step| step.status == StepStatus::Completed).count();
    format!("{done} of {}", format::counted(i64::try_from(run.steps.len()).unwrap_or_default(), "step"))
}

/// The keys of a step that depend on its type, with labels.
pub(crate) fn step_details(step: &PlannedStep) -> Vec<(&'static str, String)> {
    let endpoint = |endpoint: &Endpoint| match &endpoint.pattern {
        Some(pattern) => format!("{} ({pattern})", endpoint.location),
        None => endpoint.location.clone(),
    };
    let action = match &step.action {
        Action::Known(StepAction::Transfer(transfer)) => {
            let Transfer { source, destination, rules, verify } = transfer.as_ref();
            let sides = [("Source", endpoint(source)), ("Destination", endpoint(destination))];
            let rules = super::file_copy_rules::details(rules);
            return sides.into_iter().chain(rules).chain([("Verified by", verify.clone())]).collect();
        }
        Action::Known(action) => action,
        Action::Other { .. } => return Vec::new(),
    };
    let detail = |(name, value): (&str, Option<Field<'_, String>>)| {
        let value = match value? {
            Field::Text(text) => text.clone(),
            Field::Choice(name) => name.to_owned(),
        };
        Some((step_field(name)?, value))
    };
    action.fields().into_iter().filter_map(detail).collect()
}

/// The label of a key of a step; `None` for a key that is not shown.
fn step_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "path" => "File",
        "expected" => "Expected",
        "output" => "Output",
        "format" => "Format",
        "from" => "From",
        "to" => "To",
        "url" => "URL",
        _ => return None,
    })
}

/// The name of the agent that executes a step, or the server.
pub(crate) fn executor(step: &PlannedStep) -> String {
    match (&step.agent, &step.action) {
        (Some(agent), _) => agent.name.clone(),
        (None, Action::Known(action)) if !action.step_type().is_for_an_agent() => "The server".to_owned(),
        (None, _) => "No agent found".to_owned(),
    }
}

/// The description of a schedule.
pub(crate) fn schedule(schedule: Option<&PlannedSchedule>) -> String {
    schedule
        .map_or_else(|| "No schedule: runs are started manually".to_owned(), |schedule| schedule.description.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pipeline_plan::CopyRules;

    #[test]
    fn an_active_pipeline_is_failing_when_its_last_run_that_ended_failed() {
        use PipelineRunStatus::{Cancelled, Completed, Failed, Queued, Running};
        let mark = |status| RunMark {
            id: cynic::Id::new("r"),
            pipeline_id: cynic::Id::new("p"),
            version: 1,
            status,
            started_at: None,
            cancel_requested_at: None,
            revision: 1,
        };
        let state = |enabled, runs: &[PipelineRunStatus]| {
            let runs: Vec<_> = runs.iter().copied().map(mark).collect();
            pipeline_state_with_runs(enabled, &runs).0
        };
        assert_eq!(state(true, &[Queued, Running, Failed, Completed]), "Failing");
        assert_eq!(state(false, &[Failed]), "Paused");
        for runs in [&[][..], &[Running], &[Completed, Failed], &[Cancelled, Failed]] {
            assert_eq!(state(true, runs), "Active", "{runs:?}");
        }
        let of_draft = RunMark { version: 0, ..mark(Failed) };
        assert_eq!(pipeline_state_with_runs(true, &[of_draft.clone(), mark(Completed)]).0, "Active");
        assert_eq!(pipeline_state_with_runs(true, &[of_draft, mark(Failed)]).0, "Failing");
    }

    #[test]
    fn a_run_has_the_number_of_its_version_or_is_one_of_a_draft() {
        assert_eq!([0, 1, 12].map(run_version), ["Draft", "1", "12"]);
    }

    #[test]
    fn a_running_step_has_its_progress() {
        let step = |status, progress| Step {
            id: "copy".to_owned(),
            kind: "transfer".to_owned(),
            status,
            attempt: 1,
            progress,
            bytes_transferred: None,
            started_at: None,
            completed_at: None,
            error_message: None,
            transfer_id: None,
        };
        assert_eq!(step_progress(&step(StepStatus::Running, Some(45.9))), "Running, 45%");
        assert_eq!(step_progress(&step(StepStatus::Running, None)), "Running");
        assert_eq!(step_progress(&step(StepStatus::Failed, Some(45.0))), "Failed");
    }

    #[test]
    fn a_step_without_an_agent_is_the_servers_or_has_none() {
        let step = |action| PlannedStep { action, ..PlannedStep::default() };
        let webhook = StepAction::Webhook { url: "https://example.com/".to_owned(), body: None };
        assert_eq!(executor(&step(Action::Known(webhook))), "The server");
        assert_eq!(executor(&step(Action::Other { kind: "copy".to_owned() })), "No agent found");
    }

    #[test]
    fn the_details_of_a_step_are_its_fields_with_labels() {
        let action = StepAction::Decompress { path: "/a.gz".to_owned(), output: Some("/a".to_owned()), format: None };
        let step = PlannedStep { action: Action::Known(action), ..PlannedStep::default() };
        assert_eq!(step_details(&step), [("File", "/a.gz".to_owned()), ("Output", "/a".to_owned())]);
        let end = |location: &str, pattern| Endpoint { location: location.to_owned(), pattern };
        let (source, destination) = (end("/a/*.csv", Some("*.csv".to_owned())), end("/b", None));
        let rules = CopyRules { on_exists: Some("fail".to_owned()), ..CopyRules::default() };
        let verify = "sha256".to_owned();
        let transfer = StepAction::Transfer(Box::new(Transfer { source, destination, rules, verify }));
        let step = PlannedStep { action: Action::Known(transfer), ..PlannedStep::default() };
        let labels = step_details(&step);
        let labels: Vec<(&str, &str)> = labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
        let expected = [
            ("Source", "/a/*.csv (*.csv)"),
            ("Destination", "/b"),
            ("If a file exists", "Fail"),
            ("Verified by", "sha256"),
        ];
        assert_eq!(labels, expected);
    }

    #[test]
    fn what_has_not_started_has_no_duration() {
        assert_eq!(time_taken(None, None, Instant(5)), "–");
        assert_eq!(time_taken(Some(Instant(0)), None, Instant(61_000)), "1 min 1 s");
    }
}
