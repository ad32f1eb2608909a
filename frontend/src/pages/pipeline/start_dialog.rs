//! The dialog that runs the current version of a pipeline.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    api::{
        pipeline_plan::Plan,
        pipeline_runs::{self, ParameterInput},
        pipelines::Pipeline,
    },
    pages::run_parameters_dialog::StartDialog,
    user_action::UserAction,
};

/// The dialog to run a pipeline. For administrators.
#[component]
pub(super) fn Start(open: RwSignal<bool>, pipeline: Memo<Pipeline>, plan: Memo<Option<Plan>>) -> impl IntoView {
    let navigate = use_navigate();
    let user_action = UserAction::new();
    let start = move |given: Vec<ParameterInput>| {
        let id = pipeline.with_untracked(|pipeline| pipeline.id.inner().to_owned());
        let navigate = navigate.clone();
        user_action.run(pipeline_runs::start(&id, given), move |run| {
            // Nothing is shown if the user has left the page.
            if open.try_set(false).is_none() {
                navigate(&format!("/pipelines/{id}/runs/{}", run.id.inner()), NavigateOptions::default());
            }
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
    view! {
        <StartDialog open title=Signal::derive(title) text=Signal::derive(text) plan user_action on_start=start />
    }
}
