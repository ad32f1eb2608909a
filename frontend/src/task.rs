//! Something the user asked for and waits for: a form sent, a button pressed.

use std::{future::Future, pin::Pin};

use leptos::{prelude::*, task::spawn_local};

use crate::api::ApiError;

/// Whether it is under way, and why it failed. A handle: copies are the same task.
#[derive(Clone, Copy)]
pub(crate) struct Task {
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
}

impl Task {
    /// A task that has not begun.
    pub(crate) fn new() -> Self {
        Self { busy: RwSignal::new(false), failure: RwSignal::new(None) }
    }

    /// Does it, unless it is under way already.
    pub(crate) fn run<T: 'static>(
        self,
        work: impl Future<Output = Result<T, ApiError>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failure.set(None);
        self.wait(Box::pin(async move { work.await.map(done) }));
    }

    /// Boxed, so that this is there once and not for every form.
    fn wait(self, work: Pin<Box<dyn Future<Output = Result<(), ApiError>>>>) {
        spawn_local(async move {
            let outcome = work.await;
            // The form may have been closed meanwhile.
            self.busy.try_set(false);
            if let Err(error) = outcome {
                self.failure.try_set(Some(error));
            }
        });
    }

    /// Whether it is under way. Reactive.
    pub(crate) fn is_busy(self) -> bool {
        self.busy.get()
    }

    /// Why it failed, in a sentence. Reactive.
    pub(crate) fn failure(self) -> Option<String> {
        self.failure.with(|failure| failure.as_ref().map(ToString::to_string))
    }

    /// Forgets the last failure.
    pub(crate) fn reset(self) {
        self.failure.set(None);
    }
}
