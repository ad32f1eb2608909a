//! The pages that create and edit a pipeline: the text of its definition, with diagnostics and the plan while the user
//! types.

mod code_area;
mod completion;
mod conflict;
mod definition_card;
mod diagnostic_list;
mod fields;
mod format;
mod format_button;
mod highlight;
mod run_once;
#[cfg(test)]
mod test_grammar_and_caret;
mod text_and_selection;
mod text_edits;
mod yaml_context;
mod yaml_key_help;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use self::{
    conflict::Conflict,
    definition_card::Definition,
    diagnostic_list::{first_error, summary},
    fields::{Draft, Fields},
    run_once::{RunOnce, RunOnceButton, RunOnceDialog, RunOnceStatus},
    text_and_selection::Buffer,
};
use super::{
    id_in_address,
    leave_warning::LeaveWarning,
    pipeline_plan_cards::{Schedule, Steps},
};
use crate::{
    api::{
        definition_dry_run_and_schema::{self, Diagnostic, Severity},
        pipeline_plan::Plan,
        pipelines::{self, Pipeline},
    },
    base_path::href,
    effect::{debounced, effect},
    lazy::{lazy_part, part, prepare_part},
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{Notice, ObjectPage, PageHead, Toasts},
    user_action::UserAction,
};

/// The initial text of a new definition.
const BEGINNING: &str = "\
# Copies one file. Add steps, a schedule or parameters: Ctrl+Space lists the allowed keys.
# A source or destination may be a URL such as sftp://partner/out/*.csv, whose host may be an endpoint of the agent.
source: /data/outgoing/orders.csv
destination: /data/incoming/
";

part! { definition: load_definition(Definition) => definition_card::show }

/// Begins to load the code of the card with the text, because the editor shows this card at once.
pub(super) fn prepare() {
    prepare_part(load_definition());
}

/// The page that creates a pipeline.
#[component]
pub(crate) fn NewPipeline() -> impl IntoView {
    view! {
        <PageHead title="New pipeline" parent=("/pipelines", "Pipelines") />
        <Editor />
    }
}

