//! The empty state of a list of agents: how to register the first agent.

use leptos::prelude::*;

use crate::{base_path::href, session::Session, ui::Empty};

/// The steps to register the first agent.
#[component]
pub(super) fn NoAgents() -> impl IntoView {
    let viewer = expect_context::<Session>().viewer();
    let codes = match viewer.and_then(|viewer| viewer.customer_id) {
        Some(id) => view! { <a href=href(format!("/customers/{id}"))>"Create an enrolment code"</a> },
        None => view! { <a href=href("/customers")>"Choose a customer and create an enrolment code"</a> },
    };
    view! {
        <Empty icon="agents" title="No agents yet">
            <p>{codes} ", then run the command that is shown with it on the machine that sends or receives files."</p>
        </Empty>
    }
}
