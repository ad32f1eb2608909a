//! The next run of a job or a pipeline.

use leptos::prelude::*;

use crate::{clock::Clock, format, time::Instant};

/// The time of the next run, and the time until then.
#[component]
pub(super) fn NextRun(next: Signal<Option<Instant>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let next = Memo::new(move |_| next.get());
    move || match next.get() {
        Some(at) => view! {
            {clock.moment(at)}
            <span class="cell-about">{move || format::ahead(at.seconds_since(clock.now()))}</span>
        }
        .into_any(),
        None => "–".into_any(),
    }
}
