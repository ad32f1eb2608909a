//! The card with the directives that wait for an agent.

use leptos::prelude::*;

use crate::{
    api::agent_page::{self, HeldForAgent, WaitingDirective},
    base_path::href,
    clock::Clock,
    format, labels,
    reactive_query::Fetch,
    ui::{Card, Time, TimeFormat},
};

/// The number of directives that are shown.
const SHOWN: usize = 10;
/// The number of seconds after which the directives are queried again.
const INTERVAL: i64 = 10;

/// Queries the directives and certificates of an agent, and repeats this every [`INTERVAL`] seconds.
pub(super) fn follow(id: String) -> Fetch<HeldForAgent> {
    let held = Fetch::new(move || agent_page::held_for(&id));
    let interval = expect_context::<Clock>().every(INTERVAL);
    Effect::watch(move || interval.get(), move |_, _, _| held.reload(), false);
    held
}

/// The card with the oldest directives that wait for the agent; empty if there are none.
#[component]
pub(super) fn Waiting(held: Fetch<HeldForAgent>) -> impl IntoView {
    let directives = Memo::new(move |_| held.read(|held| held.agent_directives.clone()).unwrap_or_default());
    let line = |directive: WaitingDirective| {
        let what = labels::directive(&directive.kind);
        let address = match (directive.job_id, directive.transfer_id) {
            (Some(job), _) => Some(format!("/jobs/{}", job.inner())),
            (_, Some(transfer)) => Some(format!("/transfers/{}", transfer.inner())),
            (None, None) => None,
        };
        let what = match address {
            Some(address) => view! { <a href=href(address)>{what}</a> }.into_any(),
            None => what.into_any(),
        };
        view! {
            <li class="timeline-step">
                <span class="timeline-name">{what}</span>
                <span class="timeline-at">
                    "Since " <Time at=directive.created_at /> ", expires " <Time
                        at=directive.expires_at
                        format=TimeFormat::Relative
                    />
                </span>
            </li>
        }
    };
    let count = move || {
        let count = i64::try_from(directives.with(Vec::len)).unwrap_or(i64::MAX);
        format::counted(count, "directive")
    };
    let has_any = Memo::new(move |_| directives.with(|directives| !directives.is_empty()));
    view! {
        <Show when=move || has_any.get()>
            <Card title="Waiting for the agent" aside=count>
                <ol class="timeline">
                    {move || directives.get().into_iter().take(SHOWN).map(line).collect_view()}
                </ol>
            </Card>
        </Show>
    }
}
