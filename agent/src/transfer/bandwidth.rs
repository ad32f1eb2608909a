//! The bandwidth limit of a copy.

use std::time::{Duration, Instant};

/// Computes the pauses that keep a copy below a rate.
pub(crate) struct BandwidthLimiter {
    rate: Option<u64>,
    started: Instant,
    /// The number of bytes copied since `started`.
    copied: u64,
}

impl BandwidthLimiter {
    /// A limiter for `rate` bytes per second; without a rate it never pauses.
    pub(crate) fn new(rate: Option<u64>) -> Self {
        Self { rate, started: Instant::now(), copied: 0 }
    }

    /// The maximum number of bytes to copy at once, so that pauses stay short.
    pub(crate) fn chunk(&self, most: usize) -> usize {
        self.rate.map_or(most, |rate| usize::try_from(rate / 20).unwrap_or(most).clamp(1, most))
    }

    /// Counts `bytes` and returns the pause before the next chunk.
    pub(crate) fn record(&mut self, bytes: usize) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        self.copied += bytes as u64;
        due(self.copied, rate).saturating_sub(self.started.elapsed())
    }
}

fn due(bytes: u64, rate: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::due;

    #[test]
    fn half_the_rate_is_due_after_half_a_second() {
        assert_eq!(due(500, 1000), Duration::from_millis(500));
    }
}
