//! A subscriber of a shared subscription: one operation of one socket.

use std::collections::HashMap;

use bytes::Bytes;
use uuid::Uuid;

use super::change::Update;
use crate::graphql::{
    outbound_queue::{State, SubscriptionSink},
    result_frames::FrameBlock,
};

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

    /// Delivers states of the shared subscription, without those that are older than what a snapshot has sent. `block`
    /// must be empty or hold the frames of these states.
    pub(super) fn deliver(&mut self, states: &[State], block: &mut FrameBlock, resync: &Bytes) {
        let mut older = Vec::new();
        if self.snapshot.is_some() {
            older.extend(states.iter().filter(|state| !self.is_newer(state)).map(|state| state.object));
        }
        let has_room = if older.is_empty() {
            self.sink.deliver_all(states, block)
        } else {
            let mut has_room = true;
            for state in states.iter().filter(|state| !older.contains(&state.object)) {
                has_room &= self.sink.deliver(state.object, state.payload.clone());
            }
            has_room
        };
        if !has_room {
            self.replace_all(resync);
        }
    }

    /// Delivers an update of the snapshot, unless a state of the object that is at least as new was sent before.
    pub(super) fn deliver_snapshot(&mut self, update: &Update, payload: Bytes, resync: &Bytes) {
        let Some(snapshot) = &mut self.snapshot else { return };
        let sent = Sent { revision: update.revision(), by_snapshot: true };
        if snapshot.sent.get(&update.id()).is_none_or(|last| last.revision < sent.revision) {
            snapshot.sent.insert(update.id(), sent);
            if !self.sink.deliver(update.id(), payload) {
                self.replace_all(resync);
            }
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

    /// Sends a resync in place of everything that waits: a client for which too many states wait queries again instead
    /// of reading all of them.
    fn replace_all(&self, resync: &Bytes) {
        self.sink.discard_waiting();
        self.sink.resync(resync.clone());
    }

    fn is_newer(&mut self, state: &State) -> bool {
        let Some(snapshot) = &mut self.snapshot else { return true };
        let (id, revision) = (state.object, state.revision);
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
