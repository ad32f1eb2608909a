//! Runs the text of the editor once, without saving it. For administrators.

use leptos::prelude::*;

use super::text_and_selection::Buffer;
use crate::{
    api::{
        pipeline_plan::Plan,
        pipeline_runs::{self, ParameterInput},
        pipelines::Pipeline,
    },
    base_path::href,
    effect::effect,
    pages::run_parameters_dialog::StartDialog,
    session::{Permission, Session},
    user_action::UserAction,
};

/// The text of the dialog.
const ABOUT: &str =
    "It runs the text as it is in the editor. Nothing is saved: the pipeline keeps its version and its schedule.";

/// The state of running the text once. A handle: copies share the same state.
#[derive(Clone, Copy)]
pub(super) struct RunOnce {
    /// Whether the user has asked for the dialog. It opens after the text has been checked.
    is_wanted: RwSignal<bool>,
    /// Whether the dialog is open.
    is_open: RwSignal<bool>,
    /// The address of the run that was started last.
    started: RwSignal<Option<String>>,
}

impl RunOnce {
    /// The state before the first run. A requested dialog opens as soon as the diagnostics belong to the current text
    /// (not `is_stale`), unless the text has errors.
    pub(super) fn new(is_stale: Signal<bool>, has_errors: impl Fn() -> bool + 'static) -> Self {
        let (is_wanted, is_open) = (RwSignal::new(false), RwSignal::new(false));
        effect(move || {
            // The dialog shows the parameters of the text as it is now.
            if is_wanted.get() && !is_stale.get() {
                is_wanted.set(false);
                is_open.set(!has_errors());
            }
        });
        Self { is_wanted, is_open, started: RwSignal::new(None) }
    }
}

/// The button that requests the dialog.
#[component]
pub(super) fn RunOnceButton(
    run_once: RunOnce,
    /// Whether the viewer can run the pipeline now; `None` if the pipeline does not exist yet.
    can_run: Option<bool>,
) -> impl IntoView {
    if !expect_context::<Session>().may(Permission::RunPipeline) {
        return ().into_any();
    }
    let Some(can_run) = can_run else {
        return view! { <p class="form-text">"To run this text once, create the pipeline first."</p> }.into_any();
    };
    let ask = move |_| run_once.is_wanted.set(true);
    view! {
        <button type="button" class="button" disabled=!can_run on:click=ask>
            "Run once…"
        </button>
    }
    .into_any()
}

/// A link to the run that was started last. It opens another tab, since leaving this page loses the text.
#[component]
pub(super) fn RunOnceStatus(run_once: RunOnce) -> impl IntoView {
    let link = |address: String| {
        view! {
            <p class="form-text">
                "A run of this text has started. "
                <a href=href(address) target="_blank" rel="noopener">
                    "Open the run in a new tab"
                </a>
            </p>
        }
    };
    view! {
        <div class="form-actions" role="status" aria-label="Started run">
            {move || run_once.started.get().map(link)}
        </div>
    }
}

/// The dialog that starts the run. It must be outside the form of the editor, because the dialog has its own form, and
/// must not submit that of the editor.
#[component]
pub(super) fn RunOnceDialog(
    run_once: RunOnce,
    pipeline: Pipeline,
    code: Buffer,
    plan: Memo<Option<Plan>>,
) -> impl IntoView {
    let user_action = UserAction::new();
    let Pipeline { id, name, .. } = pipeline;
    let id = StoredValue::new(id.into_inner());
    let start = move |given: Vec<ParameterInput>| {
        let id = id.get_value();
        let request = pipeline_runs::start_draft(&id, given, code.text.get_untracked());
        user_action.run(request, move |run| {
            run_once.is_open.set(false);
            run_once.started.set(Some(format!("/pipelines/{id}/runs/{}", run.id.inner())));
        });
    };
    let title = format!("Run {name} once?");
    view! { <StartDialog open=run_once.is_open title text=ABOUT plan user_action on_start=start /> }
}
