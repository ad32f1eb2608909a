//! A subscriber of a shared subscription: one operation of one socket.

use std::collections::HashMap;

use bytes::Bytes;
use uuid::Uuid;

use super::change::Update;
use crate::graphql::outbound_queue::SubscriptionSink;

/// A subscriber of a shared subscription.
#[derive(Debug)]
pub(super) struct Subscriber {
    sink: SubscriptionSink,
    snapshot: Option<Box<Snapshot>>,
}

/// The revisions that were sent while the snapshot is delivered, so that no older state follows a newer one.
#[derive(Debug, Default)]
struct Snapshot {
    is_over: bool,
    sent: HashMap<Uuid, Sent>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    revision: i64,
    by_snapshot: bool,
}

impl Subscriber {
    pub(super) fn new(sink: SubscriptionSink, is_snapshot_due: bool) -> Self {
        Self { sink, snapshot: is_snapshot_due.then(Box::default) }
    }

    /// Delivers an update of the shared subscription, which sends the updates of each object in the order of their
    /// revisions.
    pub(super) fn deliver(&mut self, update: &Update, payload: &Bytes, resync: &Bytes) {
        if self.is_newer(update) {
            self.send(update, payload.clone(), resync);
        }
    }

    /// Delivers an update of the snapshot.
    pub(super) fn deliver_snapshot(&mut self, update: &Update, payload: Bytes, resync: &Bytes) {
        let Some(snapshot) = &mut self.snapshot else { return };
        let sent = Sent { revision: update.revision(), by_snapshot: true };
        if snapshot.sent.get(&update.id()).is_none_or(|last| last.revision < sent.revision) {
            snapshot.sent.insert(update.id(), sent);
            self.send(update, payload, resync);
        }
    }

    pub(super) fn end_snapshot(&mut self) {
        let Some(snapshot) = &mut self.snapshot else { return };
        snapshot.is_over = true;
        snapshot.sent.retain(|_, sent| sent.by_snapshot);
        if snapshot.sent.is_empty() {
            self.snapshot = None;
        }
    }

    pub(super) fn resync(&self, payload: &Bytes) {
        self.sink.resync(payload.clone());
    }

    pub(super) fn complete(self) {
        self.sink.complete();
    }

    pub(super) fn fail(self, errors: Bytes) {
        self.sink.fail(errors);
    }

    fn send(&self, update: &Update, payload: Bytes, resync: &Bytes) {
        if !self.sink.deliver(update.id(), payload) {
            // A client with so many waiting states queries again instead of reading all of them.
            self.sink.forget();
            self.sink.resync(resync.clone());
        }
    }

    fn is_newer(&mut self, update: &Update) -> bool {
        let Some(snapshot) = &mut self.snapshot else { return true };
        let (id, revision) = (update.id(), update.revision());
        if snapshot.sent.get(&id).is_some_and(|last| revision <= last.revision) {
            return false;
        }
        if snapshot.is_over {
            snapshot.sent.remove(&id);
            if snapshot.sent.is_empty() {
                self.snapshot = None;
            }
        } else {
            snapshot.sent.insert(id, Sent { revision, by_snapshot: false });
        }
        true
    }
}
