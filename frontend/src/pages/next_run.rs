//! The next run of a job or a pipeline.

use leptos::prelude::*;

use crate::{browser, clock::Clock, format, time::Instant, zone};

/// The day and time of the next run in the zone that the user has chosen, and the time until then.
#[component]
pub(super) fn NextRun(next: Signal<Option<Instant>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let next = Memo::new(move |_| next.get());
    move || match next.get() {
        Some(at) => {
            let offset = zone::offset(at);
            view! {
                {format::coming_minute(at, browser::now(), offset)}
                <span class="cell-about">
                    {format::zone(offset)} ", " {move || format::ahead(at.seconds_since(clock.now()))}
                </span>
            }
            .into_any()
        }
        None => "–".into_any(),
    }
}
