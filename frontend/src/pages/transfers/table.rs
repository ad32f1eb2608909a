//! A table of transfers with live rows.

use leptos::prelude::*;

use crate::{
    api::{
        Total,
        transfers::{self, Transfer},
    },
    base_path::href,
    clock::Clock,
    effect::effect,
    fetch::Fetch,
    format, labels,
    live::{Entry, Feed, LiveList},
    ui::{Badge, Column, Ellipsis, Progress, QueryResult, Rows, Table},
};

/// The columns of the table.
const COLUMNS: [Column; 6] = [
    Column::text("File", 30),
    Column::text("Status", 12),
    Column::text("Progress", 20),
    Column::number("Size", 10).late(),
    Column::text("Agent", 14),
    Column::text("Created", 14),
];

/// The rows of a list that a query fills.
#[component]
pub(crate) fn TransferTable(
    list: LiveList<Transfer>,
    /// The query that fills the list.
    load: Fetch<Total>,
    /// Shown when the query finds nothing.
    #[prop(into)]
    nothing: ViewFn,
) -> impl IntoView {
    watch_visible(list, load);
    let is_empty = Memo::new(move |_| list.len() == 0);
    view! {
        <QueryResult
            stage=Signal::derive(move || load.stage())
            is_empty
            skeleton_rows=10
            on_retry=move |()| load.reload()
            nothing
        >
            <Table
                label="Transfers"
                columns=COLUMNS.to_vec()
                is_busy=Signal::derive(move || load.is_busy())
            >
                <Rows
                    keys=Signal::derive(move || list.order())
                    row=move |id: String| list.entry(&id).map(|entry| view! { <Row row=entry.into() /> }).into_any()
                />
            </Table>
        </QueryResult>
    }
}

/// Subscribes to the visible rows.
fn watch_visible(list: LiveList<Transfer>, load: Fetch<Total>) {
    let feed = expect_context::<Feed>();
    // Sorted, so that a new order of the same rows causes no new subscription.
    let visible = Memo::new(move |_| {
        let mut ids = list.order();
        ids.sort_unstable();
        ids
    });
    effect(move || {
        let ids: Vec<_> = visible.get().into_iter().map(cynic::Id::new).collect();
        if !ids.is_empty() {
            feed.watch(transfers::watch(Some(ids)), move |transfer| list.apply_update(transfer), move || load.reload());
        }
    });
}

#[component]
fn Row(row: RwSignal<Entry<Transfer>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let (id, name, protocol, agent, agent_id, created) = row.with_untracked(|entry| {
        let transfer = &entry.object;
        (
            transfer.id.inner().to_owned(),
            format::file_name(&transfer.source),
            labels::transfer_protocol(transfer),
            transfer.agent_name.clone(),
            transfer.agent_id.inner().to_owned(),
            clock.moment(transfer.created_at),
        )
    });
    let state = Signal::derive(move || row.with(|entry| labels::transfer_state(&entry.object)));
    let speed = move || row.with(|entry| labels::speed(&entry.object));
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=name.clone() href=href(format!("/transfers/{id}")) />
                <span class="cell-about">{protocol}</span>
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            <td class="cell-progress" data-label="Progress">
                <div class="progress-line">
                    <Progress
                        label=format!("Progress of {name}")
                        value=Signal::derive(move || row.with(|entry| entry.object.progress))
                        tone=Signal::derive(move || state.get().1)
                    />
                    <span class="progress-label">
                        {move || row.with(|entry| format::percent(entry.object.progress))}
                    </span>
                </div>
                <Show when=move || row.with(|entry| entry.object.is_progressing())>
                    <span class="cell-about">{speed}</span>
                </Show>
            </td>
            <td class="cell-number" data-label="Size">
                {move || row.with(|entry| labels::size(&entry.object))}
            </td>
            <td data-label="Agent">
                <Ellipsis text=agent href=href(format!("/agents/{agent_id}")) class="cell-link" />
            </td>
            <td class="cell-quiet" data-label="Created">
                {created}
            </td>
        </tr>
    }
}
