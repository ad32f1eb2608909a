//! The limits of the number of connections and of their times.

use std::time::Duration;

/// The limits for the connections of a listener.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// The maximum number of open connections.
    pub total: usize,
    /// The maximum number of connections on which no caller has authenticated.
    pub anonymous: usize,
    /// The maximum number of connections of all callers of one customer, or of one administrator, once few connections
    /// are left.
    pub per_principal: usize,
    /// `per_principal` applies when this number of connections or fewer may still be opened.
    pub few_left: usize,
    /// The maximum time from the first byte of a request (for the first one, from the accept) to the end of its
    /// headers.
    pub head: Duration,
    /// The maximum time between two requests.
    pub idle: Duration,
    /// How long the client may block the writing of a response before [`Self::write_rate`] applies.
    pub write_grace: Duration,
    /// The bytes that a client must read for each second in which it blocks the writing of a response.
    pub write_rate: u32,
}

impl ConnectionLimits {
    /// Returns the limits of the API for this total number of connections.
    #[must_use]
    pub fn of_api(total: usize) -> Self {
        Self {
            total,
            // Each holds up to 64 KiB of headers before it authenticates.
            anonymous: (total / 2).clamp(1, 4096),
            // A quarter, so that one customer or administrator leaves room for others; at most half of a small total.
            per_principal: (total / 4).max(32).min((total / 2).max(1)),
            // A single customer may use three quarters without a quota.
            few_left: total / 4,
            head: Duration::from_secs(10),
            // Longer than common clients keep an idle connection, so that they close first.
            idle: Duration::from_mins(2),
            write_grace: Duration::from_secs(30),
            write_rate: 4096,
        }
    }

    /// Returns the limits of the metrics listener, whose callers never authenticate, for this total number of
    /// connections.
    #[must_use]
    pub fn of_metrics(total: usize) -> Self {
        Self { anonymous: total, ..Self::of_api(total) }
    }
}
