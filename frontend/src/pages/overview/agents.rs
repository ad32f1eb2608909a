//! The card with the agents, those that are offline or in error first.

use leptos::prelude::*;

use crate::{
    api::agents::{self, Agent},
    base_path::href,
    browser,
    fleet_totals::FleetTotals,
    format, labels,
    live::{Admission, Entry, Feed, LiveList},
    pages::{heartbeat_dot::HeartbeatDot, no_agents::NoAgents},
    reactive_query::{Fetch, Stage},
    ui::{Card, QueryResult, Rows},
};

/// The maximum number of agents that are shown.
const MOST: u8 = 30;

/// The agents of the fleet, each with its status.
#[component]
pub(crate) fn AgentsCard() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<Agent>::new(Admission::Running(MOST.into()));
    let query = Fetch::new(move || {
        let asked_at = browser::now().0;
        agents::list_troubled_first(MOST).map(move |found| list.apply_query(found, asked_at))
    });
    feed.watch(agents::watch(None), move |agent| list.apply_update(agent), move || query.reload());
    let is_empty = Memo::new(move |_| list.len() == 0);
    // The subscription may add agents before the query ends.
    let stage = move || if is_empty.get() { query.stage() } else { Stage::Ready };
    let totals = expect_context::<FleetTotals>();
    totals.on_agents(move || query.reload_paced());
    let all = move || {
        let total = totals.read(|fleet| fleet.agents.total).filter(|_| list.len() >= usize::from(MOST)).unwrap_or(0);
        format::all_of(list.len(), total.into(), "All agents")
    };
    view! {
        <Card title="Agents" aside=move || view! { <a href=href("/agents")>{all}</a> }.into_any()>
            <QueryResult
                stage=Signal::derive(stage)
                is_empty
                on_retry=move |()| query.reload()
                nothing=|| view! { <NoAgents /> }.into_any()
            >
                <ul class="machines">
                    <Rows
                        keys=Signal::derive(move || list.order())
                        row=move |id: String| list.entry(&id).map(|entry| view! { <AgentItem row=entry.into() /> }).into_any()
                    />
                </ul>
            </QueryResult>
        </Card>
    }
}

#[component]
fn AgentItem(row: RwSignal<Entry<Agent>>) -> impl IntoView {
    let id = row.with_untracked(|entry| entry.object.id.inner().to_owned());
    let read = move |read: fn(&Agent) -> String| move || row.with(|entry| read(&entry.object));
    view! {
        <li class="machine">
            <HeartbeatDot row />
            <a class="cell-title" href=href(format!("/agents/{id}"))>
                {read(|agent| agent.label().to_owned())}
            </a>
            <span class="machine-state">{move || row.with(|entry| labels::agent_state(&entry.object).0)}</span>
            <span class="machine-values">
                "Load " <b>{read(labels::load)}</b> " · " <b>{read(labels::memory)}</b>
            </span>
        </li>
    }
}
