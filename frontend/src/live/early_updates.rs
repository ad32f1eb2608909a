//! Updates of objects that a list does not have yet: a query whose result will have them may still be on its way, and may
//! have read an older state.

use std::collections::HashMap;

use super::revisioned::Revisioned;

/// The maximum number of updates that are kept.
const MAX: usize = 1000;
/// How long an update is kept if there are too many, in milliseconds: a query that began before it has ended by then.
const QUERY_ENDS_AFTER: i64 = 60_000;

/// The newest update of each object, with the time of its arrival.
pub(super) struct EarlyUpdates<T>(HashMap<String, (T, i64)>);

impl<T> Default for EarlyUpdates<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Revisioned> EarlyUpdates<T> {
    /// Keeps an update that arrived at `now`, unless a newer one is kept, or too many others are.
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

    /// Takes the updates of the objects of a result that arrived since its query was sent, at `asked_at`. Older ones are
    /// dropped: every query that follows has read at least their state.
    pub(super) fn take(&mut self, asked_at: i64, is_in_result: impl Fn(&str) -> bool) -> Vec<(T, i64)> {
        self.0.retain(|_, (_, at)| *at >= asked_at);
        self.0.extract_if(|id, _| is_in_result(id)).map(|(_, update)| update).collect()
    }
}
