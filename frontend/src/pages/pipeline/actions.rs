//! The actions on a pipeline: run, pause, edit, versions, export, delete.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::start_dialog::Start;
use crate::{
    api::{
        pipeline_plan::Plan,
        pipelines::{self, Pipeline},
    },
    base_path::href,
    effect::effect,
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{Confirm, Toasts},
    user_action::UserAction,
};

/// The buttons for a pipeline that the viewer may use, and their dialogs.
#[component]
pub(super) fn Actions(pipeline: Memo<Pipeline>, found: Fetch<Pipeline>, plan: Memo<Option<Plan>>) -> impl IntoView {
    let session = expect_context::<Session>();
    let (offers_run, has_versions) =
        (session.may(Permission::RunPipeline), session.may(Permission::ViewPipelineVersions));
    let (toasts, navigate) = (expect_context::<Toasts>(), use_navigate());
    let id = StoredValue::new(pipeline.with_untracked(|pipeline| pipeline.id.inner().to_owned()));
    let read = move |read: fn(&Pipeline) -> bool| Memo::new(move |_| pipeline.with(read));
    let is_enabled = read(|pipeline| pipeline.enabled);
    // If the state of the pipeline does not allow a run, this button is disabled but not hidden, so that the others do
    // not move.
    let can_run = read(|pipeline| pipeline.viewer_can_run);
    let can_switch = read(|pipeline| pipeline.viewer_can_disable || pipeline.viewer_can_enable);
    let can_update = read(|pipeline| pipeline.viewer_can_update);
    let can_delete = read(|pipeline| pipeline.viewer_can_delete);
    let (is_starting, is_deleting) = (RwSignal::new(false), RwSignal::new(false));
    let (switching, deleting) = (UserAction::new(), UserAction::new());
    let switch = move |_| {
        let (enabled, id) = (!is_enabled.get_untracked(), id.get_value());
        switching.run(pipelines::enable(&id, enabled), move |_| {
            found.reload();
            let undo = move || {
                session.execute(pipelines::enable(&id, !enabled), move |outcome| {
                    toasts.undone(outcome);
                    found.reload();
                });
            };
            toasts.undoable(if enabled { "Resumed." } else { "Paused." }.to_owned(), undo);
        });
    };
    let delete = move |()| {
        let navigate = navigate.clone();
        deleting.run(pipelines::delete(&id.get_value()), move |_| {
            toasts.success("The pipeline was deleted.".to_owned());
            // Nothing is shown if the user has left the page.
            if is_deleting.try_set(false).is_none() {
                navigate("/pipelines", NavigateOptions { replace: true, ..NavigateOptions::default() });
            }
        });
    };
    // The action has no dialog, so its errors are shown as notifications.
    effect(move || {
        if let Some(failure) = switching.failure() {
            toasts.error(failure);
        }
    });
    let title = move || pipeline.with(|pipeline| format!("Delete {}?", pipeline.name));
    view! {
        {offers_run
            .then(|| {
                view! {
                    <button
                        type="button"
                        class="button button-primary"
                        disabled=move || !can_run.get()
                        on:click=move |_| is_starting.set(true)
                    >
                        "Run"
                    </button>
                    <Start open=is_starting pipeline plan />
                }
            })}
        <Show when=move || can_switch.get()>
            <button type="button" class="button" disabled=move || switching.is_busy() on:click=switch>
                {move || if is_enabled.get() { "Pause" } else { "Resume" }}
            </button>
        </Show>
        <Show when=move || can_update.get()>
            <a class="button" href=href(format!("/pipelines/{}/edit", id.get_value()))>
                "Edit"
            </a>
        </Show>
        {has_versions
            .then(|| {
                view! {
                    <a class="button" href=href(format!("/pipelines/{}/versions", id.get_value()))>
                        "Versions"
                    </a>
                }
            })}
        <a
            class="button"
            download=move || pipeline.with(|pipeline| format!("{}.yaml", pipeline.identifier))
            href=move || pipeline.with(|pipeline| file(&pipeline.yaml))
        >
            "Export"
        </a>
        <Show when=move || can_delete.get()>
            <button type="button" class="button button-danger" on:click=move |_| is_deleting.set(true)>
                "Delete"
            </button>
        </Show>
        <Confirm
            open=is_deleting
            title=Signal::derive(title)
            text="Its versions, its runs and its slot history are deleted too. An active run is cancelled. Transfers stay."
            action="Delete pipeline"
            user_action=deleting
            on_confirm=delete
            is_dangerous=true
            dismiss="Keep pipeline"
        />
    }
}

/// A data URL from which the text can be downloaded unchanged.
fn file(text: &str) -> String {
    let encoded: String = js_sys::encode_uri_component(text).into();
    format!("data:text/yaml;charset=utf-8,{encoded}")
}
