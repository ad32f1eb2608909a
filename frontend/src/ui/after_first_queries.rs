//! A part of a page that is shown when its first queries have ended.

use leptos::prelude::*;

use super::SkeletonRows;
use crate::pending_first_queries::FirstQueries;

/// A skeleton until the queries have ended, then the children.
#[component]
pub(crate) fn WhenLoaded(
    queries: FirstQueries,
    /// The number of rows of the skeleton.
    rows: usize,
    children: Children,
) -> impl IntoView {
    let is_waiting = move || !queries.is_over();
    view! {
        <Show when=is_waiting>
            <div class="card">
                <SkeletonRows rows />
            </div>
        </Show>
        <div class="loaded" hidden=is_waiting>
            {children()}
        </div>
    }
}
