//! The open connections of a listener: limits of their number and of times, and the choice of the connection that is
//! closed when there are too many.
//!
//! A connection is *anonymous* until a caller on it has authenticated. Only a part of all connections may be anonymous,
//! so a client that opens many connections cannot keep agents and users out; beyond that part the oldest idle anonymous
//! connection is closed for a new one. Connections of authenticated callers are never closed for others.
//!
//! The authenticated callers of one customer share a quota, and each administrator has one; it applies once few
//! connections are left. Beyond it the oldest idle connection of the same quota is closed for the new one. If no
//! connection of the quota is idle, the new one stays anonymous: its request is answered and the connection is then
//! closed; a WebSocket is refused.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use self::by_principal::{Known, Principal};
pub use self::limits::ConnectionLimits;
use crate::actor::Actor;

mod by_principal;
mod limits;
#[cfg(test)]
mod tests;

/// How many of the oldest connections are searched for an idle one.
const SEARCHED: usize = 64;

/// The largest WebSocket message of a client that has not authenticated, in bytes.
const MAX_ANONYMOUS_MESSAGE: usize = 64 * 1024;
/// The error for a message of more than 64 KiB from a client that has not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of a client that has not authenticated is larger than 64 KiB")]
pub struct AnonymousMessageTooBig;

/// The phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests, since this time.
    Idle(Instant),
    /// Waiting for the headers of a request, since this time.
    Head(Instant),
    /// Handling a request.
    Busy,
    /// Switched from HTTP to another protocol.
    Upgraded,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The time since which the client has read nothing of a response; `None` while it reads.
    blocked_since: Option<Instant>,
    /// How long the client has blocked writing before `blocked_since`, within this request.
    blocked: Duration,
    /// Bytes that the client has read after it first blocked, within this request.
    taken: u64,
    /// The principal in whose quota the connection counts; `None` while it is anonymous.
    principal: Option<Principal>,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    number: u64,
    open: Connections,
    state: Mutex<State>,
    is_known: AtomicBool,
    is_over_quota: AtomicBool,
    is_upgraded: AtomicBool,
    /// Bytes received since the last message of the upgraded protocol.
    unconsumed: AtomicUsize,
    closing: CancellationToken,
}

impl Connection {
    /// Counts this connection in the quota of the caller that has authenticated on it. Returns false if the quota is
    /// used up; the connection then stays anonymous, and is closed after the response.
    pub(crate) fn authenticated(&self, actor: &Actor) -> bool {
        let Some(principal) = Principal::of(actor) else { return true };
        if self.state().principal == Some(principal) {
            return true;
        }
        let is_within = self.open.know(self, principal);
        self.is_known.store(is_within, Ordering::Release);
        self.is_over_quota.store(!is_within, Ordering::Release);
        is_within
    }

    /// Whether the quota of the caller was used up when the connection should have been counted in it.
    pub(crate) fn is_over_quota(&self) -> bool {
        self.is_over_quota.load(Ordering::Acquire)
    }

    /// Whether a caller on this connection has authenticated and the connection counts in that caller's quota.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Acquire)
    }

    /// Returns the token that is cancelled to close the connection at once.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Records the end of the TLS handshake, from which the time for the first request counts.
    pub(crate) fn secured(&self, now: Instant) {
        self.state().phase = Phase::Head(now);
    }

    /// Records that bytes arrived from the client.
    pub(crate) fn received(&self, now: Instant) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Idle(_)) {
            state.phase = Phase::Head(now);
        }
    }

    /// Records that a write to the client blocks because the client does not read.
    pub(crate) fn blocked(&self, now: Instant) {
        self.state().blocked_since.get_or_insert(now);
    }

    /// Records that bytes were written to the client.
    pub(crate) fn sent(&self, bytes: usize, now: Instant) {
        let mut state = self.state();
        if let Some(since) = state.blocked_since.take() {
            state.blocked += now.duration_since(since);
        }
        if !state.blocked.is_zero() {
            state.taken += bytes as u64;
        }
    }

    /// Records that the headers of a request have arrived.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        if state.blocked_since.is_none() {
            (state.blocked, state.taken) = (Duration::ZERO, 0);
        }
        state.phase = Phase::Busy;
    }

    /// Records that a request has been answered.
    pub(crate) fn end(&self, now: Instant) {
        let mut state = self.state();
        if state.phase == Phase::Busy {
            state.phase = Phase::Idle(now);
        }
    }

    /// Records the switch to another protocol, which has time limits of its own.
    pub(crate) fn upgraded(&self) {
        self.state().phase = Phase::Upgraded;
        self.is_upgraded.store(true, Ordering::Release);
    }

    /// Counts received bytes of the upgraded protocol. Returns false if a client that has not authenticated exceeds
    /// [`MAX_ANONYMOUS_MESSAGE`].
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.is_known() || self.unconsumed.fetch_add(bytes, Ordering::Relaxed) + bytes <= MAX_ANONYMOUS_MESSAGE
    }

    /// Records that a message of the upgraded protocol was read completely.
    pub fn consumed(&self) {
        self.unconsumed.store(0, Ordering::Relaxed);
    }

    /// Whether the connection has switched to another protocol.
    pub(crate) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Acquire)
    }

    /// Returns the time at which the connection is closed unless its state changes before; `None` if there is no such
    /// time.
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

    /// Whether the connection is between two requests.
    fn is_between_requests(&self) -> bool {
        matches!(self.state().phase, Phase::Idle(_))
    }

    /// Whether the connection waits for a request, or for the rest of its headers.
    fn is_waiting(&self) -> bool {
        matches!(self.state().phase, Phase::Idle(_) | Phase::Head(_))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of an open connection in its [`Connections`]. It is dropped together with the socket, which removes the
/// connection.
#[derive(Debug)]
pub(crate) struct Slot(pub(crate) Arc<Connection>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.remove(&self.0);
    }
}

