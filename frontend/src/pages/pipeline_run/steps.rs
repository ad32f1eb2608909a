//! The progress of each step of a run: on the graph, as bars on a time axis, and in a table.

use std::collections::HashMap;

use leptos::prelude::*;

use super::{
    gantt::Gantt,
    log::RunLog,
    step_drawer::{Drawer, StepDrawer},
};
use crate::{
    api::{
        pipeline_plan::PlannedStep,
        pipeline_runs::{PipelineRun, RunLinks, Step, StepStatus},
        transfers::{self, Transfer},
    },
    base_path::href,
    clock::Clock,
    effect::effect,
    format,
    labels::{
        self,
        pipelines::{step_progress, step_state, time_taken},
    },
    live::{Entry, Feed},
    pages::graph::{self, Graph},
    reactive_query::Fetch,
    ui::{Badge, Card, Column, Ellipsis, Progress, Rows, Table, plain},
};

/// Transfers by their ids.
type Copies = HashMap<String, Transfer>;

/// The columns of the table.
const COLUMNS: [Column; 6] = [
    Column::text("Step", 34),
    Column::text("Status", 15),
    Column::text("Progress", 20),
    Column::number("Attempt", 9),
    Column::number("Copied", 11),
    Column::number("Duration", 11),
];

/// The cards with the graph, the timing and the table, and the drawer with the details of a step.
#[component]
pub(super) fn StepProgress(row: RwSignal<Entry<PipelineRun>>, links: Fetch<RunLinks>, log: RunLog) -> impl IntoView {
    let planned = Memo::new(move |_| links.read(|links| links.plan.steps.clone()).unwrap_or_default());
    let copies = follow_copies(row);
    let steps = Memo::new(move |_| {
        let with_progress = |step: &Step| copies.with(|copies| with_copy(step, copies));
        row.with(|entry| entry.object.steps.iter().map(with_progress).collect::<Vec<_>>())
    });
    let drawer = Drawer::new();
    let details = move || drawer.step.get().map(|id| view! { <StepDrawer id planned steps log drawer /> });
    let current = RwSignal::new(None::<String>);
    let open = move |step: String| {
        let opener = graph::element_id(&step);
        drawer.open(step, opener);
    };
    // In the order of the plan, once it is loaded.
    let ids = Memo::new(move |_| {
        let order: Vec<String> =
            planned.with(|planned| planned.iter().map(|step: &PlannedStep| step.id.clone()).collect());
        let place = |id: &str| order.iter().position(|known| known == id).unwrap_or(usize::MAX);
        let mut ids: Vec<String> = steps.with(|steps| steps.iter().map(|step| step.id.clone()).collect());
        ids.sort_by_key(|id| place(id));
        ids
    });
    let line = move |id: String| {
        let own = id.clone();
        let step = Memo::new(move |_| steps.with(|steps| steps.iter().find(|step| step.id == own).cloned()));
        view! { <Line id step drawer /> }.into_any()
    };
    view! {
        <div class="run-graph-and-steps">
            <Card title="Graph">
                <Graph steps=planned run_steps=steps current shown=drawer.step on_open=open />
            </Card>
            {details}
        </div>
        <Gantt row ids drawer />
        <Card title="Steps">
            <Table label="Steps" columns=COLUMNS.to_vec()>
                <Rows keys=Signal::derive(move || ids.get()) row=line />
            </Table>
        </Card>
    }
}

/// The transfers of running steps, kept up to date. Progress is known earlier for the transfer of a step than for the
/// step, and some agents do not report progress of steps at all.
fn follow_copies(row: RwSignal<Entry<PipelineRun>>) -> RwSignal<Copies> {
    let feed = expect_context::<Feed>();
    let copies = RwSignal::new(Copies::new());
    let at_work = Memo::new(move |_| {
        let of_step = |step: &Step| step.transfer_id.clone().filter(|_| step.status == StepStatus::Running);
        row.with(|entry| entry.object.steps.iter().filter_map(of_step).collect::<Vec<_>>())
    });
    effect(move || {
        let ids = at_work.get();
        if !ids.is_empty() {
            let moved = move |transfer: Transfer| {
                copies.update(|copies| drop(copies.insert(transfer.id.inner().to_owned(), transfer)));
            };
            // An update contains the whole state, so a missed update is made up for by the next one.
            feed.watch(transfers::watch(Some(ids)), moved, || {});
        }
    });
    copies
}

