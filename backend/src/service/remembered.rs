//! What is remembered so that authentication, and the question whether anything waits for an agent, cost no database read.
//!
//! Everything here is dropped at once when it changes, here and (over the bus) on every server. While the bus does not
//! reach the other servers, nothing older than a second is believed.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    error::Result,
    events::{Bus, Forget, Reader, Signal},
    ids::{AgentId, CustomerId, SessionId, UserId},
    model::{directive::Directive, instances::Instances},
    store::{credentials::KeyRow, sessions::SessionRow, users::UserRow},
};

/// The most entries of a kind.
const CAPACITY: usize = 100_000;
/// How old an entry may be while changes of other servers do not arrive.
const UNCONNECTED: TimeDelta = TimeDelta::seconds(1);

/// The SHA-256 of a key.
pub(super) type Digest = [u8; 32];

/// The memory of a server.
#[derive(Debug)]
pub(super) struct Remembered {
    bus: Bus,
    pub(super) keys: Kind<Digest, Arc<KeyRow>>,
    pub(super) sessions: Kind<SessionId, Arc<SessionRow>>,
    pub(super) users: Kind<UserId, Arc<UserRow>>,
    /// Whether the customer is suspended.
    pub(super) customers: Kind<CustomerId, bool>,
    pub(super) directives: Kind<AgentId, Arc<[Directive]>>,
    /// The processes of an agent.
    pub(super) instances: Kind<AgentId, Arc<Instances>>,
    /// Tells the scheduler that what it waits for may have changed.
    pub(super) schedules: Notify,
}

/// Entries of one kind.
#[derive(Debug)]
pub(super) struct Kind<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> {
    entries: Cache<K, Entry<V>>,
    /// Counts what was forgotten, so that a read that began before a change is not remembered after it.
    generation: AtomicU64,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    value: V,
    read_at: DateTime<Utc>,
}

impl<K: Hash + Eq + Copy + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Kind<K, V> {
    fn new() -> Self {
        Self { entries: Cache::new(CAPACITY), generation: AtomicU64::new(0) }
    }

    /// The remembered value, or what `read` finds, which is then remembered.
    pub(super) async fn get(
        &self,
        key: K,
        now: DateTime<Utc>,
        bus: &Bus,
        read: impl Future<Output = Result<Option<V>>>,
    ) -> Result<Option<V>> {
        if let Some(entry) = self.entries.get(&key)
            && (bus.is_connected() || (now - entry.read_at).abs() < UNCONNECTED)
        {
            return Ok(Some(entry.value));
        }
        let generation = self.generation.load(Ordering::Acquire);
        let Some(value) = read.await? else { return Ok(None) };
        self.entries.insert(key, Entry { value: value.clone(), read_at: now });
        if self.generation.load(Ordering::Acquire) != generation {
            self.entries.remove(&key);
        }
        Ok(Some(value))
    }

    fn forget(&self, key: &K) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.remove(key);
    }

    fn forget_where(&self, condition: impl Fn(&V) -> bool) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.retain(|_, entry| !condition(&entry.value));
    }

    fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.clear();
    }
}

impl Remembered {
    pub(super) fn new(bus: Bus) -> Self {
        Self {
            bus,
            keys: Kind::new(),
            sessions: Kind::new(),
            users: Kind::new(),
            customers: Kind::new(),
            directives: Kind::new(),
            instances: Kind::new(),
            schedules: Notify::new(),
        }
    }

    pub(super) const fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(super) fn forget(&self, changed: &[Forget]) {
        for what in changed {
            match what {
                Forget::AgentKeys(agent) => {
                    self.keys.forget_where(|key| key.agent_id == *agent);
                    self.instances.forget(agent);
                }
                Forget::Directives(agent) => self.directives.forget(agent),
                Forget::Session(session) => self.sessions.forget(session),
                Forget::User(user) => self.users.forget(user),
                Forget::Customer(customer) => self.customers.forget(customer),
                Forget::Schedules => self.schedules.notify_one(),
            }
        }
    }

    /// Forgets what a signal of the bus says has changed.
    pub(super) fn heed(&self, signal: &Signal) {
        match signal {
            Signal::Message(message) => self.forget(&message.forget),
            Signal::Resync => self.forget_all(),
        }
    }

    pub(super) fn forget_all(&self) {
        self.keys.forget_all();
        self.sessions.forget_all();
        self.users.forget_all();
        self.customers.forget_all();
        self.directives.forget_all();
        self.instances.forget_all();
        self.schedules.notify_one();
    }
}

/// Forgets what other servers have changed, and everything after an outage.
pub(super) async fn forget_what_others_changed(
    remembered: Arc<Remembered>,
    mut changes: Reader,
    stop: CancellationToken,
) {
    while let Some(Some(signal)) = stop.run_until_cancelled(changes.next()).await {
        remembered.heed(&signal);
    }
}
