//! The page of an agent: status, health, the last 24 hours, jobs, events and newest transfers, live; rotate its key,
//! revoke it.

mod actions;
mod current_load_and_memory;
mod events;
mod jobs;
mod load_memory_and_heartbeats;
mod load_memory_and_heartbeats_data;
mod waiting_directives;

use leptos::prelude::*;

use self::{
    actions::Actions, current_load_and_memory::Health, events::RecentEvents, jobs::Jobs,
    load_memory_and_heartbeats::LastDay, waiting_directives::Waiting,
};
use super::{heartbeat_dot::HeartbeatDot, id_in_address, pages_of, transfers::TransferTable};
use crate::{
    api::{
        agent_page::HeldForAgent,
        agents::{self, Agent, AgentDetails, AgentStatus},
        transfers::{self, Transfer, TransferFilter},
    },
    base_path::href,
    browser,
    clock::Clock,
    format, labels,
    live::{Admission, Entry, Feed, LiveList},
    pending_first_queries::FirstQueries,
    reactive_query::Fetch,
    ui::{Badge, Card, Copyable, Empty, Fact, Message, ObjectPage, PageHead, Time, WhenLoaded},
};

/// One agent: its status, load, memory and newest transfers.
#[component]
pub(crate) fn AgentPage() -> impl IntoView {
    let id = id_in_address();
    // A change of the id creates the page again.
    move || view! { <OneAgent id=id.get() /> }
}

