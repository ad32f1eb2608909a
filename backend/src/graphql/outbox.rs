//! What waits to be sent on one socket.
//!
//! Of each watched object only the latest state waits, in the place of the first: a slow reader costs no more memory than
//! there are objects, and [`MAX_STATES`] at most, with what throttles hold back. Everything else waits in line.

use std::{
    collections::{HashMap, VecDeque},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use uuid::Uuid;

use super::close::Close;

mod throttle;

use throttle::Throttle;

#[cfg(test)]
mod tests;

/// The most states that wait or are held back; a reader further behind is told to ask again.
const MAX_STATES: usize = 4096;
/// The most bytes that they have; a reader further behind is told the same.
const MAX_STATE_BYTES: usize = 16 * 1024 * 1024;
/// The most answers to a client's pings that wait; no more is read from whoever has more until they are sent.
const MAX_PONGS: usize = 16;
/// The most lines of logs that wait; whoever has more waits with them.
const MAX_LINES: usize = 64;
/// The most queries and mutations of one socket that are carried out, or whose answers wait: answers may be large.
const MAX_ANSWERS: usize = 4;

/// Names an operation among all that a socket ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct OperationNumber(pub(super) u32);

/// Keeps an operation in the group that answers it. Dropping it leaves the group.
pub(super) type SubscriberGuard = Box<dyn fmt::Debug + Send + Sync>;

/// Something to be sent, or to be noted by the socket in its turn.
#[derive(Debug)]
pub(super) enum Frame {
    /// A whole message.
    Message(String),
    /// A result of an operation, as JSON.
    Next(OperationNumber, Bytes),
    /// The one result of an operation, which ends with it. Its place is free again once it was sent.
    Answer(OperationNumber, Bytes, OwnedSemaphorePermit),
    /// Errors that end an operation, as a JSON array.
    Error(OperationNumber, Bytes),
    /// The end of an operation.
    Complete(OperationNumber),
    /// An operation has joined its group.
    Joined(OperationNumber, SubscriberGuard),
}

impl Frame {
    /// The payload that it carries; it counts in the budget of large answers while a reference to it is held.
    pub(super) fn payload(&self) -> Option<Bytes> {
        match self {
            Self::Next(_, payload) | Self::Answer(_, payload, _) => Some(payload.clone()),
            Self::Message(_) | Self::Error(..) | Self::Complete(_) | Self::Joined(..) => None,
        }
    }
}

/// Where a frame waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// In line.
    Line(u64),
    /// In the place of this object's state.
    State(OperationNumber, Uuid),
    /// In the place of the call to ask again.
    Resync(OperationNumber),
}

#[derive(Debug, Default)]
struct Queue {
    order: VecDeque<Place>,
    frames: HashMap<Place, Frame>,
    /// The bytes of the states among them.
    bytes: usize,
    lines: usize,
    pongs: usize,
    next_line: u64,
    throttles: HashMap<OperationNumber, Throttle>,
    close: Option<Close>,
    /// The socket is gone.
    is_shut: bool,
}

/// What waits to be sent on one socket.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    answers: Arc<Semaphore>,
    /// Something waits.
    pub(super) filled: Notify,
    /// The socket is to be closed.
    pub(super) closing: Notify,
    /// There is room for lines again.
    room: Notify,
}

impl Default for Outbox {
    fn default() -> Self {
        let [filled, closing, room] = std::array::from_fn(|_| Notify::new());
        Self { queue: Mutex::default(), answers: Arc::new(Semaphore::new(MAX_ANSWERS)), filled, closing, room }
    }
}

/// An operation's way to its socket, for state streams.
#[derive(Clone, Debug)]
pub(super) struct SubscriptionSink {
    pub(super) outbox: Arc<Outbox>,
    pub(super) operation: OperationNumber,
}

impl SubscriptionSink {
    /// Delivers the state of an object in the place of one that still waits; whether there was room.
    pub(super) fn deliver(&self, object: Uuid, payload: Bytes) -> bool {
        let mut queue = self.outbox.queue();
        if queue.is_shut {
            return true;
        }
        let has_room = queue.has_room();
        let place = Place::State(self.operation, object);
        if let Some(throttle) = queue.throttles.get_mut(&self.operation) {
            if !throttle.hold(object, payload, has_room, Instant::now()) {
                return false;
            }
        } else if has_room || queue.frames.contains_key(&place) {
            queue.put(place, Frame::Next(self.operation, payload));
        } else {
            return false;
        }
        drop(queue);
        self.outbox.filled.notify_one();
        true
    }

    /// Tells the watcher to ask again, after all that waits.
    pub(super) fn resync(&self, payload: Bytes) {
        let place = Place::Resync(self.operation);
        let mut queue = self.outbox.queue();
        if queue.is_shut {
            return;
        }
        queue.order.retain(|waiting| *waiting != place);
        queue.remove(place);
        queue.put(place, Frame::Next(self.operation, payload));
        drop(queue);
        self.outbox.filled.notify_one();
    }

    /// Throws away what waits for this operation.
    pub(super) fn forget(&self) {
        self.outbox.forget(self.operation);
    }

    /// Ends the operation with errors, a JSON array, after all that waits.
    pub(super) fn fail(self, errors: Bytes) {
        self.outbox.push(Frame::Error(self.operation, errors));
    }

