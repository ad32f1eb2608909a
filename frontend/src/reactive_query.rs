//! The state of a query whose result a page shows. The query runs again when a signal that it reads changes, or on
//! demand.

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    api::{ApiError, Request},
    effect::effect,
    live::Feed,
    pending_first_queries::FirstQueries,
    session::Session,
};

/// The minimum time between two runs of a query that are caused by updates.
const PAUSE: Duration = Duration::from_secs(1);

/// The stage of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stage {
    /// No result yet.
    Pending,
    /// There is a result.
    Ready,
    /// The query failed.
    Failed(ApiError),
}

/// A query and its latest result. A handle: copies share the same query.
pub(crate) struct Fetch<T: Send + Sync + 'static> {
    answer: RwSignal<Option<T>>,
    state: QueryState,
}

impl<T: Send + Sync + 'static> Clone for Fetch<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Fetch<T> {}

impl<T: PartialEq + Send + Sync + 'static> Fetch<T> {
    /// Runs a query now, and again whenever a signal that `query` reads changes.
    pub(crate) fn new(query: impl Fn() -> Request<T> + 'static) -> Self {
        Self::when(move || Some(query()))
    }

    /// Like [`new`](Self::new), but does not run while `query` returns `None`.
    pub(crate) fn when(query: impl Fn() -> Option<Request<T>> + 'static) -> Self {
        let answer = RwSignal::new(None);
        let keep = move |fresh: T| {
            let is_new = answer.try_with_untracked(|shown| shown.as_ref() != Some(&fresh));
            if is_new == Some(true) {
                answer.set(Some(fresh));
            }
        };
        Self { answer, state: QueryState::begin(Box::new(move || Some(query()?.map(keep)))) }
    }

    /// Runs the query again. The current result stays until the new one arrives, also if the query fails.
    pub(crate) fn reload(self) {
        self.state.reload();
    }

    /// Like [`reload`](Self::reload), but runs the query at most once a second, no matter how often it is called.
    pub(crate) fn reload_paced(self) {
        self.state.reload_paced();
    }

    /// The stage of the query. Reactive.
    pub(crate) fn stage(self) -> Stage {
        self.state.stage.get()
    }

    /// Applies `read` to the latest result; `None` while there is none or the query has failed. Reactive.
    pub(crate) fn read<U>(self, read: impl FnOnce(&T) -> U) -> Option<U> {
        let is_ready = self.state.stage.with(|stage| *stage == Stage::Ready);
        self.answer.with(|answer| answer.as_ref().filter(|_| is_ready).map(read))
    }

    /// Why the query failed; `None` if it has not failed. Reactive.
    pub(crate) fn failure(self) -> Option<ApiError> {
        self.state.stage.with(|stage| match stage {
            Stage::Failed(error) => Some(error.clone()),
            _ => None,
        })
    }

    /// Whether the query is running. Reactive.
    pub(crate) fn is_busy(self) -> bool {
        self.state.busy.get()
    }
}

/// Whether [`Fetch::reload_paced`] may run the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// The query may run at once.
    Free,
    /// The query has run less than [`PAUSE`] ago.
    Pausing,
    /// As `Pausing`, and the query will run again after the pause.
    Wanted,
}

/// The part of a query that does not depend on the type of its result.
#[derive(Clone, Copy)]
struct QueryState {
    stage: RwSignal<Stage>,
    busy: RwSignal<bool>,
    again: Trigger,
    /// The number of runs so far, so that a slow response does not overwrite a newer one.
    run: StoredValue<u32>,
    /// Whether the next run only refreshes the current result.
    refresh: StoredValue<bool>,
    pace: StoredValue<Pace>,
    /// The first queries of the part of the page; `None` after this query has ended for the first time.
    first: StoredValue<Option<FirstQueries>>,
}

impl QueryState {
    fn begin(query: Box<dyn Fn() -> Option<Request<()>>>) -> Self {
        let (session, feed) = (expect_context::<Session>(), expect_context::<Feed>());
        let state = Self {
            stage: RwSignal::new(Stage::Pending),
            busy: RwSignal::new(false),
            again: Trigger::new(),
            run: StoredValue::new(0),
            refresh: StoredValue::new(false),
            pace: StoredValue::new(Pace::Free),
            first: StoredValue::new(use_context::<FirstQueries>()),
        };
        effect(move || {
            state.again.track();
            let Some(Request { text, read }) = query() else { return };
            state.busy.set(true);
            state.run.update_value(|run| *run += 1);
            let run = state.run.get_value();
            if let Some(first) = state.first.get_value().filter(|_| run == 1) {
                first.begin();
            }
            let is_refresh = state.refresh.get_value();
            state.refresh.set_value(false);
            let read = move |answer: &str| {
                // A newer run may have begun, or the user may have left the page.
                let is_current = state.run.try_get_value() == Some(run);
                Ok(is_current.then(|| read(answer)))
            };
            let request: Request<Option<Result<(), ApiError>>> = Request { text, read: Box::new(read) };
            feed.after_subscribing(move || {
                session.execute(request, move |outcome| match outcome {
                    Ok(Some(outcome)) => state.settle(outcome, is_refresh),
                    Err(error) if state.run.try_get_value() == Some(run) => state.settle(Err(error), is_refresh),
                    Ok(None) | Err(_) => {}
                });
            });
        });
        effect(move || {
            let is_refused = || state.stage.with_untracked(|stage| *stage == Stage::Failed(ApiError::SignedOut));
            // The user has signed in again.
            if !session.is_expired() && is_refused() {
                state.reload();
            }
        });
        state
    }

    fn reload(self) {
        if self.refresh.try_update_value(|refresh| *refresh = true).is_some() {
            self.again.notify();
        }
    }

    fn reload_paced(self) {
        match self.pace.try_get_value() {
            Some(Pace::Free) => {
                self.pace.set_value(Pace::Pausing);
                self.reload();
                set_timeout(move || self.end_pause(), PAUSE);
            }
            Some(Pace::Pausing) => self.pace.set_value(Pace::Wanted),
            // Another run is planned already, or the user has left the page.
            Some(Pace::Wanted) | None => {}
        }
    }

    fn end_pause(self) {
        let is_wanted = self.pace.try_get_value() == Some(Pace::Wanted);
        self.pace.set_value(Pace::Free);
        if is_wanted {
            self.reload_paced();
        }
    }

    fn settle(self, outcome: Result<(), ApiError>, is_refresh: bool) {
        self.busy.set(false);
        if let Some(first) = self.first.try_update_value(Option::take).flatten() {
            first.end();
        }
        let is_ready = self.stage.with_untracked(|stage| *stage == Stage::Ready);
        let stage = match outcome {
            Ok(()) => Stage::Ready,
            Err(error) if is_refresh && !error.is_not_found() && is_ready => return,
            Err(error) => Stage::Failed(error),
        };
        if self.stage.with_untracked(|shown| *shown != stage) {
            self.stage.set(stage);
        }
    }
}
