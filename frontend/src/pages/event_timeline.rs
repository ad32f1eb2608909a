//! Events as steps of a timeline, with who caused them and why.

use leptos::prelude::*;

use super::event_actors::Actors;
use crate::{
    api::events::Event,
    base_path::href,
    labels,
    ui::{Message, Time},
};

/// Events as steps of a timeline, in their order. The names of their actors are queried.
#[component]
pub(super) fn EventTimeline(
    /// All events, including those that are not shown.
    lines: RwSignal<Vec<Event>>,
    /// The events that are shown.
    #[prop(into)]
    shown: Signal<Vec<Event>>,
) -> impl IntoView {
    let actors = Actors::follow(lines);
    let step = move |event: Event| {
        let (name, tone) = labels::events::event(&event);
        let why = labels::events::cause(&event).map(str::to_owned);
        let at = event.at;
        let who = move || match labels::events::actor(&event, actors.name(&event)) {
            (name, Some(address)) => view! { <a href=href(address)>{name}</a> }.into_any(),
            (name, None) => name.into_any(),
        };
        view! {
            <li class="timeline-step" data-tone=tone.name()>
                <span class="timeline-name">{name}</span>
                <span class="timeline-at">
                    <Time at /> " by " {who}
                </span>
                {why.map(|why| view! { <span class="timeline-why"><Message text=why /></span> })}
            </li>
        }
    };
    move || shown.get().into_iter().map(step).collect_view()
}
