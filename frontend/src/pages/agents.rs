//! The page Agents: search and status in the URL, visible rows live.

use leptos::prelude::*;

use super::{
    export::ExportMenu,
    heartbeat_dot::HeartbeatDot,
    list_card::{ListCard, Listed, freeze},
    list_url_parameters::{ListQuery, api_path},
    no_agents::NoAgents,
    saved_views_menu::SavedViewsMenu,
    search_field::SearchField,
};
use crate::{
    api::agents::{self, Agent, AgentFilter},
    base_path::href,
    effect::effect,
    fleet_totals::FleetTotals,
    labels::{self, AGENT_STATUSES},
    live::{Admission, Entry, Feed, LiveList},
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{Badge, Column, Ellipsis, Empty, PageHead, Rows, Select, Time, TimeFormat},
};

/// All agents, with search and a filter by status.
#[component]
pub(crate) fn Agents() -> impl IntoView {
    let (session, feed) = (expect_context::<Session>(), expect_context::<Feed>());
    let query = ListQuery::of("/agents", 100);
    let asked = Memo::new(move |_| (query.get("q").unwrap_or_default(), query.get("status").unwrap_or_default()));
    let list = LiveList::<Agent>::new(Admission::Listed);
    let customers = StoredValue::new(std::collections::HashMap::<String, String>::new());
    let totals = Fetch::new(move || {
        let (search, status) = asked.get();
        let filter = AgentFilter {
            status: labels::value_of(&AGENT_STATUSES, &status),
            search: (!search.is_empty()).then_some(search),
            ..AgentFilter::default()
        };
        let found = agents::list_some(filter, query.rows.get(), query.page.get()).map(move |page| {
            let owners = page
                .items
                .iter()
                .filter_map(|row| Some((row.agent.id.inner().to_owned(), row.customer.as_ref()?.name.clone())));
            customers.try_update_value(|customers| customers.extend(owners));
            page.map(|row| row.agent)
        });
        list.fill(found)
    });
    expect_context::<FleetTotals>().on_agents(move || totals.reload_paced());
    let visible = Memo::new(move |_| list.order());
    effect(move || {
        let ids: Vec<_> = visible.get().into_iter().map(cynic::Id::new).collect();
        if !ids.is_empty() {
            feed.watch(agents::watch(Some(ids)), move |agent| list.apply_update(agent), move || totals.reload());
        }
    });
    let listed = Listed::of(totals, |total| *total);
    let paths = move |()| {
        let (search, status) = asked.get();
        vec![api_path("/api/agents", &[("search", search), ("status", status)])]
    };
    let is_filtered = move || asked.with(|(search, status)| !search.is_empty() || !status.is_empty());
    let is_empty = Memo::new(move |_| list.len() == 0);
    let has_customers = session.may(Permission::ListCustomers);
    let label = if has_customers { "Customer" } else { "IP address" };
    let columns = vec![
        Column::text("Agent", 26),
        Column::text("Status", 12),
        Column::text(label, 14),
        Column::text("System", 18).late(),
        Column::number("Load", 8),
        Column::number("Memory", 10),
        Column::number("Last heartbeat", 12),
    ];
    let nothing = move || {
        if is_filtered() {
            view! {
                <Empty icon="search" title="No agents match these filters">
                    <a class="button" href=move || href(query.clear_address())>
                        "Clear filters"
                    </a>
                </Empty>
            }
            .into_any()
        } else {
            view! { <NoAgents /> }.into_any()
        }
    };
    let row = move |id: String| {
        let owner = customers.with_value(|customers| customers.get(&id).cloned()).filter(|_| has_customers);
        list.entry(&id).map(|entry| view! { <Row row=entry.into() owner label /> }).into_any()
    };
    view! {
        <PageHead title="Agents" />
        <Filter query asked />
        <div class="card">
            <ListCard
                query
                listed
                label="Agents"
                noun="agent"
                columns
                freeze=freeze(list)
                is_empty
                tools=move || view! { <SavedViewsMenu query noun="agents" /> <ExportMenu paths /> }
                nothing
            >
                <Rows keys=Signal::derive(move || list.order()) row />
            </ListCard>
        </div>
    }
}

#[component]
fn Filter(query: ListQuery, asked: Memo<(String, String)>) -> impl IntoView {
    let any = (String::new(), "Any".to_owned());
    let named = AGENT_STATUSES.iter().map(|(_, word, label)| ((*word).to_owned(), (*label).to_owned()));
    let options: Vec<_> = [any].into_iter().chain(named).collect();
    view! {
        <form class="filters" role="search" aria-label="Filter agents" on:submit=|event| event.prevent_default()>
            <SearchField query label="Name or host name" />
            <Select
                label="Status"
                options
                chosen=Signal::derive(move || asked.get().1)
                on_choose=move |status: String| query.change([("status", status)])
            />
        </form>
    }
}

#[component]
fn Row(row: RwSignal<Entry<Agent>>, owner: Option<String>, label: &'static str) -> impl IntoView {
    let read = move |read: fn(&Agent) -> String| move || row.with(|entry| read(&entry.object));
    let id = row.with_untracked(|entry| entry.object.id.inner().to_owned());
    let state = Signal::derive(move || row.with(|entry| labels::agent_state(&entry.object)));
    let heartbeat = Signal::derive(move || row.with(|entry| entry.object.last_heartbeat));
    let customer_or_address = move || match &owner {
        Some(owner) => owner.clone(),
        None => row.with(|entry| entry.object.ip_address.clone()).unwrap_or_else(|| "–".to_owned()),
    };
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis
                    text=Signal::derive(read(|agent| agent.label().to_owned()))
                    href=href(format!("/agents/{id}"))
                />
                <Ellipsis text=Signal::derive(read(|agent| agent.hostname.clone())) class="cell-about" />
            </td>
            <td class="cell-status" data-label="Status">
                <span class="with-pulse">
                    <HeartbeatDot row />
                    <Badge state />
                </span>
            </td>
            <td data-label=label>
                <Ellipsis text=Signal::derive(customer_or_address) class="cell-text" />
            </td>
            <td data-label="System">
                <Ellipsis text=Signal::derive(read(labels::system)) class="cell-text" />
            </td>
            <td class="cell-number" data-label="Load">
                {read(labels::load)}
            </td>
            <td class="cell-number" data-label="Memory">
                {read(labels::memory)}
            </td>
            <td class="cell-number cell-quiet" data-label="Last heartbeat">
                <Time at=heartbeat format=TimeFormat::Age />
            </td>
        </tr>
    }
}
