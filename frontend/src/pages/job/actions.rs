//! The actions on a job: run, pause, edit, backfill, delete. Shown to viewers who may take at least one of them now.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::backfill::Backfill;
use crate::{
    api::jobs::{self, Job},
    base_path::href,
    live::{Entry, LiveList},
    session::Session,
    ui::{Confirm, Toasts},
    user_action::UserAction,
};

/// The buttons for a job that the viewer may use, and their dialogs.
#[component]
pub(super) fn Actions(row: RwSignal<Entry<Job>>, list: LiveList<Job>) -> impl IntoView {
    let (session, toasts, navigate) = (expect_context::<Session>(), expect_context::<Toasts>(), use_navigate());
    let (id, name) = row.with_untracked(|entry| (entry.object.id.inner().to_owned(), entry.object.name.clone()));
    let id = StoredValue::new(id);
    let read = move |read: fn(&Job) -> bool| Memo::new(move |_| row.with(|entry| read(&entry.object)));
    let is_enabled = read(|job| job.enabled);
    // Buttons that the state of the job does not allow are disabled but not hidden, so that the others do not move.
    let can_run = read(|job| job.viewer_can_run);
    let can_switch = read(|job| job.viewer_can_disable || job.viewer_can_enable);
    let can_update = read(|job| job.viewer_can_update);
    let can_backfill = read(|job| job.viewer_can_backfill);
    let can_delete = read(|job| job.viewer_can_delete);
    let (is_backfilling, is_deleting) = (RwSignal::new(false), RwSignal::new(false));
    let (running, switching, deleting) = (UserAction::new(), UserAction::new(), UserAction::new());
    let run = move |_| {
        running.run(jobs::run(&id.get_value()), move |job| {
            list.apply_update(job);
            toasts.success("Run requested.".to_owned());
        });
    };
    let switch = move |_| {
        let (enabled, id) = (!is_enabled.get_untracked(), id.get_value());
        switching.run(jobs::enable(&id, enabled), move |job| {
            list.apply_update(job);
            let undo = move || session.execute(jobs::enable(&id, !enabled), move |outcome| toasts.undone(outcome));
            toasts.undoable(if enabled { "Resumed." } else { "Paused." }.to_owned(), undo);
        });
    };
    let delete = move |()| {
        let navigate = navigate.clone();
        deleting.run(jobs::delete(&id.get_value()), move |_| {
            toasts.success("The job was deleted.".to_owned());
            // Nothing is shown if the user has left the page.
            if is_deleting.try_set(false).is_none() {
                navigate("/jobs", NavigateOptions { replace: true, ..NavigateOptions::default() });
            }
        });
    };
    // These two actions have no dialog, so their errors are shown as notifications.
    for user_action in [running, switching] {
        crate::effect::effect(move || {
            if let Some(failure) = user_action.failure() {
                toasts.error(failure);
            }
        });
    }
    view! {
        <button
            type="button"
            class="button button-primary"
            disabled=move || running.is_busy() || !can_run.get()
            on:click=run
        >
            "Run now"
        </button>
        <button
            type="button"
            class="button"
            disabled=move || switching.is_busy() || !can_switch.get()
            on:click=switch
        >
            {move || if is_enabled.get() { "Pause" } else { "Resume" }}
        </button>
        <Show when=move || can_update.get()>
            <a class="button" href=href(format!("/jobs/{}/edit", id.get_value()))>
                "Edit"
            </a>
        </Show>
        <button
            type="button"
            class="button"
            disabled=move || !can_backfill.get()
            on:click=move |_| is_backfilling.set(true)
        >
            "Backfill"
        </button>
        <button
            type="button"
            class="button button-danger"
            disabled=move || !can_delete.get()
            on:click=move |_| is_deleting.set(true)
        >
            "Delete"
        </button>
        <Backfill open=is_backfilling job=id.get_value() />
        <Confirm
            open=is_deleting
            title=format!("Delete {name}?")
            text="Its runs and its slot history are deleted too. An active run is cancelled. Transfers stay."
            action="Delete job"
            user_action=deleting
            on_confirm=delete
            is_dangerous=true
            dismiss="Keep job"
        />
    }
}
