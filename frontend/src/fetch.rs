//! A query whose answer a page shows: run again when what it reads changes, or on demand.

use std::{future::Future, pin::Pin};

use leptos::{prelude::*, task::spawn_local};

use crate::api::ApiError;

/// How far a query is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Load<T> {
    /// No answer yet.
    Pending,
    /// The latest answer.
    Ready(T),
    /// No answer, and why.
    Failed(ApiError),
}

/// A query and its latest answer. A handle: copies are the same query.
pub(crate) struct Fetch<T: Send + Sync + 'static> {
    load: RwSignal<Load<T>>,
    busy: RwSignal<bool>,
    again: Trigger,
    /// Counts the runs, so that a slow answer does not overwrite a newer one.
    run: StoredValue<u32>,
    /// Whether the next run only refreshes what is shown.
    refresh: StoredValue<bool>,
}

impl<T: Send + Sync + 'static> Clone for Fetch<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Fetch<T> {}

impl<T: Clone + PartialEq + Send + Sync + 'static> Fetch<T> {
    /// Runs a query now, and again whenever a signal changes that `query` reads before its first await.
    pub(crate) fn new<F>(query: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Result<T, ApiError>> + 'static,
    {
        let fetch = Self {
            load: RwSignal::new(Load::Pending),
            busy: RwSignal::new(true),
            again: Trigger::new(),
            run: StoredValue::new(0),
            refresh: StoredValue::new(false),
        };
        Effect::new(move |_| {
            fetch.again.track();
            let answer = query();
            fetch.busy.set(true);
            fetch.run.update_value(|run| *run += 1);
            let run = fetch.run.get_value();
            let is_refresh = fetch.refresh.get_value();
            fetch.refresh.set_value(false);
            fetch.wait(run, is_refresh, Box::pin(answer));
        });
        fetch
    }

    /// Runs the query again. What is shown stays until there is a better answer.
    pub(crate) fn reload(self) {
        if self.refresh.try_update_value(|refresh| *refresh = true).is_some() {
            self.again.notify();
        }
    }

    /// How far the query is. Reactive.
    pub(crate) fn load(self) -> Load<T> {
        self.load.get()
    }

    /// The latest answer, or part of it. Reactive.
    pub(crate) fn read<U>(self, read: impl FnOnce(&T) -> U) -> Option<U> {
        self.load.with(|load| match load {
            Load::Ready(answer) => Some(read(answer)),
            _ => None,
        })
    }

    /// Why there is no answer. Reactive.
    pub(crate) fn failure(self) -> Option<ApiError> {
        self.load.with(|load| match load {
            Load::Failed(error) => Some(error.clone()),
            _ => None,
        })
    }

    /// Whether an answer is on its way. Reactive.
    pub(crate) fn is_busy(self) -> bool {
        self.busy.get()
    }

    /// Boxed, for the code that follows depends on the answer's type alone.
    fn wait(self, run: u32, is_refresh: bool, answer: Pin<Box<dyn Future<Output = Result<T, ApiError>>>>) {
        spawn_local(async move {
            let answer = answer.await;
            // Its page may be gone by now.
            if self.run.try_get_value() == Some(run) {
                self.settle(answer, is_refresh);
            }
        });
    }

    fn settle(self, answer: Result<T, ApiError>, is_refresh: bool) {
        self.busy.set(false);
        let load = match answer {
            Ok(answer) => Load::Ready(answer),
            Err(error) if is_refresh && !error.is_not_found() && self.is_ready() => return,
            Err(error) => Load::Failed(error),
        };
        if self.load.with_untracked(|shown| *shown != load) {
            self.load.set(load);
        }
    }

    fn is_ready(self) -> bool {
        self.load.with_untracked(|load| matches!(load, Load::Ready(_)))
    }
}