/// The page that edits a pipeline.
#[component]
pub(crate) fn EditPipeline() -> impl IntoView {
    let id = id_in_address();
    let found = Fetch::new(move || pipelines::get(&id.get()));
    let ready = move || {
        found.read(|pipeline| {
            let title = format!("Edit {}", pipeline.name);
            if !pipeline.viewer_can_update {
                let about = || "You are not allowed to change this pipeline.";
                return view! { <PageHead title parent=("/pipelines", "Pipelines") about /> }.into_any();
            }
            view! {
                <PageHead title parent=("/pipelines", "Pipelines") />
                <Editor pipeline=pipeline.clone() />
            }
            .into_any()
        })
    };
    view! {
        <ObjectPage
            noun="Pipeline"
            parent=("/pipelines", "Pipelines")
            missing="This pipeline does not exist, was deleted, or you do not have access to it."
            stage=Signal::derive(move || found.stage())
            on_retry=move |()| found.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

/// The editor of a pipeline. It edits `pipeline`, or creates a new one if none is given.
#[component]
fn Editor(#[prop(optional, into)] pipeline: Option<Pipeline>) -> impl IntoView {
    let chooses_customer = expect_context::<Session>().may(Permission::ListCustomers);
    let draft = pipeline.as_ref().map_or_else(Draft::new, Draft::of);
    let code = Buffer::new(pipeline.as_ref().map_or_else(|| BEGINNING.to_owned(), |pipeline| pipeline.yaml.clone()));
    let written = debounced(code.text);
    let owner =
        Signal::derive(move || Some(draft.customer.get()).filter(|owner| chooses_customer && !owner.is_empty()));
    let verdict =
        Fetch::new(move || definition_dry_run_and_schema::dry_run(written.get(), owner.get().map(cynic::Id::new)));
    let problems = Memo::new(move |_| verdict.read(|verdict| verdict.diagnostics.clone()).unwrap_or_default());
    // While the text has errors, the last plan is kept.
    let plan = Memo::new(move |last: Option<&Option<Plan>>| {
        let plan = verdict.read(|verdict| verdict.valid.then(|| verdict.plan.clone())).flatten();
        plan.or_else(|| last.cloned().flatten())
    });
    let is_stale =
        Signal::derive(move || verdict.is_busy() || code.text.with(|text| written.with(|seen| seen != text)));
    let errors = Memo::new(move |_| {
        let errors =
            |problems: &Vec<Diagnostic>| problems.iter().filter(|found| found.severity == Severity::Error).count();
        problems.with(errors)
    });
    let note = move || {
        (errors.get() > 0 && plan.with(Option::is_some))
            .then(|| view! { <span class="cell-quiet">"Based on the last text without errors"</span> })
    };
    view! {
        <EditorForm pipeline draft code plan problems is_stale>
            <div class="editor">
                {lazy_part(load_definition(), Definition { code, problems, verdict, is_stale, owner })}
                <div class="editor-meaning">
                    <Steps plan verdict aside=note on_open=move |step: String| code.go_to_step(&step) />
                    <Schedule plan verdict />
                </div>
            </div>
        </EditorForm>
    }
}

/// The form around the editor: saving, its outcome, conflicts with other users, and running without saving.
#[component]
fn EditorForm(
    pipeline: Option<Pipeline>,
    draft: Draft,
    code: Buffer,
    plan: Memo<Option<Plan>>,
    problems: Memo<Vec<Diagnostic>>,
    /// Whether the diagnostics are those of an earlier text.
    is_stale: Signal<bool>,
    children: Children,
) -> impl IntoView {
    let (navigate, toasts) = (use_navigate(), expect_context::<Toasts>());
    let user_action = UserAction::new();
    let is_new = pipeline.is_none();
    // The pipeline as it was last saved or loaded.
    let saved = StoredValue::new(pipeline.clone());
    let first = code.text.get_untracked();
    let is_unsaved = RwSignal::new(false);
    effect(move || is_unsaved.set(draft.differs(saved.get_value().as_ref()) || code.text.with(|text| *text != first)));
    let blocked = RwSignal::new(None::<String>);
    // Not after the user has left the page while it was saving.
    let done = Callback::new(move |pipeline: Pipeline| {
        is_unsaved.set(false);
        navigate(&format!("/pipelines/{}", pipeline.id.inner()), NavigateOptions::default());
    });
    let replace = Callback::new(move |(pipeline, expected): (Pipeline, i32)| {
        let yaml = code.text.get_untracked();
        user_action.run(pipelines::replace(pipeline.id.inner(), yaml, expected), move |replaced| {
            toasts.success(format!("Saved as version {}.", replaced.version));
            done.try_run(replaced);
        });
    });
    let save = move || {
        let Some(pipeline) = saved.get_value() else {
            let input = draft.for_create(code.text.get_untracked());
            return user_action.run(pipelines::create(input), move |created| {
                toasts.success(format!("{} was created.", created.name));
                done.try_run(created);
            });
        };
        let is_same_text = code.text.with_untracked(|text| *text == pipeline.yaml);
        match (draft.differs(Some(&pipeline)), is_same_text) {
            (false, true) => {
                toasts.success("Nothing has changed, so there is no new version.".to_owned());
                done.run(pipeline);
            }
            (false, false) => replace.run((pipeline.clone(), pipeline.version)),
            (true, is_same_text) => {
                let request = pipelines::describe(pipeline.id.inner(), draft.for_update());
                user_action.run(request, move |described| {
                    if is_same_text {
                        toasts.success("Saved. The text is the same, so there is no new version.".to_owned());
                        done.try_run(described);
                    } else {
                        saved.set_value(Some(Pipeline {
                            yaml: pipeline.yaml,
                            version: pipeline.version,
                            ..described.clone()
                        }));
                        // Saving continues in the next turn, because the current action must end before another one can
                        // start.
                        let next = move || {
                            replace.try_run((described, pipeline.version));
                        };
                        set_timeout(next, std::time::Duration::ZERO);
                    }
                });
            }
        }
    };
    // Goes to the first error of the text, if there is one.
    let has_errors = move |outcome: &str| {
        let (error, summary) = problems.with_untracked(|problems| (first_error(problems), summary(problems)));
        let error = error.filter(|_| !untrack(|| is_stale.get()));
        let about = || format!("{outcome}: the definition has {summary}. Fix the marked lines first.");
        blocked.set(error.map(|_| about()));
        if let Some((line, column)) = error {
            code.go(line, column);
        }
        error.is_some()
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !has_errors("Not saved") {
            save();
        }
    };
    let run_once = RunOnce::new(is_stale, move || has_errors("Not run"));
    let can_run = pipeline.as_ref().map(|pipeline| pipeline.viewer_can_run);
    let dialog = pipeline.clone().map(|pipeline| view! { <RunOnceDialog run_once pipeline code plan /> });
    let (address, action) = match &pipeline {
        Some(pipeline) => (format!("/pipelines/{}", pipeline.id.inner()), "Save"),
        None => ("/pipelines".to_owned(), "Create pipeline"),
    };
    let failure =
        move || blocked.get().or_else(|| user_action.failure().filter(|_| is_new || !user_action.is_conflict()));
    view! {
        <form class="editor-form" on:submit=submit>
            <Fields draft is_new />
            {pipeline.map(|pipeline| view! { <Conflict pipeline code user_action replace is_unsaved /> })}
            {children()}
            <Notice text=Signal::derive(failure) />
            <div class="form-actions">
                <a class="button" href=href(address)>
                    "Cancel"
                </a>
                <RunOnceButton run_once can_run />
                <button type="submit" class="button button-primary" disabled=move || user_action.is_busy()>
                    {action}
                </button>
            </div>
            <RunOnceStatus run_once />
        </form>
        {dialog}
        <LeaveWarning is_unsaved />
    }
}
