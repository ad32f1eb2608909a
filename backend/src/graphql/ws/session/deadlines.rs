//! The deadlines of a socket.

use std::time::Duration;

use tokio::time::Instant;

use super::Session;

/// How long a client may take to send `connection_init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a ping is sent.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(30);

/// The next deadlines of a socket.
pub(super) struct Deadlines {
    /// The time at which the socket begins to count as unauthenticated; `None` once it does.
    pub(super) counted_at: Option<Instant>,
    /// The latest time for `connection_init`.
    pub(super) init_by: Instant,
    /// The time at which the next ping is sent.
    pub(super) ping_at: Instant,
    /// The time at which the last message was received.
    pub(super) last_received: Instant,
    /// The time at which a throttle releases the next state.
    pub(super) due: Option<Instant>,
}

impl Deadlines {
    pub(super) fn new(now: Instant, init_grace: Duration) -> Self {
        let (counted_at, init_by) = (Some(now + init_grace), now + INIT_TIMEOUT);
        Self { counted_at, init_by, ping_at: now + PING_INTERVAL, last_received: now, due: None }
    }

    pub(super) fn next(&self, session: &Session) -> Instant {
        let counted_at = self.counted_at.filter(|_| session.is_unauthenticated());
        let init_by = (!session.is_initialised).then_some(self.init_by);
        [counted_at, init_by, self.due].into_iter().flatten().fold(self.ping_at, Instant::min)
    }
}
