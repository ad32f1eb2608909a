//! The open connections of a listener: how many there may be, how long each may do nothing, and which is closed when
//! there are too many.
//!
//! A connection is *anonymous* until a caller on it has authenticated. Anonymous connections may take at most a part of
//! what may be open, so a client that opens many never keeps agents and users out; beyond that part the oldest idle
//! anonymous connection is closed for the new one. Connections of authenticated callers are never closed for others.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

#[cfg(test)]
mod tests;

/// How many of the oldest anonymous connections are looked at for an idle one.
const LOOKED_AT: usize = 64;

/// The most bytes that a WebSocket message of a client may have that has not authenticated.
const MAX_ANONYMOUS_MESSAGE: usize = 64 * 1024;
/// What the error says of a larger one.
pub const ANONYMOUS_MESSAGE_TOO_BIG: &str = "a message without authentication is too big";

/// What the connections of a listener may do.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Open connections.
    pub total: usize,
    /// Of these, connections on which no caller has authenticated.
    pub anonymous: usize,
    /// From the first byte of a request (from the accept, for the first request) to the end of its headers.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// How long the client may block the writing of answers before [`Self::write_rate`] counts.
    pub write_grace: Duration,
    /// Bytes that a client must take per second in which it blocks the writing of answers.
    pub write_rate: u32,
}

impl ConnectionLimits {
    /// The limits of the API where so many connections may be open.
    #[must_use]
    pub fn of_api(total: usize) -> Self {
        Self {
            total,
            // What waits to authenticate holds a head of up to 64 KiB each.
            anonymous: (total / 2).clamp(1, 4096),
            head: Duration::from_secs(10),
            // Longer than common clients keep an idle connection, so that they close first.
            idle: Duration::from_mins(2),
            write_grace: Duration::from_secs(30),
            write_rate: 4096,
        }
    }

    /// The limits of the metrics listener, whose callers never authenticate.
    #[must_use]
    pub fn of_metrics(total: usize) -> Self {
        Self { anonymous: total, ..Self::of_api(total) }
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    Idle(Instant),
    /// The headers of a request are awaited.
    Head(Instant),
    /// A request is at work.
    Busy,
    /// No HTTP any more, but the protocol that the client switched to.
    Upgraded,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Since when the client takes nothing of an answer.
    blocked_since: Option<Instant>,
    /// How long it took nothing before, within this request.
    blocked: Duration,
    /// Bytes that it took after it had blocked, within this request.
    taken: u64,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    number: u64,
    open: Connections,
    state: Mutex<State>,
    is_known: AtomicBool,
    is_upgraded: AtomicBool,
    /// Bytes of the other protocol since its last message.
    unconsumed: AtomicUsize,
    closing: CancellationToken,
}

impl Connection {
    /// Says that a caller on this connection has authenticated.
    pub fn authenticated(&self) {
        if !self.is_known.swap(true, Ordering::AcqRel) {
            self.open.know(self.number);
        }
    }

    /// Whether a caller on this connection has authenticated.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Acquire)
    }

    /// Cancelled when the connection is to be closed at once.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Bytes came from the client.
    pub(crate) fn received(&self, now: Instant) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Idle(_)) {
            state.phase = Phase::Head(now);
        }
    }

    /// The client takes no more bytes for now.
    pub(crate) fn blocked(&self, now: Instant) {
        self.state().blocked_since.get_or_insert(now);
    }

    /// The client took bytes.
    pub(crate) fn sent(&self, bytes: usize, now: Instant) {
        let mut state = self.state();
        if let Some(since) = state.blocked_since.take() {
            state.blocked += now.duration_since(since);
        }
        if !state.blocked.is_zero() {
            state.taken += bytes as u64;
        }
    }

    /// A request has arrived.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        if state.blocked_since.is_none() {
            (state.blocked, state.taken) = (Duration::ZERO, 0);
        }
        state.phase = Phase::Busy;
    }

    /// A request has been answered.
    pub(crate) fn end(&self, now: Instant) {
        let mut state = self.state();
        if state.phase == Phase::Busy {
            state.phase = Phase::Idle(now);
        }
    }

    /// The connection has been given to another protocol, which has time limits of its own.
    pub(crate) fn upgraded(&self) {
        self.state().phase = Phase::Upgraded;
        self.is_upgraded.store(true, Ordering::Release);
    }

    /// Counts bytes that came over the other protocol; whether they still fit into what a message of a client may have
    /// that has not authenticated.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.is_known() || self.unconsumed.fetch_add(bytes, Ordering::Relaxed) + bytes <= MAX_ANONYMOUS_MESSAGE
    }

    /// A message of the other protocol has been taken in.
    pub fn consumed(&self) {
        self.unconsumed.store(0, Ordering::Relaxed);
    }

    /// Whether it has been given to another protocol.
    pub(crate) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Acquire)
    }

    /// When the connection is to be closed unless something happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let (state, limits) = (self.state(), &self.open.0.limits);
        let by_phase = match state.phase {
            Phase::Idle(since) => Some(since + limits.idle),
            Phase::Head(since) => Some(since + limits.head),
            Phase::Busy | Phase::Upgraded => None,
        };
        let by_client = state.blocked_since.filter(|_| state.phase != Phase::Upgraded).map(|since| {
            let earned = Duration::from_secs(state.taken / u64::from(limits.write_rate.max(1)));
            since + (limits.write_grace + earned).saturating_sub(state.blocked)
        });
        [by_phase, by_client].into_iter().flatten().min()
    }

    fn is_idle(&self) -> bool {
        self.state().phase != Phase::Busy
    }

    /// Whether it waits for a request, or for the rest of its headers.
    fn is_waiting(&self) -> bool {
        matches!(self.state().phase, Phase::Idle(_) | Phase::Head(_))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's entry among the open ones, removed when it is dropped: held by whatever holds the socket.
#[derive(Debug)]
pub(crate) struct Slot(pub(crate) Arc<Connection>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.remove(self.0.number);
    }
}

