//! Actions of the user, such as a submitted form or a pressed button: busy state and error.

use std::{future::Future, pin::Pin};

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::{ApiError, Request},
    idempotency::Intent,
    session::Session,
};

/// An action that runs at most once at a time. A handle: copies are the same action.
#[derive(Clone, Copy)]
pub(crate) struct UserAction {
    session: Session,
    intent: Intent,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
}

impl UserAction {
    /// An action that is not running.
    pub(crate) fn new() -> Self {
        let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
        Self { session: expect_context(), intent: Intent::new(), busy, failure }
    }

    /// Sends a request, unless the action is running, and calls `done` with a successful result. If the request fails
    /// and the user sends it again, it has the same idempotency key, so that the server does not create or start
    /// anything twice.
    pub(crate) fn run<T: 'static>(self, request: Request<T>, done: impl FnOnce(T) + 'static) {
        if self.begin() {
            self.intent.execute(self.session, request, move |outcome| self.end(outcome.map(done)));
        }
    }

    /// Runs a future, unless the action is running.
    pub(crate) fn wait(self, work: Pin<Box<dyn Future<Output = Result<(), ApiError>>>>) {
        if self.begin() {
            spawn_local(async move { self.end(work.await) });
        }
    }

    fn begin(self) -> bool {
        // The user may have left the page of the action.
        let is_free = self.busy.try_get_untracked() == Some(false);
        if is_free {
            self.busy.set(true);
            self.failure.set(None);
        }
        is_free
    }

    fn end(self, outcome: Result<(), ApiError>) {
        // The form may have been closed.
        self.busy.try_set(false);
        // The form to sign in again says that the session has ended, so the action does not.
        if let Err(error) = outcome
            && error != ApiError::SignedOut
        {
            self.failure.try_set(Some(error));
        }
    }

    /// Whether the action is running. Reactive.
    pub(crate) fn is_busy(self) -> bool {
        self.busy.get()
    }

    /// The error of the last run, as a sentence. Reactive.
    pub(crate) fn failure(self) -> Option<String> {
        self.failure.with(|failure| failure.as_ref().map(ToString::to_string))
    }

    /// The refused fields of the last run: the name of each in the API, and what is wrong with it as a sentence.
    /// Reactive.
    pub(crate) fn problems(self) -> Vec<(String, String)> {
        self.failure.with(|failure| match failure {
            Some(ApiError::Fields(fields)) => fields.clone(),
            _ => Vec::new(),
        })
    }

    /// Whether the last run failed because another change was saved first. Reactive.
    pub(crate) fn is_conflict(self) -> bool {
        self.failure.with(|failure| failure.as_ref().is_some_and(ApiError::is_conflict))
    }

    /// Clears the error. The next request gets a new idempotency key.
    pub(crate) fn reset(self) {
        self.intent.reset();
        self.failure.set(None);
    }
}
