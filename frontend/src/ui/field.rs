//! A labelled input field with its error message.

use std::sync::atomic::{AtomicU32, Ordering};

use leptos::prelude::*;

use super::Message;

/// The error message below a field. Returns its element id, for the field's `aria-describedby`, and its view.
pub(super) fn problem_below(problem: Signal<Option<String>>) -> (String, impl IntoView) {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let id = format!("problem-{}", LAST.fetch_add(1, Ordering::Relaxed));
    let own = id.clone();
    let line = move || {
        problem.get().map(|text| {
            view! {
                <p class="field-problem" id=own.clone()>
                    <Message text />
                </p>
            }
        })
    };
    (id, line)
}

/// An input field. The browser checks `is_required`, `kind` and `bounds` when the form is submitted.
#[component]
pub(crate) fn Field(
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] hint: String,
    #[prop(optional)] autocomplete: &'static str,
    /// The minimum and maximum length of a text, or the minimum and maximum of a number. There are no bounds if the
    /// maximum is 0.
    #[prop(optional)]
    bounds: (u32, u32),
    #[prop(optional)] is_required: bool,
    #[prop(optional)] is_first: bool,
    /// What is wrong with the value; `None` if it is fine.
    #[prop(optional, into)]
    problem: Signal<Option<String>>,
) -> impl IntoView {
    let bounds = (bounds.1 > 0).then_some(bounds);
    let (of_number, of_text) = if kind == "number" { (bounds, None) } else { (None, bounds) };
    let (problem_id, below) = problem_below(problem);
    view! {
        <div class="field-box">
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
                    aria-invalid=move || problem.with(Option::is_some).to_string()
                    aria-describedby=move || problem.with(Option::is_some).then(|| problem_id.clone())
                    prop:value=move || value.get()
                    on:input=move |event| value.set(event_target_value(&event))
                />
                {(!hint.is_empty()).then(|| view! { <span class="field-hint">{hint}</span> })}
            </label>
            {below}
        </div>
    }
}
