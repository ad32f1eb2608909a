//! The card with the runs of a pipeline, newest first, live. For administrators.

use leptos::prelude::*;

use crate::{
    api::pipeline_runs::{self, PipelineRun},
    base_path::href,
    clock::Clock,
    labels::{
        self,
        pipelines::{RUN_TRIGGERS, run_state, run_version, steps_done, time_taken},
    },
    live::Entry,
    pages::{
        list_url_parameters::ListQuery,
        run_list::{RunList, RunRows},
        run_updates::RunUpdates,
    },
    ui::{Badge, Column, Ellipsis, plain},
};

/// The columns of the table.
const COLUMNS: [Column; 6] = [
    Column::text("Started", 38),
    Column::text("Status", 13),
    Column::text("Trigger", 12),
    Column::number("Version", 9).late(),
    Column::text("Steps", 15),
    Column::number("Duration", 13),
];

/// The runs of a pipeline, newest first.
#[component]
pub(super) fn Runs(pipeline: String, updates: RunUpdates<PipelineRun>) -> impl IntoView {
    let query = ListQuery::of(format!("/pipelines/{pipeline}"), 100);
    let pipeline = StoredValue::new(pipeline);
    let page = move || pipeline_runs::list(&pipeline.get_value(), query.rows.get(), query.page.get());
    view! {
        <RunList
            query
            runs=RunRows::new(updates, page, |row| view! { <Row row /> }.into_any())
            columns=COLUMNS.to_vec()
            icon="pipelines"
            hint="Runs appear here when a user or the schedule starts them."
        />
    }
}

#[component]
fn Row(row: RwSignal<Entry<PipelineRun>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let read = move |read: fn(&PipelineRun) -> String| move || row.with(|entry| read(&entry.object));
    let (address, trigger, version) = row.with_untracked(|entry| {
        let run = &entry.object;
        let address = format!("/pipelines/{}/runs/{}", run.pipeline_id.inner(), run.id.inner());
        (address, labels::label_of(&RUN_TRIGGERS, &run.trigger), run_version(run.version))
    });
    let state = Signal::derive(move || {
        row.with(|entry| run_state(entry.object.status, entry.object.cancel_requested_at.is_some()))
    });
    let taken = move || {
        let (from, to) = row.with(|entry| (entry.object.started_at, entry.object.completed_at));
        time_taken(from, to, to.unwrap_or_else(|| clock.now()))
    };
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis
                    text=Signal::derive(
                        read(|run| run.started_at.map_or_else(|| "Not started".to_owned(), Clock::full_moment)),
                    )
                    href=href(address)
                />
                <Ellipsis
                    text=Signal::derive(read(|run| run.error_message.as_deref().map(plain).unwrap_or_default()))
                    class="cell-about"
                />
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            <td class="cell-quiet" data-label="Trigger">
                {trigger}
            </td>
            <td class="cell-number cell-quiet" data-label="Version">
                {version}
            </td>
            <td data-label="Steps">
                {read(steps_done)}
            </td>
            <td class="cell-number" data-label="Duration">
                {taken}
            </td>
        </tr>
    }
}
