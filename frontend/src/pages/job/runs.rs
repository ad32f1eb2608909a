//! The card with the runs of a job, newest first, live.

use leptos::prelude::*;

use crate::{
    api::job_runs::{self, JobRun},
    base_path::href,
    clock::Clock,
    effect::effect,
    fetch::Fetch,
    format, labels,
    live::{Admission, Entry, LiveList},
    pages::{page_in_address, pages_of},
    ui::{Badge, Card, Column, Ellipsis, Empty, Pager, QueryResult, Rows, Table},
};

/// The columns of the table.
const COLUMNS: [Column; 5] = [
    Column::text("Started", 44),
    Column::text("Status", 12),
    Column::text("Slot", 18),
    Column::number("Duration", 13),
    Column::number("Copied", 13),
];

/// The runs of a job, newest first.
#[component]
pub(super) fn Runs(
    job: String,
    /// The run that changed last; `None` when updates may have been missed.
    moved: RwSignal<Option<JobRun>>,
) -> impl IntoView {
    let page = page_in_address();
    let job = StoredValue::new(job);
    let list = LiveList::<JobRun>::new(Admission::Listed);
    let totals = Fetch::new(move || list.fill(job_runs::list(&job.get_value(), crate::api::PAGE_SIZE, page.get())));
    effect(move || match moved.get() {
        Some(run) if list.entry(run.id.inner()).is_some() => list.apply_update(run),
        _ => totals.reload(),
    });
    let summary = move || {
        totals.read(|(total, is_at_least)| format::total((*total).into(), *is_at_least, "run")).unwrap_or_default()
    };
    let nothing = || {
        view! {
            <Empty icon="jobs" title="No runs yet">
                <p>"A run appears here as soon as the agent starts it."</p>
            </Empty>
        }
    };
    let row = move |id: String| list.entry(&id).map(|entry| view! { <Row row=entry.into() /> }).into_any();
    view! {
        <Card title="Runs">
            <QueryResult
                stage=Signal::derive(move || totals.stage())
                is_empty=Memo::new(move |_| list.len() == 0)
                on_retry=move |()| totals.reload()
                nothing
            >
                <Table
                    label="Runs"
                    columns=COLUMNS.to_vec()
                    is_busy=Signal::derive(move || totals.is_busy())
                >
                    <Rows keys=Signal::derive(move || list.order()) row />
                </Table>
            </QueryResult>
            <Pager
                summary=Signal::derive(summary)
                page=page
                pages=Signal::derive(move || totals.read(|(total, is_at_least)| pages_of(*total, *is_at_least)).flatten())
                address=move |page: i32| format!("/jobs/{}?page={page}", job.get_value())
            />
        </Card>
    }
}

#[component]
fn Row(row: RwSignal<Entry<JobRun>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let read = move |read: fn(&JobRun) -> String| move || row.with(|entry| read(&entry.object));
    let (address, started, slot) = row.with_untracked(|entry| {
        let run = &entry.object;
        let slot = run.scheduled_for.map_or_else(|| "Manual".to_owned(), |at| clock.moment(at));
        (format!("/jobs/{}/runs/{}", run.job_id.inner(), run.id.inner()), Clock::full_moment(run.started_at), slot)
    });
    let state = Signal::derive(move || row.with(|entry| labels::jobs::run_state(&entry.object)));
    let about = move || row.with(|entry| labels::jobs::run_about(&entry.object));
    let taken = move || {
        row.with(|entry| {
            let now = entry.object.completed_at.unwrap_or_else(|| clock.now());
            labels::jobs::time_taken(&entry.object, now)
        })
    };
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=started href=href(address) />
                <Ellipsis text=Signal::derive(about) class="cell-about" />
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            <td class="cell-quiet" data-label="Slot">
                {slot}
            </td>
            <td class="cell-number" data-label="Duration">
                {taken}
            </td>
            <td class="cell-number" data-label="Copied">
                {read(labels::jobs::run_size)}
            </td>
        </tr>
    }
}
