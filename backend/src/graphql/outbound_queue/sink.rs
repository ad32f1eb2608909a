//! Where a shared subscription sends the messages of one subscriber.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::{OperationNumber, Outbound, OutboundQueue, SlotKey};

/// Where a shared subscription sends the messages of one subscriber.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct SubscriptionSink {
    pub(in crate::graphql) outbound: Arc<OutboundQueue>,
    pub(in crate::graphql) operation: OperationNumber,
}

impl SubscriptionSink {
    /// Queues the state of an object, in place of a state of the same object that still waits. Returns false if the
    /// queue is full.
    pub(in crate::graphql) fn deliver(&self, object: Uuid, payload: Bytes) -> bool {
        let mut queue = self.outbound.queue();
        if queue.is_shut {
            return true;
        }
        let has_room = queue.has_room();
        let slot = SlotKey::State(self.operation, object);
        // An operation that has ended gets nothing.
        let Some(operation) = queue.operation(self.operation) else { return true };
        if let Some(throttle) = &mut operation.throttle {
            if !throttle.hold(object, payload, has_room, Instant::now()) {
                return false;
            }
        } else if has_room || queue.items.contains_key(&slot) {
            queue.put(slot, Outbound::Next(self.operation, payload));
        } else {
            return false;
        }
        drop(queue);
        self.outbound.filled.notify_one();
        true
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

    /// Drops the states and the resync of this operation.
    pub(in crate::graphql) fn forget(&self) {
        self.outbound.forget(self.operation);
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
