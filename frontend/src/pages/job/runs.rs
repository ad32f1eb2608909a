//! The card with the runs of a job, newest first, live.

use leptos::prelude::*;

use crate::{
    api::job_runs::{self, JobRun},
    base_path::href,
    clock::Clock,
    labels,
    live::Entry,
    pages::{
        export::ExportMenu,
        list_url_parameters::ListQuery,
        run_list::{RunList, RunRows},
        run_updates::RunUpdates,
    },
    ui::{Badge, Column, Ellipsis, plain},
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
pub(super) fn Runs(job: String, updates: RunUpdates<JobRun>) -> impl IntoView {
    let query = ListQuery::of(format!("/jobs/{job}"), 100);
    let job = StoredValue::new(job);
    let page = move || job_runs::list(&job.get_value(), query.rows.get(), query.page.get());
    let paths = move |()| vec![format!("/api/jobs/{}/runs", job.get_value())];
    view! {
        <RunList
            query
            runs=RunRows::new(updates, page, |row| view! { <Row row /> }.into_any())
            columns=COLUMNS.to_vec()
            icon="jobs"
            hint="A run appears here as soon as the agent starts it."
            tools=move || view! { <ExportMenu paths /> }
        />
    }
}

#[component]
fn Row(row: RwSignal<Entry<JobRun>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let read = move |read: fn(&JobRun) -> String| move || row.with(|entry| read(&entry.object));
    let (address, started_at, scheduled_for) = row.with_untracked(|entry| {
        let run = &entry.object;
        (format!("/jobs/{}/runs/{}", run.job_id.inner(), run.id.inner()), run.started_at, run.scheduled_for)
    });
    let started = move || Clock::full_moment(started_at);
    let slot = move || scheduled_for.map_or_else(|| "Manual".to_owned(), |at| clock.moment(at));
    let state = Signal::derive(move || row.with(|entry| labels::jobs::run_state(&entry.object)));
    let about = move || row.with(|entry| plain(&labels::jobs::run_about(&entry.object)));
    let taken = move || {
        row.with(|entry| {
            let now = entry.object.completed_at.unwrap_or_else(|| clock.now());
            labels::jobs::time_taken(&entry.object, now)
        })
    };
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=Signal::derive(started) href=href(address) />
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
