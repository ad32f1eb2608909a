//! The first queries of a part of a page, which is shown once they have ended, so that nothing on it moves meanwhile.

use std::time::Duration;

use leptos::prelude::*;

use crate::effect::effect;

/// How long a part of a page waits for its queries at most.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Counts the first queries of a part of a page. A handle: copies are the same count.
#[derive(Clone, Copy)]
pub(crate) struct FirstQueries {
    pending: StoredValue<u32>,
    is_over: RwSignal<bool>,
}

impl FirstQueries {
    /// Counts the queries that are created below the current reactive owner from now on.
    pub(crate) fn provide() -> Self {
        let queries = Self { pending: StoredValue::new(0), is_over: RwSignal::new(false) };
        provide_context(queries);
        let end = move || {
            queries.is_over.try_set(true);
        };
        set_timeout(end, PATIENCE);
        queries
    }

    /// Whether the queries have ended, or have taken too long. Reactive.
    pub(crate) fn is_over(self) -> bool {
        self.is_over.get()
    }

    /// Counts a query that was created elsewhere until it has ended, unless it has ended already.
    pub(crate) fn wait_for(self, has_ended: impl Fn() -> bool + 'static) {
        if untrack(&has_ended) {
            return;
        }
        self.begin();
        let is_counted = StoredValue::new(true);
        effect(move || {
            if has_ended() && is_counted.try_update_value(std::mem::take) == Some(true) {
                self.end();
            }
        });
    }

    /// Notes that a query is sent for the first time.
    pub(crate) fn begin(self) {
        self.pending.try_update_value(|pending| *pending += 1);
    }

    /// Notes that such a query has ended. After the last one the part is shown, and stays.
    pub(crate) fn end(self) {
        let left = self.pending.try_update_value(|pending| {
            *pending = pending.saturating_sub(1);
            *pending
        });
        if left == Some(0) {
            // Results may put components on the page that query too.
            set_timeout(move || self.check(), Duration::ZERO);
        }
    }

    fn check(self) {
        if self.pending.try_get_value() == Some(0) {
            self.is_over.try_set(true);
        }
    }
}
