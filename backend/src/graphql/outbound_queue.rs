//! The outbound queue of a socket: the messages that wait until the client reads them.
//!
//! While the queue is empty, states are written to the socket at once ([`SubscriptionSink::deliver_all`]). States that
//! the socket does not take wait in the queue, and the task of the socket writes them in batches
//! ([`OutboundQueue::send`]).
//!
//! Only the latest state of each object waits, at the position of the first one. So a slow client costs the memory of
//! one state per object, and of at most [`MAX_STATES`] states, including those that throttles hold back. All other
//! messages wait in the order in which they were queued.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::poll_fn,
    io, mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use uuid::Uuid;

use super::{close_codes::Close, delivery_duration, result_frames::Envelope};

mod subscription_sink;
mod throttle;
mod writer;

pub(super) use subscription_sink::{State, SubscriptionSink};
use throttle::Throttle;
pub(super) use writer::SocketWriter;

#[cfg(test)]
mod tests;

/// The maximum number of states that wait or are held back. If there are more, the client gets a resync.
const MAX_STATES: usize = 4096;
/// The maximum number of bytes of these states. If there are more, the client gets a resync.
const MAX_STATE_BYTES: usize = 16 * 1024 * 1024;
/// The maximum number of pongs that wait. If there are more, nothing is read from the client until they are sent.
const MAX_PONGS: usize = 16;
/// The maximum number of log entries that wait. If there are more, the stream of the log waits.
const MAX_LOG_ENTRIES: usize = 64;
/// The maximum number of queries and mutations of one socket that are executed or whose responses wait, since these may
/// be large.
const MAX_ANSWERS: usize = 4;

/// The number of an operation on its socket. A socket never uses a number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct OperationNumber(pub(super) u32);

/// Keeps an operation subscribed. Dropping it ends the subscription.
pub(super) type SubscriberGuard = Box<dyn fmt::Debug + Send + Sync>;

/// An entry of the queue: something to send, or a note to the task of the socket.
#[derive(Debug)]
pub(super) enum Outbound {
    /// A complete message.
    Message(String),
    /// Complete frames of the WebSocket protocol itself: a pong.
    Frames(Vec<u8>),
    /// A result of an operation, as JSON.
    Next(OperationNumber, Bytes),
    /// The only result of an operation, which ends with it. The permit is released once it is sent.
    Answer(OperationNumber, Bytes, #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit),
    /// Errors that end an operation, as a JSON array.
    Error(OperationNumber, Bytes),
    /// The end of an operation.
    Complete(OperationNumber),
    /// The operation has joined its shared subscription.
    Joined(OperationNumber, SubscriberGuard),
}

/// The slot in which an entry waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SlotKey {
    /// A slot in the order of arrival.
    Fifo(u64),
    /// The slot for the state of this object.
    State(OperationNumber, Uuid),
    /// The slot for the resync of this operation.
    Resync(OperationNumber),
}

#[derive(Debug, Default)]
struct Queue {
    order: VecDeque<SlotKey>,
    items: HashMap<SlotKey, Outbound>,
    /// The total size of the waiting states, in bytes.
    bytes: usize,
    log_entries: usize,
    pongs: usize,
    next_fifo: u64,
    /// The running operations. There are few, so that a list is faster than a map.
    operations: Vec<QueuedOperation>,
    /// `None` once the socket is being closed.
    writer: Option<SocketWriter>,
    /// Whether the task of the socket sends what it has taken.
    is_sending: bool,
    /// The earliest commit of the states that wait, as far as it is known.
    waiting_since: Option<std::time::Instant>,
    /// The earliest commit of the states that are being sent.
    sending_since: Option<std::time::Instant>,
    /// The time at which the task of the socket looks for states that throttles hold back.
    wakes_at: Option<Instant>,
    close: Option<Close>,
    /// Whether the socket is closed.
    is_shut: bool,
}

/// What the queue knows of a running operation.
#[derive(Debug)]
struct QueuedOperation {
    number: OperationNumber,
    envelope: Envelope,
    throttle: Option<Box<Throttle>>,
}

/// The messages that wait to be sent on one socket.
#[derive(Debug)]
pub(super) struct OutboundQueue {
    /// The shard that delivers to the socket.
    shard: usize,
    queue: Mutex<Queue>,
    /// The permits of [`MAX_ANSWERS`], once there was a query or a mutation.
    answers: OnceLock<Arc<Semaphore>>,
    /// Notified when an entry waits to be sent.
    pub(super) filled: Notify,
    /// Notified when the socket has to be closed.
    pub(super) closing: Notify,
    /// Notified when there is room for log entries.
    room: Notify,
}

