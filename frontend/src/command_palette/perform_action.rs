//! Executes the action of a chosen entry.

use leptos::prelude::*;

use super::entries::Act;
use crate::{
    api::jobs,
    browser,
    idempotency::Intent,
    navigation_guard::SIGN_OUT,
    session::Session,
    shortcuts::{Shortcuts, go},
    ui::Toasts,
    zone,
};

/// The contexts that actions need. A handle: copies share the same contexts.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    session: Session,
    starting: Intent,
    shortcuts: Shortcuts,
    toasts: Toasts,
}

impl Actions {
    /// Takes the contexts of this page.
    pub(super) fn new() -> Self {
        Self {
            session: expect_context(),
            starting: Intent::new(),
            shortcuts: expect_context(),
            toasts: expect_context(),
        }
    }

    /// Closes the palette, which returns the focus, and then executes the action.
    pub(super) fn choose(self, act: Act) {
        self.shortcuts.palette.set(false);
        request_animation_frame(move || self.perform(act));
    }

    fn perform(self, act: Act) {
        let Self { session, starting, shortcuts, toasts } = self;
        match act {
            Act::Go(address) => go(&address),
            Act::ShowUtc(is_utc) => zone::show_utc(is_utc),
            Act::UseSingleKeys(used) => shortcuts.use_single_keys(used),
            Act::ListKeys => shortcuts.list.set(true),
            Act::RunJob(id) => starting.execute(session, jobs::run(&id), move |outcome| match outcome {
                Ok(_) => toasts.success("Run requested.".to_owned()),
                Err(error) => toasts.error(error.to_string()),
            }),
            Act::EnableJob(id, enabled) => {
                session.execute(jobs::enable(&id, enabled), move |outcome| match outcome {
                    Ok(job) => {
                        let undo =
                            move || session.execute(jobs::enable(&id, !enabled), move |outcome| toasts.undone(outcome));
                        let done = if enabled { "Resumed" } else { "Paused" };
                        toasts.undoable(format!("{done} {}.", job.name), undo);
                    }
                    Err(error) => toasts.error(error.to_string()),
                });
            }
            // Clicks on the button, so that a page with unsaved changes can ask first.
            Act::SignOut => browser::press(SIGN_OUT),
        }
    }
}