/// A step with the progress of its transfer.
fn with_copy(step: &Step, copies: &Copies) -> Step {
    let copy = step.transfer_id.as_ref().filter(|_| step.status == StepStatus::Running);
    match copy.and_then(|id| copies.get(id.inner())) {
        Some(copy) => {
            Step { progress: labels::progress(copy), bytes_transferred: Some(copy.bytes_transferred), ..step.clone() }
        }
        None => step.clone(),
    }
}

#[component]
fn Line(id: String, step: Memo<Option<Step>>, drawer: Drawer) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let read = move |read: fn(&Step) -> String| move || step.with(|step| step.as_ref().map(read).unwrap_or_default());
    let state = Signal::derive(move || {
        let status = step.with(|step| step.as_ref().map(|step| step.status));
        let (word, _, tone) = step_state(status.unwrap_or(StepStatus::Queued));
        (word, tone)
    });
    let taken = move || {
        let (from, to) =
            step.with(|step| step.as_ref().map_or((None, None), |step| (step.started_at, step.completed_at)));
        time_taken(from, to, to.unwrap_or_else(|| if from.is_some() { clock.now() } else { crate::time::Instant(0) }))
    };
    let value = Signal::derive(move || step.with(|step| step.as_ref().map_or(Some(0.0), progress)));
    // The error is shortened to one line; the drawer shows it in full.
    let error = move || {
        let error = step.with(|step| step.as_ref().and_then(|step| step.error_message.as_deref().map(plain)))?;
        let tone = state.get().1.name();
        Some(view! { <span class="cell-why" data-tone=tone><Ellipsis text=error class="cell-text" /></span> })
    };
    let transfer = move || {
        step.with(|step| step.as_ref().and_then(|step| step.transfer_id.clone())).map(|id| {
            view! { <a href=href(format!("/transfers/{}", id.inner()))>"Open transfer"</a> }
        })
    };
    let label = StoredValue::new(format!("Progress of {id}"));
    let (opened, details, element) = (id.clone(), format!("Details of {id}"), format!("row-of-{id}"));
    let opener = element.clone();
    let is_running =
        Memo::new(move |_| step.with(|step| step.as_ref().is_some_and(|step| step.status == StepStatus::Running)));
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=id />
                <span class="cell-about">
                    {read(|step| step.kind.clone())} " " {transfer} " "
                    <button
                        type="button"
                        id=element
                        class="cell-open"
                        aria-label=details
                        on:click=move |_| drawer.open(opened.clone(), opener.clone())
                    >
                        "Details"
                    </button>
                </span>
                {error}
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            <td class="cell-progress" data-label="Progress">
                <div class="progress-line">
                    <Show when=move || is_running.get()>
                        <Progress label=label.get_value() value tone=Signal::derive(move || state.get().1) />
                    </Show>
                    <span class="visually-hidden">{read(step_progress)}</span>
                    <span class="progress-label" aria-hidden="true">
                        {move || value.get().map_or_else(|| "–".to_owned(), format::percent)}
                    </span>
                </div>
            </td>
            <td class="cell-number cell-quiet" data-label="Attempt">
                {read(|step| step.attempt.to_string())}
            </td>
            <td class="cell-number" data-label="Copied">
                {read(|step| step.bytes_transferred.as_ref().map_or_else(|| "–".to_owned(), |bytes| format::bytes(bytes.0)))}
            </td>
            <td class="cell-number" data-label="Duration">
                {taken}
            </td>
        </tr>
    }
}

/// The progress of a step, in percent; `None` if the step is running and its progress is not known.
fn progress(step: &Step) -> Option<f64> {
    match step.status {
        StepStatus::Completed => Some(100.0),
        StepStatus::Running => step.progress,
        _ => Some(step.progress.unwrap_or(0.0)),
    }
}
