//! Keyed rows of a list.

use leptos::prelude::*;

/// One row per key. A row is created once and stays as long as its key is in the list.
#[component]
pub(crate) fn Rows(keys: Signal<Vec<String>>, #[prop(into)] row: Callback<String, AnyView>) -> impl IntoView {
    view! { <For each=move || keys.get() key=|key| key.clone() children=move |key| row.run(key) /> }
}
