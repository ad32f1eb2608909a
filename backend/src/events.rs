//! Telling others what was committed: within this server, and over Redis to the other servers on the same database.
//!
//! Publishing is a hint. The database is the truth; whoever may have missed something is told [`Signal::Resync`] and asks
//! again. So a publication is never waited for, and losing one costs nothing that was acknowledged.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use tokio::sync::{broadcast, mpsc};

use crate::{
    ids::{AgentId, CustomerId, SessionId, UserId},
    model::event::Event,
};

mod envelope;
pub mod redis;

/// Messages a slow reader may be behind before it is told to ask again.
const LOCAL_QUEUE: usize = 4096;
/// Messages that wait for Redis before they are dropped and the other servers are told to ask again.
const REMOTE_QUEUE: usize = 1024;

/// What one commit has to tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What has happened, in the order of commit.
    pub events: Vec<Event>,
    /// Cache entries that every server removes. Servers of all versions call the field `forget`.
    #[serde(rename = "forget")]
    pub invalidations: Vec<Invalidation>,
}

/// Cache entries that have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Invalidation {
    /// The API keys and the processes of an agent.
    AgentKeys(AgentId),
    /// The open directives of an agent.
    Directives(AgentId),
    /// One session.
    Session(SessionId),
    /// One user.
    User(UserId),
    /// Whether a customer is suspended.
    Customer(CustomerId),
    /// The time of the next slot of all schedules; wakes the scheduler.
    Schedules,
}

/// What a reader of the bus gets.
#[derive(Clone, Debug)]
pub enum Signal {
    /// Something was committed.
    Message(Arc<Message>),
    /// Something may have been missed: ask again.
    Resync,
}

/// The bus. Clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Bus {
    local: broadcast::Sender<Signal>,
    remote: Option<Remote>,
}

/// The way to the other servers.
#[derive(Clone, Debug)]
struct Remote {
    queue: mpsc::Sender<Arc<Message>>,
    state: Arc<RemoteState>,
}

/// What the tasks of the bridge and the bus tell each other.
#[derive(Debug, Default)]
struct RemoteState {
    /// Whether messages of other servers arrive.
    is_connected: AtomicBool,
    /// Whether a message was dropped that other servers should have had.
    has_lost: AtomicBool,
}

/// Reads the bus. Falling behind shows as [`Signal::Resync`], never as silence.
#[derive(Debug)]
pub struct Reader(broadcast::Receiver<Signal>);

impl Reader {
    /// The next signal; nothing when the bus is gone.
    pub async fn next(&mut self) -> Option<Signal> {
        match self.0.recv().await {
            Ok(signal) => Some(signal),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Signal::Resync),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Bus {
    /// A bus within this server only.
    #[must_use]
    pub fn in_process() -> Self {
        Self { local: broadcast::channel(LOCAL_QUEUE).0, remote: None }
    }

    /// Tells every reader here, and queues it for the other servers.
    pub fn publish(&self, message: Message) {
        let message = Arc::new(message);
        if let Some(remote) = &self.remote
            && remote.queue.try_send(Arc::clone(&message)).is_err()
        {
            remote.state.has_lost.store(true, Ordering::Release);
            metrics::counter!("mftplus_bus_dropped_total").increment(1);
        }
        self.tell(Signal::Message(message));
    }

    fn tell(&self, signal: Signal) {
        // Without a reader there is nobody to tell.
        drop(self.local.send(signal));
    }

    /// A reader of what is published from now on.
    #[must_use]
    pub fn read(&self) -> Reader {
        Reader(self.local.subscribe())
    }

    /// Whether anybody reads.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        self.remote.is_some() || self.local.receiver_count() > 0
    }

    /// Whether there are other servers to tell.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.remote.is_some()
    }

    /// Whether what other servers publish arrives at once; always, where there are none.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.state.is_connected.load(Ordering::Acquire))
    }

    /// Tells every reader here to ask again.
    pub fn resync(&self) {
        self.tell(Signal::Resync);
    }
}
