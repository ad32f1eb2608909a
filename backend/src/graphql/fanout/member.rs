//! A member of a group: one subscription of one socket.

use std::collections::HashMap;

use bytes::Bytes;
use uuid::Uuid;

use super::change::Item;
use crate::graphql::outbox::Watching;

/// A member of a group.
#[derive(Debug)]
pub(super) struct Member {
    watching: Watching,
    snapshot: Option<Box<Snapshot>>,
}

/// What a member was told of around its snapshot, so that no older state follows a newer one.
#[derive(Debug, Default)]
struct Snapshot {
    is_over: bool,
    told: HashMap<Uuid, Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    revision: i64,
    by_snapshot: bool,
}

impl Member {
    pub(super) fn new(watching: Watching, is_snapshot_due: bool) -> Self {
        Self { watching, snapshot: is_snapshot_due.then(Box::default) }
    }

    /// Delivers what the group was told of. The group itself is told of each object in the order of its revisions.
    pub(super) fn deliver(&mut self, item: &Item, payload: &Bytes, resync: &Bytes) {
        if self.is_news(item) {
            self.send(item, payload.clone(), resync);
        }
    }

    /// Delivers what was found when the member came.
    pub(super) fn deliver_snapshot(&mut self, item: &Item, payload: Bytes, resync: &Bytes) {
        let Some(snapshot) = &mut self.snapshot else { return };
        let told = Told { revision: item.revision(), by_snapshot: true };
        if snapshot.told.get(&item.id()).is_none_or(|last| last.revision < told.revision) {
            snapshot.told.insert(item.id(), told);
            self.send(item, payload, resync);
        }
    }

    pub(super) fn end_snapshot(&mut self) {
        let Some(snapshot) = &mut self.snapshot else { return };
        snapshot.is_over = true;
        snapshot.told.retain(|_, told| told.by_snapshot);
        if snapshot.told.is_empty() {
            self.snapshot = None;
        }
    }

    pub(super) fn resync(&self, payload: &Bytes) {
        self.watching.resync(payload.clone());
    }

    pub(super) fn complete(self) {
        self.watching.complete();
    }

    pub(super) fn fail(self, errors: Bytes) {
        self.watching.fail(errors);
    }

    fn send(&self, item: &Item, payload: Bytes, resync: &Bytes) {
        if !self.watching.deliver(item.id(), payload) {
            // Whoever is so far behind asks again rather than reading it all.
            self.watching.forget();
            self.watching.resync(resync.clone());
        }
    }

    fn is_news(&mut self, item: &Item) -> bool {
        let Some(snapshot) = &mut self.snapshot else { return true };
        let (id, revision) = (item.id(), item.revision());
        if snapshot.told.get(&id).is_some_and(|last| revision <= last.revision) {
            return false;
        }
        if snapshot.is_over {
            snapshot.told.remove(&id);
            if snapshot.told.is_empty() {
                self.snapshot = None;
            }
        } else {
            snapshot.told.insert(id, Told { revision, by_snapshot: false });
        }
        true
    }
}
