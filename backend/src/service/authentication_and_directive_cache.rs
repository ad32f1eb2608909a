//! The cache of API keys, client certificates, sessions, users, customers, open directives and agent processes. While an
//! entry is valid, authentication and requests for directives need no database read.
//!
//! A change invalidates its entry on this server right after the commit, and on the others with the message on the bus.
//! While the bus does not reach the other servers, an entry is valid for one second.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    error::Result,
    events::{Bus, Invalidation, Reader, Signal},
    ids::{AgentId, CustomerId, SessionId, UserId},
    model::{agent_instances::AgentInstances, directive::Directive},
    store::{api_keys::KeyRow, sessions::SessionRow, users::UserRow},
};

/// The approximate maximum number of entries of a kind. A cache map with this capacity has room for a fleet of 100,000
/// agents, although entries are not spread evenly over the parts of the map. Memory is used for existing entries only.
const CAPACITY: usize = 250_000;
/// Counters of invalidations of API keys. The id of an agent determines its counter; a few agents share one.
const INVALIDATION_COUNTERS: usize = 4096;
/// How long an entry is valid while invalidations of other servers do not arrive.
const UNCONNECTED_LIFETIME: TimeDelta = TimeDelta::seconds(1);

/// The SHA-256 of an API key or a client certificate.
pub(super) type Digest = [u8; 32];

/// The cache of one server.
#[derive(Debug)]
pub(super) struct Cache {
    bus: Bus,
    pub(super) keys: KeyCache,
    /// The cached client certificates, by their digests.
    pub(super) certificates: KeyCache,
    pub(super) sessions: CacheMap<SessionId, Arc<SessionRow>>,
    pub(super) users: CacheMap<UserId, Arc<UserRow>>,
    /// Whether each customer is suspended.
    pub(super) customers: CacheMap<CustomerId, bool>,
    pub(super) directives: CacheMap<AgentId, Arc<[Directive]>>,
    /// The processes of each agent.
    pub(super) agent_instances: CacheMap<AgentId, Arc<AgentInstances>>,
    /// Wakes the scheduler, because the next slot may have changed.
    pub(super) schedules: Notify,
}

/// Entries of one kind, at most [`CAPACITY`].
#[derive(Debug)]
pub(super) struct CacheMap<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> {
    entries: quick_cache::sync::Cache<K, Entry<V>>,
    /// The number of invalidations, so that a value whose read began before an invalidation is not cached after it.
    generation: AtomicU64,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    value: V,
    read_at: DateTime<Utc>,
}

impl<K: Hash + Eq + Copy + Send + Sync + 'static, V: Clone + Send + Sync + 'static> CacheMap<K, V> {
    fn new() -> Self {
        Self { entries: quick_cache::sync::Cache::new(CAPACITY), generation: AtomicU64::new(0) }
    }

    /// Returns the cached value, or the value that `read` returns, which is then cached. The absence of a value is not
    /// cached.
    ///
    /// `read` is called on a miss only, and its future is boxed then: the future of a query has some kilobytes, which
    /// the future of each caller would otherwise contain.
    pub(super) fn get<F: Future<Output = Result<Option<V>>>>(
        &self,
        key: K,
        now: DateTime<Utc>,
        bus: &Bus,
        read: impl FnOnce() -> F,
    ) -> impl Future<Output = Result<Option<V>>> {
        self.get_valid(key, now, bus, |_| true, read)
    }

    /// Like [`Self::get`], but a cached value for which `is_valid` is false is read again.
    async fn get_valid<F: Future<Output = Result<Option<V>>>>(
        &self,
        key: K,
        now: DateTime<Utc>,
        bus: &Bus,
        is_valid: impl Fn(&V) -> bool,
        read: impl FnOnce() -> F,
    ) -> Result<Option<V>> {
        if let Some(entry) = self.entries.get(&key)
            && (bus.is_connected() || (now - entry.read_at).abs() < UNCONNECTED_LIFETIME)
            && is_valid(&entry.value)
        {
            return Ok(Some(entry.value));
        }
        let generation = self.generation();
        let Some(value) = Box::pin(read()).await? else { return Ok(None) };
        self.insert(key, value.clone(), now, generation);
        Ok(Some(value))
    }

