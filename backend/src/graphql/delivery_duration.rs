//! The metric of the time between the commit of a state and its write to a socket.

use std::time::Instant;

/// Records the time since `committed_at` for a state that was written to a socket just now.
pub(super) fn record(committed_at: Instant) {
    metrics::histogram!("mftplus_delivery_duration_seconds").record(committed_at.elapsed().as_secs_f64());
}
