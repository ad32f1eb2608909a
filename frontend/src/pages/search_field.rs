//! The search field of a list. It changes the parameter `q` of the URL when the user stops typing.

use leptos::prelude::*;

use super::list_url_parameters::ListQuery;
use crate::effect::{debounced, effect};

/// A search field. Texts with fewer than `least` characters are not searched for.
#[component]
pub(super) fn SearchField(query: ListQuery, label: &'static str, #[prop(default = 1)] least: usize) -> impl IntoView {
    let asked = Memo::new(move |_| query.get("q").unwrap_or_default());
    let typed = RwSignal::new(asked.get_untracked());
    // The search text that this field has last written to the URL or read from it.
    let known = StoredValue::new(asked.get_untracked());
    let settled = debounced(typed);
    effect(move || {
        let text = settled.with(|text| text.trim().to_owned());
        let is_enough = text.is_empty() || text.chars().count() >= least;
        if is_enough && asked.with_untracked(|asked| *asked != text) {
            known.set_value(text.clone());
            query.change([("q", text)]);
        }
    });
    effect(move || {
        let asked = asked.get();
        if known.get_value() != asked {
            known.set_value(asked.clone());
            typed.set(asked);
        }
    });
    let hint = move || {
        let length = typed.with(|text| text.trim().chars().count());
        (1..least).contains(&length).then(|| format!(" (at least {least} characters)"))
    };
    view! {
        <label class="field filters-search">
            <span class="field-label">{label} {hint}</span>
            <input
                class="control"
                type="search"
                prop:value=move || typed.get()
                on:input=move |event| typed.set(event_target_value(&event))
            />
        </label>
    }
}
