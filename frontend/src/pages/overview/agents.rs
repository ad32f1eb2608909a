//! The agents, each with its pulse.

use leptos::prelude::*;

use crate::{
    api::agents::{self, Agent, AgentFilter},
    base_path::href,
    browser,
    fetch::{Fetch, Stage},
    labels,
    live::{Admission, Feed, Mirror, Seen},
    pages::{heartbeat::Pulse, no_agents::NoAgents},
    ui::{Card, Loaded, Rows},
};

/// How many are shown at most.
const MOST: usize = 30;

/// The card of agents.
#[component]
pub(super) fn Machines() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let board = Mirror::<Agent>::new(Admission::Running(MOST));
    let query = Fetch::new(move || {
        let asked_at = browser::now().0;
        agents::list_some(AgentFilter::default(), 30, 1)
            .map(move |page| board.answer(page.items.into_iter().map(|row| row.agent).collect(), asked_at))
    });
    feed.watch(agents::watch(None), move |agent| board.frame(agent), move || query.reload());
    let is_empty = Memo::new(move |_| board.len() == 0);
    // The stream alone may have brought some already.
    let stage = move || if is_empty.get() { query.stage() } else { Stage::Ready };
    view! {
        <Card title="Agents" aside=|| view! { <a href=href("/agents")>"All agents"</a> }.into_any()>
            <Loaded
                stage=Signal::derive(stage)
                is_empty
                on_retry=move |()| query.reload()
                nothing=|| view! { <NoAgents /> }.into_any()
            >
                <ul class="machines">
                    <Rows
                        keys=Signal::derive(move || board.order())
                        row=move |id: String| board.cell(&id).map(|cell| view! { <Machine row=cell.into() /> }).into_any()
                    />
                </ul>
            </Loaded>
        </Card>
    }
}

#[component]
fn Machine(row: RwSignal<Seen<Agent>>) -> impl IntoView {
    let id = row.with_untracked(|seen| seen.object.id.inner().to_owned());
    let read = move |read: fn(&Agent) -> String| move || row.with(|seen| read(&seen.object));
    view! {
        <li class="machine">
            <Pulse row />
            <a class="cell-title" href=href(format!("/agents/{id}"))>
                {read(|agent| agent.label().to_owned())}
            </a>
            <span class="machine-state">{move || row.with(|seen| labels::agent_state(&seen.object).0)}</span>
            <span class="machine-figures">
                "Load " <b>{read(labels::load)}</b> " · " <b>{read(labels::memory)}</b>
            </span>
        </li>
    }
}
