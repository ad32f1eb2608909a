//! What connections may do: how many there may be, and for how long.

use std::time::Duration;

/// What the connections of a listener may do.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Open connections.
    pub total: usize,
    /// Of these, connections on which no caller has authenticated.
    pub anonymous: usize,
    /// Of these, connections that the callers of one customer hold together, or one administrator, once there are few left.
    pub per_principal: usize,
    /// As long as more than so many are left, a customer or administrator may hold any number.
    pub few_left: usize,
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
            // A quarter, so that one customer or administrator leaves room; half of what is very little.
            per_principal: (total / 4).max(32).min((total / 2).max(1)),
            // A server with one customer uses three quarters.
            few_left: total / 4,
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
