//! The card with the running transfers, stalled ones first. A transfer that has ended stays for some seconds.

use leptos::prelude::*;

use crate::{
    api::transfers::{self, Transfer},
    base_path::href,
    clock::Clock,
    effect::effect,
    fleet_totals::FleetTotals,
    format, labels,
    live::{Admission, Entry, Feed, LiveList},
    pages::list_card::freeze,
    reactive_query::{Fetch, Stage},
    ui::{Badge, Card, Column, Ellipsis, Empty, OptionalTime, Progress, QueryResult, Rows, Table, TimeFormat},
};

/// The maximum number of transfers that are shown.
const MOST: u8 = 50;

/// The columns of the table.
const COLUMNS: [Column; 5] = [
    Column::text("File", 36),
    Column::text("Progress", 28),
    Column::number("Speed", 12),
    Column::number("Time left", 12),
    Column::number("Updated", 12),
];

/// The running transfers, each with its progress.
#[component]
pub(crate) fn RunningTransfers() -> impl IntoView {
    let (feed, clock) = (expect_context::<Feed>(), expect_context::<Clock>());
    let list = LiveList::<Transfer>::new(Admission::Running(MOST.into()));
    let total = Fetch::new(move || list.fill(transfers::running(MOST.into())));
    feed.watch(transfers::watch(None), move |transfer| list.apply_update(transfer), move || total.reload());
    effect(move || {
        clock.now();
        list.remove_ended();
    });
    let is_empty = Memo::new(move |_| list.len() == 0);
    // The subscription may add transfers before the query ends.
    let stage = move || if is_empty.get() { total.stage() } else { Stage::Ready };
    let nothing = || {
        view! {
            <Empty icon="transfers" title="No transfers are running">
                <p>"Transfers appear here when an agent starts them. "<a href=href("/transfers")>"See earlier transfers"</a></p>
            </Empty>
        }
        .into_any()
    };
    let totals = expect_context::<FleetTotals>();
    let all = move || {
        // A list that is not full contains all running transfers, even if the totals, which may be older, differ.
        let total =
            totals.read(|fleet| fleet.transfers.running).filter(|_| list.len() >= usize::from(MOST)).unwrap_or(0);
        format::all_of(list.len(), total.into(), "All running")
    };
    view! {
        <Card title="Running transfers" aside=move || view! { <a href=href("/transfers?status=running")>{all}</a> }.into_any()>
            <QueryResult stage=Signal::derive(stage) is_empty on_retry=move |()| total.reload() nothing>
                <Table label="Running transfers" columns=COLUMNS.to_vec() freeze=Some(freeze(list))>
                    <Rows
                        keys=Signal::derive(move || list.order())
                        row=move |id: String| list.entry(&id).map(|entry| view! { <Row row=entry.into() /> }).into_any()
                    />
                </Table>
            </QueryResult>
        </Card>
    }
}

#[component]
fn Row(row: RwSignal<Entry<Transfer>>) -> impl IntoView {
    // These fields never change, so they are read once.
    let (id, name, agent) = row.with_untracked(|entry| {
        let transfer = &entry.object;
        let about = format!("{} · {}", transfer.agent_name, labels::transfer_protocol(transfer));
        (transfer.id.inner().to_owned(), format::file_name(&transfer.source), about)
    });
    let read = move |read: fn(&Transfer) -> String| move || row.with(|entry| read(&entry.object));
    let state = Signal::derive(move || row.with(|entry| labels::transfer_state(&entry.object)));
    let is_remarkable = Memo::new(move |_| row.with(|entry| !entry.object.is_progressing()));
    let last_update = Signal::derive(move || row.with(|entry| entry.object.last_progress_at));
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=name.clone() href=href(format!("/transfers/{id}")) />
                <Show when=move || is_remarkable.get()>
                    <Badge state />
                </Show>
                <Ellipsis text=agent class="cell-about" />
            </td>
            <td class="cell-progress" data-label="Progress">
                <div class="progress-line">
                    <Progress
                        label=format!("Progress of {name}")
                        value=Signal::derive(move || row.with(|entry| labels::progress(&entry.object)))
                        tone=Signal::derive(move || state.get().1)
                    />
                    <span class="progress-label">{read(labels::progress_percent)}</span>
                </div>
                <span class="cell-about">{read(labels::amount)}</span>
            </td>
            <td class="cell-number" data-label="Speed">
                {read(labels::speed)}
            </td>
            <td class="cell-number" data-label="Time left">
                {read(labels::time_left)}
            </td>
            <td class="cell-number cell-quiet" data-label="Updated">
                <OptionalTime at=last_update format=TimeFormat::Age />
            </td>
        </tr>
    }
}
