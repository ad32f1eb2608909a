//! A table of transfers with live rows.

use std::collections::HashSet;

use leptos::prelude::*;

use crate::{
    api::{
        Total,
        transfers::{self, Transfer, TransferStatus},
    },
    base_path::href,
    clock::Clock,
    effect::effect,
    format, labels,
    live::{Entry, Feed, LiveList},
    reactive_query::Fetch,
    ui::{Badge, Column, Ellipsis, Progress, QueryResult, Rows, SelectCell, Selection, Table, plain},
};

/// The columns of the table, with the orders of the server.
pub(super) const COLUMNS: [Column; 9] = [
    Column::text("File", 20),
    Column::text("Status", 11),
    Column::text("Progress", 15),
    Column::number("Size", 9).late().sorted_by("size"),
    Column::number("Speed", 10).late().sorted_by("speed"),
    Column::text("Agent", 14),
    Column::text("Created", 16).sorted_by("createdAt"),
    Column::number("Duration", 11).optional().sorted_by("duration"),
    Column::text("Ended", 16).optional().sorted_by("completedAt"),
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
                <TransferRows list />
            </Table>
        </QueryResult>
    }
}

/// The rows of the table.
#[component]
pub(super) fn TransferRows(list: LiveList<Transfer>, #[prop(optional)] selection: Option<Selection>) -> impl IntoView {
    view! {
        <Rows
            keys=Signal::derive(move || list.order())
            row=move |id: String| {
                list.entry(&id).map(|entry| view! { <Row row=entry.into() selection /> }).into_any()
            }
        />
    }
}

/// Subscribes to the visible rows. The server first sends the transfers that are not in a final state. So if a row is
/// active on the page and is not sent, its transfer has ended between the query and the subscription, and the query is
/// repeated.
pub(super) fn watch_visible(list: LiveList<Transfer>, load: Fetch<Total>) {
    let feed = expect_context::<Feed>();
    // The ids are sorted, so that a new order of the same rows causes no new subscription.
    let visible = Memo::new(move |_| {
        let mut ids = list.order();
        ids.sort_unstable();
        ids
    });
    effect(move || {
        let rows = visible.get();
        if rows.is_empty() {
            return;
        }
        let ids = rows.iter().map(cynic::Id::new).collect();
        let sent = StoredValue::new(HashSet::<String>::new());
        let update = move |transfer: Transfer| {
            sent.try_update_value(|sent| sent.insert(transfer.id.inner().to_owned()));
            list.apply_update(transfer);
        };
        let is_missing = move |id: &String| {
            let is_active = list.entry(id).is_some_and(|row| row.with_untracked(|row| row.object.is_active()));
            is_active && sent.try_with_value(|sent| !sent.contains(id)) == Some(true)
        };
        let check = move || {
            if rows.iter().any(is_missing) {
                load.reload();
            }
        };
        feed.watch_found(transfers::watch(Some(ids)), update, move || load.reload(), check);
    });
}

#[component]
fn Row(row: RwSignal<Entry<Transfer>>, selection: Option<Selection>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let (id, name, protocol, agent, agent_id, created) = row.with_untracked(|entry| {
        let transfer = &entry.object;
        (
            transfer.id.inner().to_owned(),
            format::file_name(&transfer.source),
            labels::transfer_protocol(transfer),
            transfer.agent_name.clone(),
            transfer.agent_id.inner().to_owned(),
            transfer.created_at,
        )
    });
    let label = StoredValue::new(format!("Progress of {name}"));
    let state = Signal::derive(move || row.with(|entry| labels::transfer_state(&entry.object)));
    let read = move |read: fn(&Transfer) -> String| move || row.with(|entry| read(&entry.object));
    let is_running = Memo::new(move |_| row.with(|entry| entry.object.status == TransferStatus::Running));
    let error = Signal::derive(read(|transfer| transfer.error_message.as_deref().map(plain).unwrap_or_default()));
    let ended = read(|transfer| transfer.completed_at.map_or_else(|| "–".to_owned(), Clock::full_moment));
    view! {
        <tr>
            {selection.map(|selection| view! { <SelectCell selection id=id.clone() name=name.clone() /> })}
            <td class="cell-main">
                <Ellipsis text=name href=href(format!("/transfers/{id}")) />
                <span class="cell-about">{protocol}</span>
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            <td class="cell-progress" data-label="Progress">
                <Show
                    when=move || is_running.get()
                    fallback=move || view! { <Ellipsis text=error class="cell-about" /> }
                >
                    <div class="progress-line">
                        <Progress
                            label=label.get_value()
                            value=Signal::derive(move || row.with(|entry| labels::progress(&entry.object)))
                            tone=Signal::derive(move || state.get().1)
                        />
                        <span class="progress-label">
                            {move || row.with(|entry| labels::progress_percent(&entry.object))}
                        </span>
                    </div>
                </Show>
            </td>
            <td class="cell-number" data-label="Size">
                {read(labels::size)}
            </td>
            <td class="cell-number" data-label="Speed">
                {read(labels::speed)}
            </td>
            <td data-label="Agent">
                <Ellipsis text=agent href=href(format!("/agents/{agent_id}")) class="cell-link" />
            </td>
            <td class="cell-quiet" data-label="Created">
                {move || clock.moment(created)}
            </td>
            <td class="cell-number" data-label="Duration">
                {read(labels::time_taken)}
            </td>
            <td class="cell-quiet" data-label="Ended">
                {ended}
            </td>
        </tr>
    }
}
