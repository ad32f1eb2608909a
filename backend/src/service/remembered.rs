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
/// Counters of forgotten API keys; an agent has one by its id, and shares it with a few others.
const FORGOTTEN_COUNTERS: usize = 4096;
/// How old an entry may be while changes of other servers do not arrive.
const UNCONNECTED: TimeDelta = TimeDelta::seconds(1);

/// The SHA-256 of a key.
pub(super) type Digest = [u8; 32];

/// The memory of a server.
#[derive(Debug)]
pub(super) struct Remembered {
    bus: Bus,
    pub(super) keys: Keys,
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
    pub(super) fn get(
        &self,
        key: K,
        now: DateTime<Utc>,
        bus: &Bus,
        read: impl Future<Output = Result<Option<V>>>,
    ) -> impl Future<Output = Result<Option<V>>> {
        self.get_valid(key, now, bus, |_| true, read)
    }

    /// As [`Self::get`]; a remembered value that is not valid is read again.
    async fn get_valid(
        &self,
        key: K,
        now: DateTime<Utc>,
        bus: &Bus,
        is_valid: impl Fn(&V) -> bool,
        read: impl Future<Output = Result<Option<V>>>,
    ) -> Result<Option<V>> {
        if let Some(entry) = self.entries.get(&key)
            && (bus.is_connected() || (now - entry.read_at).abs() < UNCONNECTED)
            && is_valid(&entry.value)
        {
            return Ok(Some(entry.value));
        }
        let generation = self.generation.load(Ordering::Acquire);
        let Some(value) = read.await? else { return Ok(None) };
        // Checked before as well, so that what is known to be outdated is never found by others.
        if self.generation.load(Ordering::Acquire) == generation {
            self.entries.insert(key, Entry { value: value.clone(), read_at: now });
            if self.generation.load(Ordering::Acquire) != generation {
                self.entries.remove(&key);
            }
        }
        Ok(Some(value))
    }

    fn forget(&self, key: &K) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.remove(key);
    }

    fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.clear();
    }
}

/// API keys by their digests.
///
/// The keys of an agent are forgotten without looking for them among all: each remembers how often those of its agent had
/// been forgotten when it was read.
#[derive(Debug)]
pub(super) struct Keys {
    kind: Kind<Digest, Key>,
    forgotten: Box<[AtomicU64]>,
}

#[derive(Clone, Debug)]
struct Key {
    row: Arc<KeyRow>,
    forgotten: u64,
}

impl Keys {
    fn new() -> Self {
        Self { kind: Kind::new(), forgotten: (0..FORGOTTEN_COUNTERS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// As [`Kind::get`].
    pub(super) async fn get(
        &self,
        digest: Digest,
        now: DateTime<Utc>,
        bus: &Bus,
        read: impl Future<Output = Result<Option<Arc<KeyRow>>>>,
    ) -> Result<Option<Arc<KeyRow>>> {
        let read = async {
            let row = read.await?;
            Ok(row.map(|row| Key { forgotten: self.counter(row.agent_id).load(Ordering::Acquire), row }))
        };
        // The very entry that is found is checked: another call may store one that it read before the keys were forgotten.
        let key = self.kind.get_valid(digest, now, bus, |key| self.is_valid(key), read).await?;
        Ok(key.map(|key| key.row))
    }

    fn is_valid(&self, key: &Key) -> bool {
        self.counter(key.row.agent_id).load(Ordering::Acquire) == key.forgotten
    }

    /// Forgets the keys of an agent, and those of the few agents that share its counter.
    fn forget(&self, agent: AgentId) {
        // First the generation: a read that saw the old one and takes the new count is thrown away.
        self.kind.generation.fetch_add(1, Ordering::AcqRel);
        self.counter(agent).fetch_add(1, Ordering::AcqRel);
    }

    fn forget_all(&self) {
        self.kind.forget_all();
    }

    fn counter(&self, agent: AgentId) -> &AtomicU64 {
        // The end of an id is random.
        let [.., high, low] = *agent.0.as_bytes();
        &self.forgotten[usize::from(u16::from_be_bytes([high, low])) % FORGOTTEN_COUNTERS]
    }
}

impl Remembered {
    pub(super) fn new(bus: Bus) -> Self {
        Self {
            bus,
            keys: Keys::new(),
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
                    self.keys.forget(*agent);
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ONE: AgentId = AgentId(Uuid::from_u128(1));
    const OTHER: AgentId = AgentId(Uuid::from_u128(2));

    fn row(agent_id: AgentId) -> Arc<KeyRow> {
        let customer_id = CustomerId(Uuid::nil());
        Arc::new(KeyRow { agent_id, customer_id, expires_at: None, awaits_first_use: false })
    }

    /// Whether the agent's key has to be read.
    async fn is_read(keys: &Keys, agent: AgentId) -> bool {
        let mut is_read = false;
        let read = async {
            is_read = true;
            Ok(Some(row(agent)))
        };
        let found = keys.get(digest_of(agent), DateTime::UNIX_EPOCH, &Bus::in_process(), read).await;
        assert_eq!(found.unwrap().map(|row| row.agent_id), Some(agent));
        is_read
    }

    fn digest_of(agent: AgentId) -> Digest {
        [agent.0.as_bytes()[15]; 32]
    }

    #[tokio::test]
    async fn forgetting_the_keys_of_an_agent_leaves_those_of_others() {
        let keys = Keys::new();
        assert!(is_read(&keys, ONE).await && is_read(&keys, OTHER).await);
        assert!(!is_read(&keys, ONE).await && !is_read(&keys, OTHER).await);
        keys.forget(ONE);
        assert!(!is_read(&keys, OTHER).await);
        assert!(is_read(&keys, ONE).await);
        assert!(!is_read(&keys, ONE).await, "it is remembered again");
        keys.forget_all();
        assert!(is_read(&keys, OTHER).await);
    }

    #[tokio::test]
    async fn a_key_that_a_slower_call_stores_after_it_was_forgotten_is_read_again() {
        let keys = Keys::new();
        assert!(is_read(&keys, ONE).await);
        let outdated = keys.kind.entries.get(&digest_of(ONE)).unwrap();
        keys.forget(ONE);
        assert!(is_read(&keys, ONE).await);
        keys.kind.entries.insert(digest_of(ONE), outdated);
        assert!(is_read(&keys, ONE).await);
        assert!(!is_read(&keys, ONE).await, "it is remembered again");
    }

    #[tokio::test]
    async fn what_is_forgotten_while_it_is_read_is_never_stored() {
        let kind = Kind::<SessionId, u8>::new();
        let id = SessionId(Uuid::nil());
        let overtaken = async {
            kind.forget(&id);
            Ok(Some(1))
        };
        let found = kind.get(id, DateTime::UNIX_EPOCH, &Bus::in_process(), overtaken).await;
        assert_eq!((found.unwrap(), kind.entries.get(&id).map(|entry| entry.value)), (Some(1), None));
    }

    #[tokio::test]
    async fn a_key_that_is_forgotten_while_it_is_read_is_read_again() {
        let keys = Keys::new();
        let overtaken = async {
            keys.forget(ONE);
            Ok(Some(row(ONE)))
        };
        let found = keys.get(digest_of(ONE), DateTime::UNIX_EPOCH, &Bus::in_process(), overtaken).await;
        assert!(found.unwrap().is_some());
        assert!(is_read(&keys, ONE).await);
    }
}
