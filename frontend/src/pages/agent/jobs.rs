//! The card with the jobs of an agent.

use leptos::prelude::*;

use crate::{
    api::agent_page::{self, AgentJob},
    base_path::href,
    clock::Clock,
    format,
    pages::next_run::NextRun,
    reactive_query::Fetch,
    ui::{Badge, Card, Column, Ellipsis, Empty, OptionalTime, QueryResult, Table, TimeFormat, Tone},
};

const COLUMNS: [Column; 4] =
    [Column::text("Job", 36), Column::text("Status", 16), Column::text("Last run", 20), Column::text("Next run", 28)];

/// The newest jobs of an agent.
#[component]
pub(super) fn Jobs(id: String) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let found = Fetch::new(move || agent_page::jobs(&id));
    // The times of the last and the next run change.
    let minute = clock.every(60);
    Effect::watch(move || minute.get(), move |_, _, _| found.reload(), false);
    let summary = move || found.read(|(_, (total, is_at_least))| format::total((*total).into(), *is_at_least, "job"));
    let line = move |job: AgentJob| {
        let state = if job.enabled { ("Active", Tone::Good) } else { ("Paused", Tone::Neutral) };
        let last = job.last_run_at;
        view! {
            <tr>
                <td class="cell-main">
                    <Ellipsis text=job.name href=href(format!("/jobs/{}", job.id.inner())) />
                </td>
                <td class="cell-status" data-label="Status">
                    <Badge state=Signal::stored(state) />
                </td>
                <td class="cell-quiet" data-label="Last run">
                    <OptionalTime at=Signal::stored(last) format=TimeFormat::Age />
                </td>
                <td class="cell-quiet" data-label="Next run">
                    <NextRun next=Signal::stored(job.next_run_at) />
                </td>
            </tr>
        }
    };
    let rows = move || found.read(|(jobs, _)| jobs.clone()).unwrap_or_default().into_iter().map(line).collect_view();
    view! {
        <Card title="Jobs" aside=summary>
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Memo::new(move |_| found.read(|(jobs, _)| jobs.is_empty()) == Some(true))
                skeleton_rows=4
                on_retry=move |()| found.reload()
                nothing=|| view! { <Empty icon="jobs" title="This agent has no jobs" /> }
            >
                <Table label="Jobs" columns=COLUMNS.to_vec()>
                    {rows}
                </Table>
            </QueryResult>
        </Card>
    }
}
