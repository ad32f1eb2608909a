//! A labelled input field.

use leptos::prelude::*;

/// An input field. The browser checks `is_required`, `kind` and `bounds` when the form is submitted.
#[component]
pub(crate) fn Field(
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] hint: String,
    #[prop(optional)] autocomplete: &'static str,
    /// The minimum and maximum length of a text; of a number, its minimum and maximum.
    #[prop(optional)]
    bounds: Option<(u32, u32)>,
    #[prop(optional)] is_required: bool,
    #[prop(optional)] is_first: bool,
) -> impl IntoView {
    let (of_number, of_text) = if kind == "number" { (bounds, None) } else { (None, bounds) };
    view! {
        <label class="field">
            <span class="field-label">{label}</span>
            <input
                class="control"
                type=kind
                required=is_required
                autofocus=is_first
                autocomplete=if autocomplete.is_empty() { "off" } else { autocomplete }
                minlength=of_text.map(|(least, _)| least)
                maxlength=of_text.map(|(_, most)| most)
                min=of_number.map(|(least, _)| least)
                max=of_number.map(|(_, most)| most)
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            {(!hint.is_empty()).then(|| view! { <span class="field-hint">{hint}</span> })}
        </label>
    }
}
