//! The updates of the runs of a job or pipeline, for the list of runs and for values that are computed from all runs.

use leptos::prelude::*;

use crate::live::{Admission, LiveList, Revisioned};

/// The listed runs, and counters of the updates that concern more than one row. A handle: copies share the same list.
pub(super) struct RunUpdates<T: 'static> {
    /// The listed runs. Each update is applied at once: a signal with only the last update would lose the others of the
    /// same animation frame.
    pub(super) list: LiveList<T>,
    /// The number of updates of runs that are not listed, and of gaps.
    unlisted: RwSignal<u32>,
    /// The number of times that a run has started, ended or changed its status, and of gaps.
    status_changes: RwSignal<u32>,
}

impl<T> Clone for RunUpdates<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RunUpdates<T> {}

impl<T: Revisioned + Send + Sync> RunUpdates<T> {
    /// An empty list without updates.
    pub(super) fn new() -> Self {
        Self { list: LiveList::new(Admission::Listed), unlisted: RwSignal::new(0), status_changes: RwSignal::new(0) }
    }

    /// Applies an update of a run. `status` returns the status of a run.
    pub(super) fn take<S: PartialEq>(self, run: T, status: fn(&T) -> S) {
        let before = self.list.entry(run.id()).map(|known| known.with_untracked(|known| status(&known.object)));
        let has_changed_status = before.as_ref() != Some(&status(&run));
        if before.is_none() {
            count(self.unlisted);
        }
        self.list.apply_update(run);
        if has_changed_status {
            count(self.status_changes);
        }
    }

    /// Records that updates may have been missed.
    pub(super) fn miss(self) {
        count(self.unlisted);
        count(self.status_changes);
    }

    /// A number that changes when a run may be missing from the list, so that the list must be queried again. Reactive.
    pub(super) fn unlisted(self) -> u32 {
        self.unlisted.get()
    }

    /// A number that changes when a run has started, ended or changed its status. Reactive.
    pub(super) fn status_changes(self) -> u32 {
        self.status_changes.get()
    }
}

fn count(number: RwSignal<u32>) {
    number.update(|number| *number = number.wrapping_add(1));
}
