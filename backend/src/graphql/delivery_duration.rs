//! How long states take from their commit until they are written to a socket.

use std::time::Instant;

/// Records that a state was written which was committed at this time.
pub(super) fn record(committed_at: Instant) {
    metrics::histogram!("mftplus_delivery_duration_seconds").record(committed_at.elapsed().as_secs_f64());
}
