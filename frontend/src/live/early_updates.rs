//! Keeps updates of objects that are not in a list yet. A query whose result contains these objects may still be
//! running, and may have read an older state.

use std::collections::HashMap;

use super::revisioned::Revisioned;

/// The maximum number of updates that are kept.
const MAX: usize = 1000;
/// If there are too many updates, those older than this are dropped, in milliseconds. A query that was sent before such
/// an update has ended by then.
const QUERY_ENDS_AFTER: i64 = 60_000;

/// The newest update of each object by its id, with the time of its arrival.
pub(super) struct EarlyUpdates<T>(HashMap<String, (T, i64)>);

impl<T> Default for EarlyUpdates<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Revisioned> EarlyUpdates<T> {
    /// Keeps an update that arrived at `now`, unless a newer one of the same object is kept, or too many others are
    /// kept.
    pub(super) fn keep(&mut self, object: T, now: i64) {
        if let Some(known) = self.0.get_mut(object.id()) {
            if known.0.revision() < object.revision() {
                *known = (object, now);
            }
            return;
        }
        if self.0.len() >= MAX {
            self.0.retain(|_, (_, at)| now - *at < QUERY_ENDS_AFTER);
        }
        if self.0.len() < MAX {
            self.0.insert(object.id().to_owned(), (object, now));
        }
    }

    /// Removes and returns the updates of the objects in a query's result that arrived since the query was sent, at
    /// `asked_at`. Drops all older updates: this query and later ones have read at least these states.
    pub(super) fn take(&mut self, asked_at: i64, is_in_result: impl Fn(&str) -> bool) -> Vec<(T, i64)> {
        self.0.retain(|_, (_, at)| *at >= asked_at);
        self.0.extract_if(|id, _| is_in_result(id)).map(|(_, update)| update).collect()
    }
}
