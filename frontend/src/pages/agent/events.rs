//! The card with the recent events of an agent.

use leptos::prelude::*;

use crate::{
    api::{
        agents::Agent,
        events::{self, Event},
    },
    live::Entry,
    pages::event_timeline::EventTimeline,
    reactive_query::Fetch,
    ui::{Card, Empty, QueryResult},
};

/// The number of events that are shown.
const SHOWN: usize = 8;

/// The newest events about an agent, newest first.
#[component]
pub(super) fn RecentEvents(row: RwSignal<Entry<Agent>>) -> impl IntoView {
    let id = row.with_untracked(|entry| entry.object.id.inner().to_owned());
    let lines = RwSignal::new(Vec::<Event>::new());
    let found = Fetch::new(move || {
        events::list_of(&id).map(move |events| {
            lines.try_set(events);
        })
    });
    let changed = Memo::new(move |_| row.with(|entry| (entry.object.status, entry.object.status_reason.clone())));
    Effect::watch(move || changed.get(), move |_, _, _| found.reload(), false);
    let newest = Signal::derive(move || lines.with(|lines| lines.iter().take(SHOWN).cloned().collect::<Vec<_>>()));
    view! {
        <Card title="Recent events">
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Memo::new(move |_| lines.with(Vec::is_empty))
                skeleton_rows=4
                on_retry=move |()| found.reload()
                nothing=|| view! { <Empty icon="activity" title="No events in the last 30 days" /> }
            >
                <ol class="timeline">
                    <EventTimeline lines shown=newest />
                </ol>
            </QueryResult>
        </Card>
    }
}
