//! A select element with a search field above it, for more options than a list can show.

use leptos::prelude::*;

use super::Select;
use crate::format;

/// A labelled list of options. A search determines which options are listed; the chosen option is always listed.
#[component]
pub(crate) fn SearchSelect(
    label: &'static str,
    /// The label of the search field.
    search_label: &'static str,
    /// The label of the option without a value.
    none: &'static str,
    /// Whether there are so many options that the search field is needed.
    #[prop(into)]
    is_large: Signal<bool>,
    /// The text that is searched for.
    search: RwSignal<String>,
    /// The options that were found: values with their labels.
    #[prop(into)]
    found: Signal<Vec<(String, String)>>,
    #[prop(into)] chosen: Signal<String>,
    /// The label of the chosen option if it is not in `found`; `None` if the label is not known.
    #[prop(into)]
    chosen_label: Signal<Option<String>>,
    #[prop(into)] on_choose: Callback<String>,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    // The chosen option as it was last found.
    let known = StoredValue::new(None::<(String, String)>);
    let options = move || {
        let (chosen, mut options) = (chosen.get(), found.get());
        match options.iter().find(|(value, _)| *value == chosen) {
            Some(option) => known.set_value(Some(option.clone())),
            None if chosen.is_empty() => {}
            None => {
                let last = known.get_value().filter(|(value, _)| *value == chosen).map(|(_, label)| label);
                let label = last.or_else(|| chosen_label.get()).unwrap_or_else(|| "…".to_owned());
                options.insert(0, (chosen, label));
            }
        }
        options.insert(0, (String::new(), none.to_owned()));
        options
    };
    let count = move || {
        let is_searched = search.with(|search| !search.trim().is_empty());
        is_searched.then(|| format!("{} found", format::count(i64::try_from(found.with(Vec::len)).unwrap_or(i64::MAX))))
    };
    view! {
        <Show when=move || is_large.get()>
            <label class="field">
                <span class="field-label">{search_label}</span>
                <input
                    class="control"
                    type="search"
                    autocomplete="off"
                    prop:value=move || search.get()
                    on:input=move |event| search.set(event_target_value(&event))
                />
                <span class="field-hint" role="status">
                    {count}
                </span>
            </label>
        </Show>
        <Select label options=Signal::derive(options) chosen on_choose problem />
    }
}
