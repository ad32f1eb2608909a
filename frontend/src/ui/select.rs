//! A labelled select element.

use leptos::prelude::*;

use super::field::problem_below;

/// A labelled list of options; one of them is chosen.
#[component]
pub(crate) fn Select(
    label: &'static str,
    /// Values with their labels.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    #[prop(into)] chosen: Signal<String>,
    #[prop(into)] on_choose: Callback<String>,
    /// What is wrong with the choice.
    #[prop(optional, into)]
    problem: Signal<Option<String>>,
) -> impl IntoView {
    let (problem_id, below) = problem_below(problem);
    view! {
        <div class="field-box">
            <label class="field">
                <span class="field-label">{label}</span>
                <select
                    class="control"
                    aria-invalid=move || problem.with(Option::is_some).to_string()
                    aria-describedby=move || problem.with(Option::is_some).then(|| problem_id.clone())
                    prop:value=move || {
                        options.track();
                        chosen.get()
                    }
                    on:change=move |event| on_choose.run(event_target_value(&event))
                >
                    {move || {
                        options
                            .get()
                            .into_iter()
                            .map(|(value, name)| {
                                let is_chosen = chosen.get_untracked() == value;
                                view! {
                                    <option value=value selected=is_chosen>
                                        {name}
                                    </option>
                                }
                            })
                            .collect_view()
                    }}
                </select>
            </label>
            {below}
        </div>
    }
}
