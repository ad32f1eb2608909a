//! The empty state of a list of agents: where the first agent is added.

use leptos::prelude::*;

use crate::{base_path::href, ui::Empty};

/// The link to the page that adds an agent.
#[component]
pub(super) fn NoAgents() -> impl IntoView {
    view! {
        <Empty icon="agents" title="No agents yet">
            <p>"An agent is a program on a machine that sends or receives files."</p>
            <a class="button button-primary" href=href("/agents/new")>
                "Add the first agent"
            </a>
        </Empty>
    }
}
