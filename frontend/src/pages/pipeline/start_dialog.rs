//! The dialog that runs a pipeline, with a field for each parameter.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    api::{
        pipeline_runs::{self, ParameterInput},
        pipelines::Pipeline,
        plan::Plan,
    },
    effect::effect,
    ui::{Field, FormDialog},
    user_action::UserAction,
};

/// The name of a parameter, its default, and its value for this run.
type Parameter = (String, String, RwSignal<String>);

/// The dialog to run a pipeline. For administrators.
#[component]
pub(super) fn Start(open: RwSignal<bool>, pipeline: Memo<Pipeline>, plan: Memo<Option<Plan>>) -> impl IntoView {
    let navigate = use_navigate();
    let user_action = UserAction::new();
    let parameters = RwSignal::new(Vec::<Parameter>::new());
    effect(move || {
        if open.get() {
            let known =
                plan.with_untracked(|plan| plan.as_ref().map(|plan| plan.parameters.clone())).unwrap_or_default();
            let field = |(name, value): (String, String)| (name, value.clone(), RwSignal::new(value));
            parameters.set(known.into_iter().map(field).collect());
        }
    });
    let start = move |()| {
        // Unchanged defaults are not sent.
        let given = parameters.with_untracked(|parameters| {
            let changed = |(name, default, value): &Parameter| {
                let value = value.get_untracked();
                (value != *default).then(|| ParameterInput { name: name.clone(), value })
            };
            parameters.iter().filter_map(changed).collect()
        });
        let id = pipeline.with_untracked(|pipeline| pipeline.id.inner().to_owned());
        let navigate = navigate.clone();
        user_action.run(pipeline_runs::start(&id, given), move |run| {
            open.set(false);
            navigate(&format!("/pipelines/{id}/runs/{}", run.id.inner()), NavigateOptions::default());
        });
    };
    let title = move || pipeline.with(|pipeline| format!("Run {}?", pipeline.name));
    let text = move || {
        let version = pipeline.with(|pipeline| pipeline.version);
        let steps = crate::format::counted(
            i64::try_from(plan.with(|plan| plan.as_ref().map_or(0, |plan| plan.steps.len()))).unwrap_or_default(),
            "step",
        );
        format!("It runs version {version} with {steps}. Later changes do not affect this run.")
    };
    let fields = move || {
        let field = |(index, (name, default, value)): (usize, Parameter)| {
            let hint = format!("Default: {default}");
            view! { <Field label=name value hint is_first=index == 0 /> }
        };
        parameters.get().into_iter().enumerate().map(field).collect_view()
    };
    view! {
        <FormDialog open title=Signal::derive(title) action="Run" user_action on_submit=start>
            <p class="form-text">{text}</p>
            {fields}
        </FormDialog>
    }
}
