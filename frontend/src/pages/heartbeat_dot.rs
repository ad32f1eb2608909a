//! The dot beside an agent's status, which pulses with each heartbeat.

use leptos::prelude::*;

use crate::{api::agents::Agent, labels, live::Entry};

/// A dot that pulses once with each heartbeat.
#[component]
pub(super) fn HeartbeatDot(row: RwSignal<Entry<Agent>>) -> impl IntoView {
    let tone = move || row.with(|entry| labels::agent_state(&entry.object).1.name());
    // The same animation has two names, because a change of the name restarts it. There is no animation before the
    // first update.
    let beat = move || {
        row.with(|entry| match (entry.updated_at, entry.object.revision % 2) {
            (None, _) => "none",
            (Some(_), 0) => "even",
            (Some(_), _) => "odd",
        })
    };
    view! { <span class="pulse" data-tone=tone data-beat=beat aria-hidden="true"></span> }
}
