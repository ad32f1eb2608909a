//! A card: a section of a page with a heading.

use leptos::prelude::*;

/// A card.
#[component]
pub(crate) fn Card(
    /// The heading.
    title: &'static str,
    /// The content beside the heading.
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