impl Default for OutboundQueue {
    /// A queue without a socket.
    fn default() -> Self {
        let [filled, closing, room] = std::array::from_fn(|_| Notify::new());
        Self { shard: 0, queue: Mutex::default(), answers: OnceLock::new(), filled, closing, room }
    }
}

impl OutboundQueue {
    /// The queue of a socket that belongs to this shard.
    pub(super) fn new(writer: SocketWriter, shard: usize) -> Self {
        let queue = Queue { writer: Some(writer), ..Queue::default() };
        Self { shard, queue: Mutex::new(queue), ..Self::default() }
    }

    /// Queues an entry after all waiting entries.
    pub(super) fn push(&self, item: Outbound) {
        let mut queue = self.queue();
        if queue.is_shut {
            // Unlocked first: dropping a subscriber locks its shared subscription, which locks outbound queues.
            drop(queue);
            return drop(item);
        }
        queue.push(item);
        drop(queue);
        self.filled.notify_one();
    }

    /// Waits for one of [`MAX_ANSWERS`] permits to execute a query or mutation; `None` if the semaphore is closed.
    pub(super) async fn answer_permit(&self) -> Option<OwnedSemaphorePermit> {
        let answers = self.answers.get_or_init(|| Arc::new(Semaphore::new(MAX_ANSWERS)));
        Arc::clone(answers).acquire_owned().await.ok()
    }

    /// Queues a pong.
    pub(super) fn push_pong(&self, pong: Outbound) {
        self.queue().pongs += 1;
        self.push(pong);
    }

    /// Whether [`MAX_PONGS`] pongs wait, because the client sends pings faster than it reads the pongs.
    pub(super) fn is_backlogged(&self) -> bool {
        self.queue().pongs >= MAX_PONGS
    }

    /// Queues a log entry, once there is room for it.
    pub(super) async fn push_log_entry(&self, operation: OperationNumber, payload: Bytes) {
        loop {
            let room = self.room.notified();
            {
                let mut queue = self.queue();
                if queue.log_entries < MAX_LOG_ENTRIES {
                    queue.log_entries += 1;
                    queue.push(Outbound::Next(operation, payload));
                    break;
                }
            }
            room.await;
        }
        self.filled.notify_one();
    }

    /// Adds a running operation and the envelope of its results. States of operations that were not added are dropped.
    pub(super) fn begin(&self, operation: OperationNumber, envelope: Envelope) {
        let mut queue = self.queue();
        // Most sockets have one operation.
        queue.operations.reserve_exact(1);
        queue.operations.push(QueuedOperation { number: operation, envelope, throttle: None });
    }

    /// Limits an operation to one state per object and interval from now on.
    pub(super) fn throttle(&self, operation: OperationNumber, interval: Duration) {
        if let Some(operation) = self.queue().operation(operation) {
            operation.throttle = Some(Box::new(Throttle::new(interval)));
        }
    }

    /// Removes an operation that has ended, with its states and its resync.
    pub(super) fn end(&self, operation: OperationNumber) {
        self.queue().operations.retain(|known| known.number != operation);
        self.discard_waiting(operation);
    }

    fn discard_waiting(&self, operation: OperationNumber) {
        let mut queue = self.queue();
        let concerned = |slot: &SlotKey| match slot {
            SlotKey::State(of, _) | SlotKey::Resync(of) => *of == operation,
            SlotKey::Fifo(_) => false,
        };
        if queue.order.iter().any(concerned) {
            let gone: Vec<SlotKey> = queue.order.iter().copied().filter(concerned).collect();
            queue.order.retain(|slot| !concerned(slot));
            queue.waiting_since = None;
            for slot in gone {
                queue.remove(slot);
            }
        }
        if let Some(throttle) = queue.operation(operation).and_then(|known| known.throttle.as_mut()) {
            throttle.clear(Instant::now());
        }
    }

    /// Requests that the socket is closed. If this is called several times, the first reason is used.
    pub(super) fn close(&self, close: Close) {
        self.queue().close.get_or_insert(close);
        self.closing.notify_one();
    }

    /// Drops everything that waits and everything that comes later, because the socket is closed. A subscriber guard
    /// that stayed in the queue would keep its shared subscription in memory, which would keep this queue in memory.
    pub(super) fn shut(&self) {
        {
            let mut queue = self.queue();
            queue.is_shut = true;
            (queue.operations, queue.writer) = (Vec::new(), None);
        }
        drop(self.drain(Instant::now()));
    }