#[derive(Debug, Default)]
struct Open {
    known: HashMap<u64, Arc<Connection>>,
    /// By number, so the oldest come first.
    anonymous: BTreeMap<u64, Arc<Connection>>,
    next: u64,
}

#[derive(Debug)]
struct Registry {
    limits: ConnectionLimits,
    open: Mutex<Open>,
    emptied: Notify,
}

/// The open connections of a listener.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Registry>);

impl Connections {
    /// No connection yet.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Registry { limits, open: Mutex::default(), emptied: Notify::new() }))
    }

    /// Enters a new connection, closing an anonymous one if there are too many; nothing if all are of authenticated callers.
    pub(crate) fn open(&self, now: Instant) -> Option<Slot> {
        let mut open = self.lock();
        let is_full = open.known.len() + open.anonymous.len() >= self.0.limits.total;
        if (is_full || open.anonymous.len() >= self.0.limits.anonymous) && !evict(&mut open) {
            return None;
        }
        open.next += 1;
        let connection = Arc::new(Connection {
            number: open.next,
            open: self.clone(),
            state: Mutex::new(State {
                phase: Phase::Head(now),
                blocked_since: None,
                blocked: Duration::ZERO,
                taken: 0,
            }),
            is_known: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            unconsumed: AtomicUsize::new(0),
            closing: CancellationToken::new(),
        });
        open.anonymous.insert(connection.number, Arc::clone(&connection));
        Some(Slot(connection))
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        let open = self.lock();
        open.known.len() + open.anonymous.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes an anonymous connection, preferably an idle one; whether there was one.
    pub(crate) fn make_room(&self) -> bool {
        evict(&mut self.lock())
    }

    /// Closes those that wait for a request, or for the rest of its headers.
    pub(crate) fn close_waiting(&self) {
        self.close(Connection::is_waiting);
    }

    /// Closes all.
    pub(crate) fn close_all(&self) {
        self.close(|_| true);
    }

    /// Done when none is open.
    pub async fn closed(&self) {
        loop {
            let emptied = self.0.emptied.notified();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn close(&self, which: impl Fn(&Connection) -> bool) {
        let open = self.lock();
        for connection in open.known.values().chain(open.anonymous.values()).filter(|connection| which(connection)) {
            connection.closing.cancel();
        }
    }

    fn know(&self, number: u64) {
        let mut open = self.lock();
        if let Some(connection) = open.anonymous.remove(&number) {
            open.known.insert(number, connection);
        }
    }

    fn remove(&self, number: u64) {
        let mut open = self.lock();
        if open.known.remove(&number).is_none() {
            open.anonymous.remove(&number);
        }
        if open.known.is_empty() && open.anonymous.is_empty() {
            open.known.shrink_to_fit();
            self.0.emptied.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the oldest idle anonymous connection, or the oldest one; whether there was one.
fn evict(open: &mut Open) -> bool {
    let idle = open.anonymous.values().take(LOOKED_AT).find(|connection| connection.is_idle());
    let Some(victim) = idle.or_else(|| open.anonymous.values().next()).map(|connection| connection.number) else {
        return false;
    };
    if let Some(victim) = open.anonymous.remove(&victim) {
        victim.closing.cancel();
        metrics::counter!("mftplus_connections_closed_total", "reason" => "full").increment(1);
    }
    true
}
