//! The timing of the steps of a run: one bar for each step on a common time axis.

use leptos::prelude::*;

use super::step_drawer::Drawer;
use crate::{
    api::pipeline_runs::{PipelineRun, Step, StepStatus},
    clock::Clock,
    format,
    labels::pipelines::{step_state, time_taken},
    live::Entry,
    time::Instant,
    ui::{Card, Rows},
    zone,
};

/// The minimum length of the time axis, in milliseconds.
const SHORTEST: i64 = 1000;

/// The time span of the common axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TimeSpan {
    from: Instant,
    to: Instant,
}

/// The position of a step's bar, in percent of the time span.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    from: f64,
    length: f64,
}

impl TimeSpan {
    /// The time span from the first start of a step to the end of the run, or until `now` while the run is active;
    /// `None` before a step has started.
    fn of(run: &PipelineRun, now: Instant) -> Option<Self> {
        let starts = run.steps.iter().filter_map(|step| step.started_at);
        let from = starts.chain(run.started_at).min()?;
        let ends = run.steps.iter().filter_map(|step| step.completed_at);
        let to = ends.chain([run.completed_at.unwrap_or(now)]).max()?;
        Some(Self { from, to: to.max(Instant(from.0 + SHORTEST)) })
    }

    /// The bar of a step; `None` if the step has not started. The bar of a step that has not ended reaches to the end
    /// of the time span.
    fn bar(self, step: &Step) -> Option<Bar> {
        let from = self.share(step.started_at?);
        let to = step.completed_at.map_or(100.0, |at| self.share(at));
        Some(Bar { from, length: (to - from).max(0.0) })
    }

    /// The part of the time span before an instant, in percent.
    #[expect(clippy::cast_precision_loss, reason = "durations in milliseconds")]
    fn share(self, at: Instant) -> f64 {
        let whole = (self.to.0 - self.from.0) as f64;
        ((at.0 - self.from.0) as f64 / whole * 100.0).clamp(0.0, 100.0)
    }
}

/// The card with the bars, in the order of `ids`.
#[component]
pub(super) fn Gantt(
    row: RwSignal<Entry<PipelineRun>>,
    /// The ids of the steps.
    ids: Memo<Vec<String>>,
    /// The drawer that a step opens.
    drawer: Drawer,
) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let span = Memo::new(move |_| {
        row.with(|entry| {
            let run = &entry.object;
            TimeSpan::of(run, run.completed_at.unwrap_or_else(|| clock.now()))
        })
    });
    let has_begun = Memo::new(move |_| span.get().is_some());
    let beginning = move || span.get().map(|span| format::time_of_day(span.from, zone::offset(span.from), true));
    let length = move || span.get().map(|span| format::duration(span.to.seconds_since(span.from)));
    let line = move |id: String| view! { <Line id row span drawer /> }.into_any();
    view! {
        <Card title="Timing">
            <Show
                when=move || has_begun.get()
                fallback=|| view! { <p class="form-text card-text">"No step has started yet."</p> }
            >
                <p class="gantt-axis">
                    <span>{beginning}</span>
                    <span>{length}</span>
                </p>
                <ol class="gantt" aria-label="Timing of the steps">
                    <Rows keys=Signal::derive(move || ids.get()) row=line />
                </ol>
            </Show>
        </Card>
    }
}