#[component]
fn OneAgent(id: String) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<Agent>::new(Admission::Listed);
    let asked = id.clone();
    let details = Fetch::new(move || {
        let asked_at = browser::now().0;
        agents::get(&asked).map(move |(agent, details)| {
            list.apply_query(vec![agent], asked_at);
            details
        })
    });
    feed.watch(
        agents::watch(Some(vec![cynic::Id::new(&id)])),
        move |agent| list.apply_update(agent),
        move || details.reload(),
    );
    let ready = move || {
        let id = id.clone();
        list.entry(&id).map(move |entry| {
            let row = RwSignal::from(entry);
            let queries = FirstQueries::provide();
            let held = waiting_directives::follow(id.clone());
            view! {
                <Head row details />
                <WhenLoaded queries rows=12>
                    <Trouble row />
                    <div class="columns">
                        <Details row details held />
                        <Health row />
                    </div>
                    <Waiting held />
                    <LastDay id=id.clone() />
                    <div class="columns">
                        <Jobs id=id.clone() />
                        <RecentEvents row />
                    </div>
                    <NewestTransfers id />
                </WhenLoaded>
            }
        })
    };
    view! {
        <ObjectPage
            noun="Agent"
            parent=("/agents", "Agents")
            missing="This agent does not exist, was revoked, or you do not have access to it."
            stage=Signal::derive(move || details.stage())
            on_retry=move |()| details.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

#[component]
fn Head(row: RwSignal<Entry<Agent>>, details: Fetch<AgentDetails>) -> impl IntoView {
    let state = Signal::derive(move || row.with(|entry| labels::agent_state(&entry.object)));
    let about = move || view! { <span class="with-pulse"><HeartbeatDot row /> <Badge state /></span> };
    let (id, name) = row.with_untracked(|entry| (entry.object.id.inner().to_owned(), entry.object.label().to_owned()));
    view! {
        <PageHead title=name.clone() parent=("/agents", "Agents") about>
            <Actions id name details />
        </PageHead>
    }
}

/// Why the agent is in error.
#[component]
fn Trouble(row: RwSignal<Entry<Agent>>) -> impl IntoView {
    let reason = Memo::new(move |_| {
        row.with(|entry| (entry.object.status == AgentStatus::Error).then(|| entry.object.status_reason.clone()))
    });
    move || {
        reason.get().map(|reason| {
            let text = match reason {
                Some(reason) => format!("The agent reports an error: {reason}"),
                None => "The agent reports an error without a reason. Read its log on the machine.".to_owned(),
            };
            view! { <p class="notice" data-tone="bad" role="alert"><Message text /></p> }
        })
    }
}

#[component]
fn Details(row: RwSignal<Entry<Agent>>, details: Fetch<AgentDetails>, held: Fetch<HeldForAgent>) -> impl IntoView {
    let read = move |read: fn(&Agent) -> String| move || row.with(|entry| read(&entry.object));
    let (id, created_at) = row.with_untracked(|entry| (entry.object.id.inner().to_owned(), entry.object.created_at));
    let reason = Memo::new(move |_| row.with(|entry| entry.object.status_reason.clone()));
    let customer = move || {
        details.read(|details| details.customer.clone()).flatten().map(|customer| {
            view! {
                <Fact name="Customer"><a href=href(format!("/customers/{}", customer.id.inner()))>{customer.name}</a></Fact>
            }
        })
    };
    view! {
        <Card title="Details">
            <dl class="facts">
                <Fact name="Host name">{read(|agent| agent.hostname.clone())}</Fact>
                {move || reason.get().map(|reason| view! { <Fact name="Status reason"><Message text=reason /></Fact> })}
                {customer}
                <Fact name="System">{read(labels::system)}</Fact>
                <Fact name="Client certificate">
                    <Certificate held />
                </Fact>
                <Fact name="IP address">{read(|agent| agent.ip_address.clone().unwrap_or_else(|| "–".to_owned()))}</Fact>
                <Fact name="Registered">
                    <Time at=created_at />
                </Fact>
                <Fact name="Agent id">
                    <Copyable what="agent id" text=id />
                </Fact>
            </dl>
        </Card>
    }
}

/// The time at which the newest client certificate of the agent expires.
#[component]
fn Certificate(held: Fetch<HeldForAgent>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    // `None` until it is known, or if it cannot be queried.
    let newest = Memo::new(move |_| held.read(|held| held.agent_certificates.first().map(|newest| newest.expires_at)));
    let has_expired = Memo::new(move |_| newest.get().flatten().is_some_and(|at| at <= clock.now()));
    move || match newest.get() {
        None => "–".into_any(),
        Some(None) => "None".into_any(),
        Some(Some(at)) => {
            let words = if has_expired.get() { "Expired" } else { "Valid until" };
            view! { <span>{words}</span> <Time at /> }.into_any()
        }
    }
}

/// The newest transfers of the agent.
#[component]
fn NewestTransfers(id: String) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<Transfer>::new(Admission::Listed);
    let address = format!("/transfers?agent={id}");
    let agent = cynic::Id::new(id);
    let watched = agent.clone();
    let totals = Fetch::new(move || {
        let filter = TransferFilter { agent_id: Some(agent.clone()), ..TransferFilter::default() };
        list.fill(transfers::list_some(filter, 10, 1))
    });
    // An update of a transfer that is not in the table means that there is a new transfer.
    let look_for_new = move |transfer: Transfer| {
        if list.entry(transfer.id.inner()).is_none() && transfer.revision <= 2 {
            totals.reload_paced();
        }
    };
    feed.watch(transfers::watch_of_agent(watched), look_for_new, move || totals.reload_paced());
    let summary = move || {
        totals.read(|(total, is_at_least)| {
            let words = format::total((*total).into(), *is_at_least, "transfer");
            let has_more = pages_of(*total, *is_at_least).is_none_or(|pages| pages > 0) && *total > 10;
            has_more.then(|| format!("See all ({words})"))
        })
    };
    let aside = move || {
        let address = address.clone();
        summary().flatten().map(move |words| view! { <a href=href(address)>{words}</a> })
    };
    view! {
        <Card title="Newest transfers" aside>
            <TransferTable
                list
                load=totals
                nothing=|| {
                    view! {
                        <Empty icon="transfers" title="No transfers yet">
                            <p>"Transfers of this agent appear here. Run this command on its machine to make one:"</p>
                            <Copyable what="copy command" text="mftplus-agent copy report.csv /backup/".to_owned() />
                        </Empty>
                    }
                }
            />
        </Card>
    }
}
