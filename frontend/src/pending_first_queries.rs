//! The first queries of a part of a page. The part is shown when all of them have ended, so that its content does not
//! move while results arrive.

use std::time::Duration;

use leptos::prelude::*;

use crate::effect::effect;

/// The maximum time that a part of a page waits for its queries.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Counts the running first queries of a part of a page. A handle: copies share the same count.
#[derive(Clone, Copy)]
pub(crate) struct FirstQueries {
    pending: StoredValue<u32>,
    is_over: RwSignal<bool>,
}

impl FirstQueries {
    /// Provides a context that counts the queries that are created below the current reactive owner from now on.
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

    /// Also waits for a query that was created elsewhere, until `has_ended` returns true.
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

    /// To be called when a query is sent for the first time.
    pub(crate) fn begin(self) {
        self.pending.try_update_value(|pending| *pending += 1);
    }

    /// To be called when such a query has ended for the first time. After the last query the part is shown, and stays.
    pub(crate) fn end(self) {
        let left = self.pending.try_update_value(|pending| {
            *pending = pending.saturating_sub(1);
            *pending
        });
        if left == Some(0) {
            // The results may add components to the page that send queries, too.
            set_timeout(move || self.check(), Duration::ZERO);
        }
    }

    fn check(self) {
        if self.pending.try_get_value() == Some(0) {
            self.is_over.try_set(true);
        }
    }
}