#[derive(Debug, Default)]
struct Open {
    known: Known,
    /// The anonymous connections by number, oldest first.
    anonymous: BTreeMap<u64, Arc<Connection>>,
    next: u64,
}

impl Open {
    fn len(&self) -> usize {
        self.known.len() + self.anonymous.len()
    }

    /// Removes a connection; `None` if it was removed before because it is being closed.
    fn take(&mut self, connection: &Connection) -> Option<Arc<Connection>> {
        let principal = connection.state().principal;
        match principal {
            Some(principal) => self.known.remove(principal, connection.number),
            None => self.anonymous.remove(&connection.number),
        }
    }
}

#[derive(Debug)]
struct Registry {
    limits: ConnectionLimits,
    open: Mutex<Open>,
    emptied: Notify,
}

/// The open connections of a listener. Clones share them.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Registry>);

impl Connections {
    /// Creates a registry without connections.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Registry { limits, open: Mutex::default(), emptied: Notify::new() }))
    }

    /// Adds a new connection, and closes an anonymous one if there are too many. Returns `None` if there are too many
    /// and all belong to authenticated callers.
    pub(crate) fn open(&self, now: Instant) -> Option<Slot> {
        let mut open = self.lock();
        let is_full = open.len() >= self.0.limits.total;
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
                principal: None,
            }),
            is_known: AtomicBool::new(false),
            is_over_quota: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            unconsumed: AtomicUsize::new(0),
            closing: CancellationToken::new(),
        });
        open.anonymous.insert(connection.number, Arc::clone(&connection));
        Some(Slot(connection))
    }

    /// Returns the number of open connections.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no connection is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes an anonymous connection, preferably an idle one. Returns whether there was one.
    pub(crate) fn make_room(&self) -> bool {
        evict(&mut self.lock())
    }

    /// Closes the connections that wait for a request or for the rest of its headers.
    pub(crate) fn close_waiting(&self) {
        self.close(Connection::is_waiting);
    }

    /// Closes all connections.
    pub(crate) fn close_all(&self) {
        self.close(|_| true);
    }

    /// Waits until no connection is open.
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

    /// Counts a connection in a quota, and closes the oldest idle one of the same quota if the quota is used up.
    /// Returns false if no connection of the quota was idle; the connection then stays anonymous.
    fn know(&self, connection: &Connection, principal: Principal) -> bool {
        let mut open = self.lock();
        // A connection that is being closed counts in no quota.
        let Some(connection) = open.take(connection) else { return true };
        let limits = &self.0.limits;
        let are_few_left = limits.total.saturating_sub(open.len()) <= limits.few_left;
        let is_within = !are_few_left
            || open.known.count(principal) < limits.per_principal
            || open.known.close_oldest_idle(principal);
        connection.state().principal = is_within.then_some(principal);
        if is_within {
            open.known.insert(principal, connection);
        } else {
            open.anonymous.insert(connection.number, connection);
            by_principal::count_closed();
        }
        is_within
    }

    fn remove(&self, connection: &Connection) {
        let mut open = self.lock();
        drop(open.take(connection));
        if open.len() == 0 {
            self.0.emptied.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the oldest idle anonymous connection, or else the oldest one. Returns whether there was one.
fn evict(open: &mut Open) -> bool {
    let idle = open.anonymous.values().take(SEARCHED).find(|connection| connection.is_idle());
    let Some(victim) = idle.or_else(|| open.anonymous.values().next()).map(|connection| connection.number) else {
        return false;
    };
    if let Some(victim) = open.anonymous.remove(&victim) {
        victim.closing.cancel();
        metrics::counter!("mftplus_connections_closed_total", "reason" => "full").increment(1);
    }
    true
}
