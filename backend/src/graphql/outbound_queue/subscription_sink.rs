//! The sink to which a shared subscription sends the messages of one subscriber.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::{OperationNumber, Outbound, OutboundQueue, Queue, QueuedOperation, SlotKey};
use crate::graphql::result_frames::FrameBlock;

/// A serialised state of an object.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct State {
    pub(in crate::graphql) object: Uuid,
    pub(in crate::graphql) revision: i64,
    pub(in crate::graphql) payload: Bytes,
    /// The time of the commit, if it is known.
    pub(in crate::graphql) committed_at: Option<std::time::Instant>,
}

/// What became of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// It waits, and the task of the socket has to be woken.
    Wakes,
    /// A throttle holds it back until the task of the socket wakes by itself, or its operation has ended.
    Held,
    /// There is no room for it.
    Full,
}

/// The sink to which a shared subscription sends the messages of one subscriber.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct SubscriptionSink {
    pub(in crate::graphql) outbound: Arc<OutboundQueue>,
    pub(in crate::graphql) operation: OperationNumber,
}

impl SubscriptionSink {
    /// The shard that delivers to the socket.
    pub(in crate::graphql) fn shard(&self) -> usize {
        self.outbound.shard
    }

    /// Writes states to the socket if nothing else waits to be sent, with one write that never blocks. States that the
    /// socket does not take are queued, and replace waiting states of the same objects. Returns `false` if the queue is
    /// full.
    ///
    /// `block` must be empty or hold the frames of these states.
    pub(in crate::graphql) fn deliver_all(&self, states: &[State], block: &mut FrameBlock) -> bool {
        let mut queue = self.outbound.queue();
        if queue.is_shut {
            return true;
        }
        let rest = queue.write_at_once(self.operation, states, block);
        let mut wakes = queue.writer.as_ref().is_some_and(|writer| !writer.is_clear());
        let has_room = rest.iter().all(|state| {
            let put = queue.put_state(self.operation, state.object, state.payload.clone(), state.committed_at);
            wakes |= put == Put::Wakes;
            put != Put::Full
        });
        drop(queue);
        if wakes {
            self.outbound.filled.notify_one();
        }
        has_room
    }

    /// Queues the state of an object, in place of a state of the same object that still waits. Returns false if the
    /// queue is full.
    pub(in crate::graphql) fn deliver(&self, object: Uuid, payload: Bytes) -> bool {
        let mut queue = self.outbound.queue();
        if queue.is_shut {
            return true;
        }
        let put = queue.put_state(self.operation, object, payload, None);
        drop(queue);
        if put == Put::Wakes {
            self.outbound.filled.notify_one();
        }
        put != Put::Full
    }

    /// Queues a resync after all waiting entries.
    pub(in crate::graphql) fn resync(&self, payload: Bytes) {
        let slot = SlotKey::Resync(self.operation);
        let mut queue = self.outbound.queue();
        if queue.is_shut {
            return;
        }
        queue.order.retain(|waiting| *waiting != slot);
        queue.remove(slot);
        queue.put(slot, Outbound::Next(self.operation, payload));
        drop(queue);
        self.outbound.filled.notify_one();
    }

    /// Drops the waiting states and the waiting resync of this operation.
    pub(in crate::graphql) fn discard_waiting(&self) {
        self.outbound.discard_waiting(self.operation);
    }

    /// Ends the operation with errors, a JSON array, after all waiting entries.
    pub(in crate::graphql) fn fail(self, errors: Bytes) {
        self.outbound.push(Outbound::Error(self.operation, errors));
    }

    /// Ends the operation, after all waiting entries.
    pub(in crate::graphql) fn complete(self) {
        self.outbound.push(Outbound::Complete(self.operation));
    }
}

impl Queue {
    /// Writes states of an operation to the socket, if nothing waits on it. Returns the states of which nothing was
    /// written.
    fn write_at_once<'a>(
        &mut self,
        operation: OperationNumber,
        states: &'a [State],
        block: &mut FrameBlock,
    ) -> &'a [State] {
        if !self.order.is_empty() || self.is_sending || self.close.is_some() {
            return states;
        }
        let Some(writer) = self.writer.as_mut().filter(|writer| writer.is_clear()) else { return states };
        let known = self.operations.iter().find(|known| known.number == operation && known.throttle.is_none());
        let Some(QueuedOperation { envelope, .. }) = known else { return states };
        block.make(envelope, states.iter().map(|state| &state.payload));
        let written = writer.write_now(block.bytes());
        let (begun, rest) = block.begun(written);
        if !rest.is_empty() {
            writer.push(rest.to_vec());
        }
        block.count_sent(begun);
        &states[begun..]
    }

    /// Queues a state, or has the throttle of its operation hold it back.
    fn put_state(
        &mut self,
        operation: OperationNumber,
        object: Uuid,
        payload: Bytes,
        committed_at: Option<std::time::Instant>,
    ) -> Put {
        let has_room = self.has_room();
        let slot = SlotKey::State(operation, object);
        // An operation that has ended gets nothing.
        let Some(known) = self.operation(operation) else { return Put::Held };
        if let Some(throttle) = &mut known.throttle {
            let now = Instant::now();
            let Some(due) = throttle.hold(object, payload, has_room, now) else { return Put::Full };
            // A state that is held back waits because the client wants it to.
            if due <= now {
                self.note_commit(committed_at);
            }
            return if self.wakes_at.is_some_and(|at| at <= due) { Put::Held } else { Put::Wakes };
        }
        if !has_room && !self.items.contains_key(&slot) {
            return Put::Full;
        }
        self.note_commit(committed_at);
        self.put(slot, Outbound::Next(operation, payload));
        Put::Wakes
    }

    /// Notes the commit of a state that waits to be sent. Of several the earliest counts.
    fn note_commit(&mut self, committed_at: Option<std::time::Instant>) {
        self.waiting_since = [self.waiting_since, committed_at].into_iter().flatten().min();
    }
}
