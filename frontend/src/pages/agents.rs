//! The page Agents: search and status in the URL, visible rows live.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use super::{heartbeat_dot::HeartbeatDot, no_agents::NoAgents, page_in_address, pages_of};
use crate::{
    api::agents::{self, Agent, AgentFilter},
    base_path::href,
    browser,
    clock::Clock,
    effect::effect,
    fetch::Fetch,
    format,
    labels::{self, AGENT_STATUSES},
    live::{Admission, Entry, Feed, LiveList},
    session::{Permission, Session},
    ui::{Badge, Column, Ellipsis, Empty, PageHead, Pager, QueryResult, Rows, Select, Table},
};

/// All agents, with search and a filter by status.
#[component]
pub(crate) fn Agents() -> impl IntoView {
    let (session, feed) = (expect_context::<Session>(), expect_context::<Feed>());
    let query = use_query_map();
    let page = page_in_address();
    let asked = Memo::new(move |_| {
        query.with(|query| (query.get("q").unwrap_or_default(), query.get("status").unwrap_or_default()))
    });
    let list = LiveList::<Agent>::new(Admission::Listed);
    let customers = StoredValue::new(std::collections::HashMap::<String, String>::new());
    let totals = Fetch::new(move || {
        let (search, status) = asked.get();
        let filter = AgentFilter {
            status: labels::value_of(&AGENT_STATUSES, &status),
            search: (!search.is_empty()).then_some(search),
        };
        let asked_at = browser::now().0;
        agents::list(filter, page.get()).map(move |page| {
            let owners = page
                .items
                .iter()
                .filter_map(|row| Some((row.agent.id.inner().to_owned(), row.customer.as_ref()?.name.clone())));
            customers.try_update_value(|customers| customers.extend(owners));
            list.apply_query(page.items.into_iter().map(|row| row.agent).collect(), asked_at);
            (page.total, page.total_is_at_least)
        })
    });
    let visible = Memo::new(move |_| list.order());
    effect(move || {
        let ids: Vec<_> = visible.get().into_iter().map(cynic::Id::new).collect();
        if !ids.is_empty() {
            feed.watch(agents::watch(Some(ids)), move |agent| list.apply_update(agent), move || totals.reload());
        }
    });
    let summary = move || {
        totals.read(|(total, is_at_least)| format::total((*total).into(), *is_at_least, "agent")).unwrap_or_default()
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
                    <a class="button" href=href("/agents")>
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
        <PageHead title="Agents" about=summary />
        <Filter asked />
        <div class="card">
            <QueryResult
                stage=Signal::derive(move || totals.stage())
                is_empty
                skeleton_rows=8
                on_retry=move |()| totals.reload()
                nothing
            >
                <Table
                    label="Agents"
                    columns=columns.clone()
                    is_busy=Signal::derive(move || totals.is_busy())
                >
                    <Rows keys=Signal::derive(move || list.order()) row />
                </Table>
            </QueryResult>
            <Pager
                summary=Signal::derive(summary)
                page=page
                pages=Signal::derive(move || totals.read(|(total, is_at_least)| pages_of(*total, *is_at_least)).flatten())
                address=move |page: i32| asked.with(|(search, status)| address(search, status, page))
            />
        </div>
    }
}

fn address(search: &str, status: &str, page: i32) -> String {
    let search: String = js_sys::encode_uri_component(search).into();
    format!("/agents?q={search}&status={status}&page={page}")
}

#[component]
fn Filter(asked: Memo<(String, String)>) -> impl IntoView {
    let navigate = use_navigate();
    let change = Callback::new(move |(search, status): (String, String)| {
        let options = NavigateOptions { replace: true, scroll: false, ..Default::default() };
        navigate(&address(search.trim(), &status, 1), options);
    });
    let any = (String::new(), "Any".to_owned());
    let named = AGENT_STATUSES.iter().map(|(_, word, label)| ((*word).to_owned(), (*label).to_owned()));
    let options: Vec<_> = [any].into_iter().chain(named).collect();
    view! {
        <form class="filters" role="search" aria-label="Filter agents" on:submit=|event| event.prevent_default()>
            <label class="field filters-search">
                <span class="field-label">"Name or host name"</span>
                <input
                    class="control"
                    type="search"
                    prop:value=move || asked.get().0
                    on:change=move |event| change.run((event_target_value(&event), asked.get_untracked().1))
                />
            </label>
            <Select
                label="Status"
                options
                chosen=Signal::derive(move || asked.get().1)
                on_choose=move |status: String| change.run((asked.get_untracked().0, status))
            />
        </form>
    }
}

#[component]
fn Row(row: RwSignal<Entry<Agent>>, owner: Option<String>, label: &'static str) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let read = move |read: fn(&Agent) -> String| move || row.with(|entry| read(&entry.object));
    let id = row.with_untracked(|entry| entry.object.id.inner().to_owned());
    let state = Signal::derive(move || row.with(|entry| labels::agent_state(&entry.object)));
    let heartbeat = move || clock.ago(row.with(|entry| entry.object.last_heartbeat));
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
                {heartbeat}
            </td>
        </tr>
    }
}
