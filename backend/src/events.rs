//! The bus: publishes committed changes to the readers in this server and, over Redis, to the other servers on the same
//! database.
//!
//! A message is a hint, and the database is the truth: a reader that may have missed a message receives
//! [`Signal::Resync`] and queries again. So no caller waits for a publication, and a lost message loses no committed
//! data.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use tokio::sync::{broadcast, mpsc};

use crate::{
    ids::{AgentId, CustomerId, SessionId, UserId},
    model::event::Event,
};

pub mod redis;
mod redis_message_format;

/// The number of messages that a reader may be behind before it receives a resync instead.
const LOCAL_QUEUE: usize = 4096;
/// Messages that wait for Redis before they are dropped and the other servers receive a resync.
const REMOTE_QUEUE: usize = 1024;

/// The changes of one commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The events of the commit, in the order of their numbers.
    pub events: Vec<Event>,
    /// Cache entries that every server removes. The JSON name of the field is `forget` in all versions of the server.
    #[serde(rename = "forget")]
    pub invalidations: Vec<Invalidation>,
    /// The time of the commit, if this server committed; `None` in messages of other servers.
    #[serde(skip)]
    pub committed_at: Option<Instant>,
}

/// The cache entries that every server must remove, because what they hold has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Invalidation {
    /// The API keys, the client certificates and the processes of an agent.
    AgentKeys(AgentId),
    /// The open directives of an agent.
    Directives(AgentId),
    /// A session.
    Session(SessionId),
    /// A user.
    User(UserId),
    /// Whether a customer is suspended.
    Customer(CustomerId),
    /// The snoozes of the attention items that administrators see and, if there is a customer, of those that its users
    /// see.
    Attention(Option<CustomerId>),
    /// The time of the next slot of all schedules; wakes the scheduler.
    Schedules,
}

/// A signal that a reader of the bus receives.
#[derive(Clone, Debug)]
pub enum Signal {
    /// A transaction was committed.
    Message(Arc<Message>),
    /// Messages may have been missed: the reader must query again.
    Resync,
}

/// The bus. Clones share the same readers and queues.
#[derive(Clone, Debug)]
pub struct Bus {
    local: broadcast::Sender<Signal>,
    remote: Option<Remote>,
}

/// The queue to the other servers.
#[derive(Clone, Debug)]
struct Remote {
    queue: mpsc::Sender<Arc<Message>>,
    state: Arc<RemoteState>,
}

/// The state that the bus and the tasks of the bridge share.
#[derive(Debug, Default)]
struct RemoteState {
    /// Whether messages of other servers arrive.
    is_connected: AtomicBool,
    /// Whether a message to the other servers was dropped since the last resync that they received.
    has_lost: AtomicBool,
}

/// Reads the bus. A reader that falls behind receives [`Signal::Resync`] in place of the messages it has missed.
#[derive(Debug)]
pub struct Reader(broadcast::Receiver<Signal>);

impl Reader {
    /// Waits for the next signal. Returns `None` once the bus was dropped.
    pub async fn next(&mut self) -> Option<Signal> {
        match self.0.recv().await {
            Ok(signal) => Some(signal),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Signal::Resync),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Bus {
    /// Creates a bus that reaches the readers in this server only.
    #[must_use]
    pub fn in_process() -> Self {
        Self { local: broadcast::channel(LOCAL_QUEUE).0, remote: None }
    }

    /// Sends the message to every reader in this server, and queues it for the other servers. Never blocks.
    ///
    /// Call this right after the commit, because it sets `committed_at` to the current time.
    pub fn publish(&self, message: Message) {
        let message = Arc::new(Message { committed_at: Some(Instant::now()), ..message });
        if let Some(remote) = &self.remote
            && remote.queue.try_send(Arc::clone(&message)).is_err()
        {
            remote.state.has_lost.store(true, Ordering::Release);
            metrics::counter!("mftplus_bus_dropped_total").increment(1);
        }
        self.notify(Signal::Message(message));
    }

    fn notify(&self, signal: Signal) {
        // Fails only if there is no reader.
        drop(self.local.send(signal));
    }

    /// Creates a reader of all messages that are published from now on.
    #[must_use]
    pub fn read(&self) -> Reader {
        Reader(self.local.subscribe())
    }

    /// Whether a message may have a reader: in this server or, if the bus reaches other servers, in one of those.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        self.remote.is_some() || self.local.receiver_count() > 0
    }

    /// Whether the bus reaches other servers through Redis.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.remote.is_some()
    }

    /// Whether messages of other servers arrive; always true for a bus of one server.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.state.is_connected.load(Ordering::Acquire))
    }

    /// Sends a resync to every reader in this server.
    pub fn resync(&self) {
        self.notify(Signal::Resync);
    }
}
