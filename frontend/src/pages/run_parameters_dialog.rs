//! The dialog that starts a run of a pipeline, with a field for each parameter.

use leptos::prelude::*;

use crate::{
    api::{pipeline_plan::Plan, pipeline_runs::ParameterInput},
    effect::effect,
    ui::{Field, FormDialog},
    user_action::UserAction,
};

/// The name of a parameter, its default, and its value for this run. The value is a signal without a reactive owner:
/// otherwise the effect that fills the fields would own it, and drop it when the dialog closes, before the fields are
/// shown again.
type Parameter = (String, String, ArcRwSignal<String>);

/// The dialog to start a run. For administrators.
#[component]
pub(super) fn StartDialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// A text that says what the run executes.
    #[prop(into)]
    text: Signal<String>,
    /// The plan, which contains the parameters with their defaults.
    plan: Memo<Option<Plan>>,
    user_action: UserAction,
    /// Starts the run with the parameters that differ from their defaults.
    #[prop(into)]
    on_start: Callback<Vec<ParameterInput>>,
) -> impl IntoView {
    let parameters = RwSignal::new(Vec::<Parameter>::new());
    effect(move || {
        if open.get() {
            let known =
                plan.with_untracked(|plan| plan.as_ref().map(|plan| plan.parameters.clone())).unwrap_or_default();
            let field = |(name, value): (String, String)| (name, value.clone(), ArcRwSignal::new(value));
            parameters.set(known.into_iter().map(field).collect());
        }
    });
    let start = move |()| {
        // Unchanged defaults are not sent.
        let given: Vec<ParameterInput> = parameters.with_untracked(|parameters| {
            let changed = |(name, default, value): &Parameter| {
                let value = value.get_untracked();
                (value != *default).then(|| ParameterInput { name: name.clone(), value })
            };
            parameters.iter().filter_map(changed).collect()
        });
        on_start.run(given);
    };
    let fields = move || {
        let field = |(index, (name, default, value)): (usize, Parameter)| {
            let hint = format!("Default: {default}");
            view! { <Field label=name value=RwSignal::from(value) hint is_first=index == 0 /> }
        };
        parameters.get().into_iter().enumerate().map(field).collect_view()
    };
    view! {
        <FormDialog open title action="Run" user_action on_submit=start>
            <p class="form-text">{move || text.get()}</p>
            {fields}
        </FormDialog>
    }
}
