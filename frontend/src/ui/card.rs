//! A titled part of a page.

use leptos::prelude::*;

/// A section with a heading, and what belongs beside the heading.
#[component]
pub(crate) fn Card(
    /// The heading.
    title: &'static str,
    /// What stands at the end of the heading's line.
    #[prop(optional, into)]
    aside: ViewFn,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card" aria-label=title>
            <header class="card-head">
                <h2>{title}</h2>
                <div class="card-aside">{move || aside.run()}</div>
            </header>
            {children()}
        </section>
    }
}