    /// Returns the number of invalidations so far. Call this before reading a value that is passed to [`Self::insert`].
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Caches a value whose read began at this generation, unless an invalidation has happened since then.
    pub(super) fn insert(&self, key: K, value: V, read_at: DateTime<Utc>, generation: u64) {
        // Checked before the insertion as well, so that another call never finds a value that is known to be outdated.
        if self.generation() == generation {
            self.entries.insert(key, Entry { value, read_at });
            if self.generation() != generation {
                self.entries.remove(&key);
            }
        }
    }

    fn invalidate(&self, key: &K) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.remove(key);
    }

    fn invalidate_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.clear();
    }
}

/// The cached API keys, by their digests.
///
/// The keys of an agent are invalidated without a search: the counter of the agent is increased, and each entry holds
/// the count at which it was read.
#[derive(Debug)]
pub(super) struct KeyCache {
    map: CacheMap<Digest, Key>,
    /// For each counter, how often the API keys of its agents were invalidated.
    invalidations: Box<[AtomicU64]>,
}

#[derive(Clone, Debug)]
struct Key {
    row: Arc<KeyRow>,
    /// The counter of the agent before the API key was read. The entry is valid while the counter has this value.
    invalidations: u64,
}

impl KeyCache {
    fn new() -> Self {
        Self { map: CacheMap::new(), invalidations: (0..INVALIDATION_COUNTERS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Returns the cached API key, or the key that `read` returns, as [`CacheMap::get`] does.
    pub(super) async fn get<F: Future<Output = Result<Option<Arc<KeyRow>>>>>(
        &self,
        digest: Digest,
        now: DateTime<Utc>,
        bus: &Bus,
        read: impl FnOnce() -> F,
    ) -> Result<Option<Arc<KeyRow>>> {
        let read = || async move {
            let row = read().await?;
            Ok(row.map(|row| Key { invalidations: self.counter(row.agent_id).load(Ordering::Acquire), row }))
        };
        // The entry that is found is checked each time: a slower call may store a key that it read before the invalidation.
        let key = self.map.get_valid(digest, now, bus, |key| self.is_valid(key), read).await?;
        Ok(key.map(|key| key.row))
    }

    fn is_valid(&self, key: &Key) -> bool {
        self.counter(key.row.agent_id).load(Ordering::Acquire) == key.invalidations
    }

    /// Invalidates the API keys of an agent, and those of the few agents that share its counter.
    fn invalidate(&self, agent: AgentId) {
        // The generation is increased first, so that a read which saw the old generation and the new count is not cached.
        self.map.generation.fetch_add(1, Ordering::AcqRel);
        self.counter(agent).fetch_add(1, Ordering::AcqRel);
    }

    fn invalidate_all(&self) {
        self.map.invalidate_all();
    }

    fn counter(&self, agent: AgentId) -> &AtomicU64 {
        // The last bytes of an id are random.
        let [.., high, low] = *agent.0.as_bytes();
        &self.invalidations[usize::from(u16::from_be_bytes([high, low])) % INVALIDATION_COUNTERS]
    }
}

impl Cache {
    pub(super) fn new(bus: Bus) -> Self {
        Self {
            bus,
            keys: KeyCache::new(),
            certificates: KeyCache::new(),
            sessions: CacheMap::new(),
            users: CacheMap::new(),
            customers: CacheMap::new(),
            directives: CacheMap::new(),
            agent_instances: CacheMap::new(),
            schedules: Notify::new(),
        }
    }

    pub(super) const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Removes the entries that these invalidations name.
    pub(super) fn invalidate(&self, invalidations: &[Invalidation]) {
        for invalidation in invalidations {
            match invalidation {
                Invalidation::AgentKeys(agent) => {
                    self.keys.invalidate(*agent);
                    self.certificates.invalidate(*agent);
                    self.agent_instances.invalidate(agent);
                }
                Invalidation::Directives(agent) => self.directives.invalidate(agent),
                Invalidation::Session(session) => self.sessions.invalidate(session),
                Invalidation::User(user) => self.users.invalidate(user),
                Invalidation::Customer(customer) => self.customers.invalidate(customer),
                Invalidation::Schedules => self.schedules.notify_one(),
                // Kept by `AttentionCache`.
                Invalidation::Attention(_) => {}
            }
        }
    }

    /// Removes the entries that a signal of the bus invalidates; all of them for a resync.
    pub(super) fn apply(&self, signal: &Signal) {
        match signal {
            Signal::Message(message) => self.invalidate(&message.invalidations),
            Signal::Resync => self.invalidate_all(),
        }
    }

    pub(super) fn invalidate_all(&self) {
        self.keys.invalidate_all();
        self.certificates.invalidate_all();
        self.sessions.invalidate_all();
        self.users.invalidate_all();
        self.customers.invalidate_all();
        self.directives.invalidate_all();
        self.agent_instances.invalidate_all();
        self.schedules.notify_one();
    }
}

/// Calls `apply` with each signal of the bus, until the server stops.
pub(super) async fn apply_invalidations(apply: impl Fn(&Signal), mut changes: Reader, stop: CancellationToken) {
    while let Some(Some(signal)) = stop.run_until_cancelled(changes.next()).await {
        apply(&signal);
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
        Arc::new(KeyRow { agent_id, customer_id, expires_at: None, awaits_first_use: false, may_have_directives: true })
    }

    /// Whether the API key of the agent is read again, because it is not cached.
    async fn is_read(keys: &KeyCache, agent: AgentId) -> bool {
        let mut is_read = false;
        let read = || {
            is_read = true;
            std::future::ready(Ok(Some(row(agent))))
        };
        let found = keys.get(digest_of(agent), DateTime::UNIX_EPOCH, &Bus::in_process(), read).await;
        assert_eq!(found.unwrap().map(|row| row.agent_id), Some(agent));
        is_read
    }

    fn digest_of(agent: AgentId) -> Digest {
        [agent.0.as_bytes()[15]; 32]
    }

    #[tokio::test]
    async fn invalidating_the_keys_of_an_agent_leaves_those_of_others() {
        let keys = KeyCache::new();
        assert!(is_read(&keys, ONE).await && is_read(&keys, OTHER).await);
        assert!(!is_read(&keys, ONE).await && !is_read(&keys, OTHER).await);
        keys.invalidate(ONE);
        assert!(!is_read(&keys, OTHER).await);
        assert!(is_read(&keys, ONE).await);
        assert!(!is_read(&keys, ONE).await, "it is cached again");
        keys.invalidate_all();
        assert!(is_read(&keys, OTHER).await);
    }

    #[tokio::test]
    async fn a_key_that_a_slower_call_stores_after_its_invalidation_is_read_again() {
        let keys = KeyCache::new();
        assert!(is_read(&keys, ONE).await);
        let outdated = keys.map.entries.get(&digest_of(ONE)).unwrap();
        keys.invalidate(ONE);
        assert!(is_read(&keys, ONE).await);
        keys.map.entries.insert(digest_of(ONE), outdated);
        assert!(is_read(&keys, ONE).await);
        assert!(!is_read(&keys, ONE).await, "it is cached again");
    }

    #[tokio::test]
    async fn a_value_invalidated_during_its_read_is_not_cached() {
        let map = CacheMap::<SessionId, u8>::new();
        let id = SessionId(Uuid::nil());
        let overtaken = || async {
            map.invalidate(&id);
            Ok(Some(1))
        };
        let found = map.get(id, DateTime::UNIX_EPOCH, &Bus::in_process(), overtaken).await;
        assert_eq!((found.unwrap(), map.entries.get(&id).map(|entry| entry.value)), (Some(1), None));
    }

    #[test]
    fn a_value_is_cached_unless_there_was_an_invalidation_since_its_generation() {
        let map = CacheMap::<SessionId, u8>::new();
        let id = SessionId(Uuid::nil());
        let cached = || map.entries.get(&id).map(|entry| entry.value);
        let generation = map.generation();
        map.insert(id, 1, DateTime::UNIX_EPOCH, generation);
        assert_eq!(cached(), Some(1));
        map.invalidate(&id);
        map.insert(id, 1, DateTime::UNIX_EPOCH, generation);
        assert_eq!(cached(), None);
    }

    #[tokio::test]
    async fn a_key_invalidated_during_its_read_is_read_again() {
        let keys = KeyCache::new();
        let overtaken = || async {
            keys.invalidate(ONE);
            Ok(Some(row(ONE)))
        };
        let found = keys.get(digest_of(ONE), DateTime::UNIX_EPOCH, &Bus::in_process(), overtaken).await;
        assert!(found.unwrap().is_some());
        assert!(is_read(&keys, ONE).await);
    }
}