    /// Ends the operation, after all that waits.
    pub(super) fn complete(self) {
        self.outbox.push(Frame::Complete(self.operation));
    }
}

impl Outbox {
    /// Puts something in line.
    pub(super) fn push(&self, frame: Frame) {
        let mut queue = self.queue();
        if queue.is_shut {
            // Unlocked first: with the frame goes a place in a group, whose members have outboxes.
            drop(queue);
            return drop(frame);
        }
        queue.push(frame);
        drop(queue);
        self.filled.notify_one();
    }

    /// Waits for a place for one more answer; nothing once the socket is gone.
    pub(super) async fn place_for_answer(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.answers).acquire_owned().await.ok()
    }

    /// Puts an answer to a ping in line.
    pub(super) fn push_pong(&self, text: String) {
        self.queue().pongs += 1;
        self.push(Frame::Message(text));
    }

    /// Whether a client sends pings faster than it reads their answers.
    pub(super) fn is_crowded(&self) -> bool {
        self.queue().pongs >= MAX_PONGS
    }

    /// Puts a line of a log in line, once there is room for it.
    pub(super) async fn push_line(&self, operation: OperationNumber, payload: Bytes) {
        loop {
            let room = self.room.notified();
            {
                let mut queue = self.queue();
                if queue.lines < MAX_LINES {
                    queue.lines += 1;
                    queue.push(Frame::Next(operation, payload));
                    break;
                }
            }
            room.await;
        }
        self.filled.notify_one();
    }

    /// Lets through at most one state per object and interval from now on.
    pub(super) fn throttle(&self, operation: OperationNumber, interval: Duration) {
        self.queue().throttles.insert(operation, Throttle::new(interval));
    }

    /// Forgets an operation and what waits for it.
    pub(super) fn end(&self, operation: OperationNumber) {
        self.queue().throttles.remove(&operation);
        self.forget(operation);
    }

    fn forget(&self, operation: OperationNumber) {
        let mut queue = self.queue();
        let concerned = |place: &Place| match place {
            Place::State(of, _) | Place::Resync(of) => *of == operation,
            Place::Line(_) => false,
        };
        if queue.order.iter().any(concerned) {
            let gone: Vec<Place> = queue.order.iter().copied().filter(concerned).collect();
            queue.order.retain(|place| !concerned(place));
            for place in gone {
                queue.remove(place);
            }
        }
        if let Some(throttle) = queue.throttles.get_mut(&operation) {
            throttle.clear(Instant::now());
        }
    }

    /// Asks for the socket to be closed; the first to ask says why.
    pub(super) fn close(&self, close: Close) {
        self.queue().close.get_or_insert(close);
        self.closing.notify_one();
    }

    /// Throws away all that waits and all that comes: the socket is gone. A place in a group that waited here would keep
    /// the group, and the group this outbox.
    pub(super) fn shut(&self) {
        self.queue().is_shut = true;
        drop(self.take(Instant::now()));
    }

    /// Why the socket is to be closed, if it is.
    pub(super) fn closed(&self) -> Option<Close> {
        self.queue().close.clone()
    }

    /// Takes all that may be sent now, and when there will be more without anything new.
    pub(super) fn take(&self, now: Instant) -> (Vec<Frame>, Option<Instant>) {
        let mut queue = self.queue();
        let mut next: Option<Instant> = None;
        let mut throttles = mem::take(&mut queue.throttles);
        for (operation, throttle) in &mut throttles {
            for (object, payload) in throttle.due(now) {
                queue.put(Place::State(*operation, object), Frame::Next(*operation, payload));
            }
            next = [next, throttle.next_due()].into_iter().flatten().min();
        }
        queue.throttles = throttles;
        (queue.lines, queue.pongs, queue.bytes) = (0, 0, 0);
        // The memory goes with what was in it: most sockets are idle most of the time.
        let (order, mut frames) = (mem::take(&mut queue.order), mem::take(&mut queue.frames));
        drop(queue);
        self.room.notify_waiters();
        (order.iter().filter_map(|place| frames.remove(place)).collect(), next)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Whether one more state may wait, or be held back.
    fn has_room(&mut self) -> bool {
        let is_full = |queue: &Self| {
            queue.frames.len() + queue.throttles.values().map(Throttle::len).sum::<usize>() >= MAX_STATES
                || queue.bytes + queue.throttles.values().map(Throttle::bytes).sum::<usize>() >= MAX_STATE_BYTES
        };
        if is_full(self) {
            let now = Instant::now();
            self.throttles.values_mut().for_each(|throttle| throttle.forget_idle(now));
        }
        !is_full(self)
    }

    fn push(&mut self, frame: Frame) {
        let place = Place::Line(self.next_line);
        self.next_line += 1;
        self.put(place, frame);
    }

    fn put(&mut self, place: Place, frame: Frame) {
        self.bytes += bytes(place, &frame);
        match self.frames.insert(place, frame) {
            Some(earlier) => self.bytes -= bytes(place, &earlier),
            None => self.order.push_back(place),
        }
    }

    fn remove(&mut self, place: Place) {
        if let Some(frame) = self.frames.remove(&place) {
            self.bytes -= bytes(place, &frame);
        }
    }
}

/// The bytes of a frame that is a state.
fn bytes(place: Place, frame: &Frame) -> usize {
    match (place, frame) {
        (Place::State(..), Frame::Next(_, payload)) => payload.len(),
        _ => 0,
    }
}
