//! The rows of a list.

use leptos::prelude::*;

/// A row for each key, made once and kept as long as its key is there.
#[component]
pub(crate) fn Rows(keys: Signal<Vec<String>>, #[prop(into)] row: Callback<String, AnyView>) -> impl IntoView {
    view! { <For each=move || keys.get() key=|key| key.clone() children=move |key| row.run(key) /> }
}