    /// Takes the writer of a socket that is about to be closed; `None` if it was taken before. Entries that wait are
    /// not sent any more.
    pub(super) fn take_writer(&self) -> Option<SocketWriter> {
        self.queue().writer.take()
    }

    /// Sends these frames, after the frames that are still unsent.
    ///
    /// # Errors
    ///
    /// The error of the connection.
    pub(super) async fn send(&self, frames: Vec<u8>) -> io::Result<()> {
        if let Some(writer) = &mut self.queue().writer {
            writer.push(frames);
        }
        poll_fn(|context| self.poll_send(context)).await
    }

    /// Notes that all entries that [`Self::drain`] returned have been sent. From now on states may be written to the
    /// socket at once again.
    pub(super) fn sent(&self) {
        let mut queue = self.queue();
        queue.is_sending = false;
        let committed_at = queue.sending_since.take();
        drop(queue);
        if let Some(committed_at) = committed_at {
            delivery_duration::record(committed_at);
        }
    }

    fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.queue().writer {
            Some(writer) => writer.poll_send(context),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// The reason to close the socket; `None` if it need not be closed.
    pub(super) fn closed(&self) -> Option<Close> {
        self.queue().close.clone()
    }

    /// Takes all entries that may be sent now. The caller must call [`Self::sent`] when it has sent them. Also returns
    /// the time at which a throttle releases the next state; `None` if no state is held back.
    pub(super) fn drain(&self, now: Instant) -> (Vec<Outbound>, Option<Instant>) {
        let mut queue = self.queue();
        let mut next: Option<Instant> = None;
        let mut operations = mem::take(&mut queue.operations);
        for QueuedOperation { number, throttle, .. } in &mut operations {
            let Some(throttle) = throttle else { continue };
            for (object, payload) in throttle.due(now) {
                queue.put(SlotKey::State(*number, object), Outbound::Next(*number, payload));
            }
            next = [next, throttle.next_due(now)].into_iter().flatten().min();
        }
        queue.operations = operations;
        queue.wakes_at = next;
        (queue.log_entries, queue.pongs, queue.bytes) = (0, 0, 0);
        queue.is_sending = true;
        queue.sending_since = queue.waiting_since.take();
        // The memory is freed with its content, since most sockets are idle most of the time.
        let (order, mut items) = (mem::take(&mut queue.order), mem::take(&mut queue.items));
        drop(queue);
        self.room.notify_waiters();
        (order.iter().filter_map(|slot| items.remove(slot)).collect(), next)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Whether one more state may wait, or be held back.
    fn has_room(&mut self) -> bool {
        let is_full = |queue: &Self| {
            let throttles = || queue.operations.iter().filter_map(|operation| operation.throttle.as_deref());
            queue.items.len() + throttles().map(Throttle::len).sum::<usize>() >= MAX_STATES
                || queue.bytes + throttles().map(Throttle::bytes).sum::<usize>() >= MAX_STATE_BYTES
        };
        if is_full(self) {
            let (now, operations) = (Instant::now(), self.operations.iter_mut());
            let throttles = operations.filter_map(|operation| operation.throttle.as_mut());
            throttles.for_each(|throttle| throttle.remove_idle(now));
        }
        !is_full(self)
    }

    fn operation(&mut self, number: OperationNumber) -> Option<&mut QueuedOperation> {
        self.operations.iter_mut().find(|operation| operation.number == number)
    }

    fn push(&mut self, item: Outbound) {
        let slot = SlotKey::Fifo(self.next_fifo);
        self.next_fifo += 1;
        self.put(slot, item);
    }

    fn put(&mut self, slot: SlotKey, item: Outbound) {
        self.bytes += bytes(slot, &item);
        match self.items.insert(slot, item) {
            Some(earlier) => self.bytes -= bytes(slot, &earlier),
            None => self.order.push_back(slot),
        }
    }

    fn remove(&mut self, slot: SlotKey) {
        if let Some(item) = self.items.remove(&slot) {
            self.bytes -= bytes(slot, &item);
        }
    }
}

/// The bytes of a state; 0 for any other entry.
fn bytes(slot: SlotKey, item: &Outbound) -> usize {
    match (slot, item) {
        (SlotKey::State(..), Outbound::Next(_, payload)) => payload.len(),
        _ => 0,
    }
}