#[component]
fn Line(id: String, row: RwSignal<Entry<PipelineRun>>, span: Memo<Option<TimeSpan>>, drawer: Drawer) -> impl IntoView {
    let own = id.clone();
    let step = Memo::new(move |_| row.with(|entry| entry.object.steps.iter().find(|step| step.id == own).cloned()));
    let bar = Memo::new(move |_| step.with(|step| span.get()?.bar(step.as_ref()?)));
    let state = move || step_state(step.with(|step| step.as_ref().map_or(StepStatus::Queued, |step| step.status)));
    let taken = move || {
        let (from, to) =
            step.with(|step| step.as_ref().map_or((None, None), |step| (step.started_at, step.completed_at)));
        time_taken(from, to, span.get().map_or(Instant(0), |span| span.to))
    };
    let percent = move |read: fn(Bar) -> f64| move || format!("{}%", format::fixed(bar.get().map_or(0.0, read), 2));
    let sentence = move || {
        let started = step.with(|step| step.as_ref().and_then(|step| step.started_at)).zip(span.get());
        let (word, ..) = state();
        match started {
            Some((at, span)) => {
                format!("{word}, started {} after the run", format::duration(at.seconds_since(span.from)))
            }
            None => word.to_owned(),
        }
    };
    let (name, element) = (id.clone(), format!("timing-of-{id}"));
    let opener = element.clone();
    let open = move |_| drawer.open(id.clone(), opener.clone());
    view! {
        <li class="gantt-row">
            <button type="button" id=element class="gantt-name" title=name.clone() on:click=open>
                {name.clone()}
            </button>
            <span class="visually-hidden">{sentence}</span>
            <span class="gantt-track" aria-hidden="true">
                <span
                    class="gantt-bar"
                    data-tone=move || state().2.name()
                    hidden=move || bar.get().is_none()
                    style:left=percent(|bar| bar.from)
                    style:width=percent(|bar| bar.length)
                ></span>
            </span>
            <span class="gantt-time">{taken}</span>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pipeline_runs::{PipelineRunStatus, Trigger};

    fn step(started: Option<i64>, completed: Option<i64>) -> Step {
        Step {
            id: "copy".to_owned(),
            kind: "transfer".to_owned(),
            status: StepStatus::Running,
            attempt: 1,
            progress: None,
            bytes_transferred: None,
            started_at: started.map(|second| Instant(second * 1000)),
            completed_at: completed.map(|second| Instant(second * 1000)),
            error_message: None,
            transfer_id: None,
        }
    }

    fn run(steps: Vec<Step>, completed: Option<i64>) -> PipelineRun {
        PipelineRun {
            id: cynic::Id::new("r"),
            pipeline_id: cynic::Id::new("p"),
            version: 1,
            status: PipelineRunStatus::Running,
            trigger: Trigger::Manual,
            started_at: steps.first().and_then(|step| step.started_at),
            completed_at: completed.map(|second| Instant(second * 1000)),
            error_message: None,
            revision: 1,
            cancel_requested_at: None,
            parameters: Vec::new(),
            rerun_of: None,
            steps,
            viewer_can_cancel: false,
            viewer_can_rerun: false,
        }
    }

    fn bars(run: &PipelineRun, now: i64) -> Vec<Option<(i64, i64)>> {
        let span = TimeSpan::of(run, Instant(now * 1000)).expect("a time");
        #[expect(clippy::cast_possible_truncation, reason = "percent")]
        let whole = |bar: Bar| (bar.from.round() as i64, bar.length.round() as i64);
        run.steps.iter().map(|step| span.bar(step).map(whole)).collect()
    }

    #[test]
    fn bars_share_the_time_of_the_run() {
        let steps = vec![step(Some(10), Some(30)), step(Some(30), Some(110)), step(None, None)];
        let expected = [Some((0, 20)), Some((20, 80)), None];
        assert_eq!(bars(&run(steps.clone(), Some(110)), 500), expected);
        assert_eq!(bars(&run(steps, None), 110), expected);
    }

    #[test]
    fn a_bar_grows_until_its_step_has_ended() {
        let running = run(vec![step(Some(0), Some(10)), step(Some(10), None)], None);
        assert_eq!(bars(&running, 20), [Some((0, 50)), Some((50, 50))]);
        assert_eq!(bars(&running, 40), [Some((0, 25)), Some((25, 75))]);
    }

    #[test]
    fn a_run_of_no_time_has_bars() {
        assert_eq!(bars(&run(vec![step(Some(5), Some(5))], Some(5)), 5), [Some((0, 0))]);
        assert_eq!(TimeSpan::of(&run(vec![step(None, None)], None), Instant(0)), None);
    }
}
