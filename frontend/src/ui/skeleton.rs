//! Skeletons: grey placeholders with the final height, so that the page does not move when the data arrives.

use leptos::prelude::*;

/// The skeleton of table rows.
#[component]
pub(crate) fn SkeletonRows(rows: usize) -> impl IntoView {
    view! {
        <div class="skeleton-rows" aria-hidden="true">
            {(0..rows).map(|_| view! { <div class="skeleton-row"><span></span><span></span><span></span></div> }).collect_view()}
        </div>
        <p class="visually-hidden">"Loading"</p>
    }
}

/// The skeleton of a line of text.
#[component]
pub(crate) fn SkeletonText() -> impl IntoView {
    view! { <span class="skeleton" aria-hidden="true"></span> }
}
