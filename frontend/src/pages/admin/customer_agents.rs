//! The card with the agents of a customer, live.

use leptos::prelude::*;

use crate::{
    api::agents::{self, Agent, AgentFilter},
    base_path::href,
    effect::effect,
    fleet_totals::FleetTotals,
    format, labels,
    live::{Admission, Entry, Feed, LiveList},
    pages::heartbeat_dot::HeartbeatDot,
    reactive_query::Fetch,
    ui::{Badge, Card, Column, Ellipsis, Empty, QueryResult, Rows, Table, Time, TimeFormat},
};

/// The maximum number of agents that are shown.
const MOST: i32 = 100;

/// The columns of the table.
const COLUMNS: [Column; 4] = [
    Column::text("Agent", 44),
    Column::text("Status", 18),
    Column::number("Load", 14),
    Column::number("Last heartbeat", 24),
];

/// The newest agents of a customer.
#[component]
pub(super) fn CustomerAgents(customer: String) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<Agent>::new(Admission::Listed);
    let first = href(format!("/agents/new?customer={customer}"));
    let found = Fetch::new(move || {
        let filter = AgentFilter { customer_id: Some(cynic::Id::new(&customer)), ..AgentFilter::default() };
        list.fill(agents::list_some(filter, MOST, 1).map(|page| page.map(|row| row.agent)))
    });
    expect_context::<FleetTotals>().on_agents(move || found.reload_paced());
    let visible = Memo::new(move |_| list.order());
    effect(move || {
        let ids: Vec<_> = visible.get().into_iter().map(cynic::Id::new).collect();
        if !ids.is_empty() {
            feed.watch(agents::watch(Some(ids)), move |agent| list.apply_update(agent), move || found.reload());
        }
    });
    let summary = move || {
        found.read(|(total, is_at_least)| {
            let all = format::total((*total).into(), *is_at_least, "agent");
            if *total > MOST { format!("{all}, the newest {MOST} are shown") } else { all }
        })
    };
    let nothing = move || {
        let first = first.clone();
        view! {
            <Empty icon="agents" title="This customer has no agents">
                <a class="button" href=first>
                    "Add the first agent"
                </a>
            </Empty>
        }
        .into_any()
    };
    view! {
        <Card title="Agents" aside=summary>
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Memo::new(move |_| list.len() == 0)
                skeleton_rows=3
                on_retry=move |()| found.reload()
                nothing
            >
                <Table label="Agents" columns=COLUMNS.to_vec()>
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
fn Row(row: RwSignal<Entry<Agent>>) -> impl IntoView {
    let id = row.with_untracked(|entry| entry.object.id.inner().to_owned());
    let name = Signal::derive(move || row.with(|entry| entry.object.label().to_owned()));
    let state = Signal::derive(move || row.with(|entry| labels::agent_state(&entry.object)));
    let heartbeat = Signal::derive(move || row.with(|entry| entry.object.last_heartbeat));
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=name href=href(format!("/agents/{id}")) />
            </td>
            <td class="cell-status" data-label="Status">
                <span class="with-pulse">
                    <HeartbeatDot row />
                    <Badge state />
                </span>
            </td>
            <td class="cell-number" data-label="Load">
                {move || row.with(|entry| labels::load(&entry.object))}
            </td>
            <td class="cell-number cell-quiet" data-label="Last heartbeat">
                <Time at=heartbeat format=TimeFormat::Age />
            </td>
        </tr>
    }
}
