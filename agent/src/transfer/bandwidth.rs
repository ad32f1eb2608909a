//! Applies the bandwidth limits: that of each copy, and that of all copies together, which depends on the time of day.

use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{Local, NaiveTime, Timelike as _};

use crate::config::bandwidth_limits::{CurrentRates, RateLimits};

/// The bandwidth limits of a process, shared by all its copies.
#[derive(Debug)]
pub(crate) struct SharedBandwidth {
    limits: RwLock<RateLimits>,
    /// The local time of day.
    now: fn() -> NaiveTime,
    /// The time until which the bytes counted so far use up the total limit.
    due: Mutex<Option<Instant>>,
}

impl Default for SharedBandwidth {
    fn default() -> Self {
        Self::with_clock(|| Local::now().time())
    }
}

impl SharedBandwidth {
    /// Creates a value without limits; `now` returns the local time of day.
    pub(crate) fn with_clock(now: fn() -> NaiveTime) -> Self {
        Self { limits: RwLock::default(), now, due: Mutex::default() }
    }

    /// Replaces the limits. Running copies keep their own limit; the other limits apply to them at once.
    pub(crate) fn set(&self, limits: RateLimits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// The limit for each copy that a job or step starts now, in bytes per second; `None` means unlimited.
    pub(crate) fn per_copy(&self) -> Option<u64> {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).per_copy
    }

    fn current(&self) -> CurrentRates {
        let time = (self.now)();
        let minute = u16::try_from(time.num_seconds_from_midnight() / 60).unwrap_or_default();
        self.limits.read().unwrap_or_else(PoisonError::into_inner).at(minute)
    }

    /// Counts `bytes` of any copy, and returns the pause that keeps all copies together below `rate`.
    fn record(&self, bytes: usize, rate: Option<u64>, now: Instant) -> Duration {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rate) = rate else {
            // Bytes counted under the previous limit cause no further pause.
            *due = None;
            return Duration::ZERO;
        };
        let next = due.map_or(now, |due| due.max(now)) + time_for(bytes as u64, rate);
        *due = Some(next);
        next.saturating_duration_since(now)
    }
}

/// Computes the pauses that keep a copy below its own limit and below the limit of all copies together.
pub(crate) struct BandwidthLimiter<'a> {
    rate: Option<u64>,
    shared: &'a SharedBandwidth,
    counted: Mutex<Counted>,
}

/// What a copy has copied under its own limit.
struct Counted {
    since: Instant,
    /// The number of bytes copied since then.
    bytes: u64,
}

impl<'a> BandwidthLimiter<'a> {
    /// Creates the limiter of one copy. `rate` is in bytes per second; `None` means that only the limit of all copies
    /// together applies.
    pub(crate) fn new(rate: Option<u64>, shared: &'a SharedBandwidth) -> Self {
        Self { rate, shared, counted: Mutex::new(Counted { since: Instant::now(), bytes: 0 }) }
    }

    /// The number of bytes to copy before the next [`Self::record`], at most `most`. It is small if the limit is low,
    /// so that pauses stay short.
    pub(crate) fn chunk(&self, most: usize) -> usize {
        let current = self.shared.current();
        let own = self.rate.filter(|_| current.limits_copies);
        let rate = own.into_iter().chain(current.total).min();
        rate.map_or(most, |rate| usize::try_from(rate / 20).unwrap_or(most).clamp(1, most))
    }

    /// Counts `bytes` that were copied, and returns the pause before the next chunk. Several threads may copy files of
    /// the same copy; each of them pauses.
    pub(crate) fn record(&self, bytes: usize) -> Duration {
        let (current, now) = (self.shared.current(), Instant::now());
        let shared = self.shared.record(bytes, current.total, now);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rate) = self.rate.filter(|_| current.limits_copies) else {
            // Bytes that are copied while no limit applies cause no pause when the limit applies again.
            *counted = Counted { since: now, bytes: 0 };
            return shared;
        };
        counted.bytes += bytes as u64;
        shared.max(time_for(counted.bytes, rate).saturating_sub(now.saturating_duration_since(counted.since)))
    }
}

/// The time that `bytes` take at `rate` bytes per second.
fn time_for(bytes: u64, rate: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use chrono::NaiveTime;

    use super::{BandwidthLimiter, SharedBandwidth, time_for};
    use crate::config::bandwidth_limits::{RateLimits, RateWindow};

    fn night() -> NaiveTime {
        NaiveTime::from_hms_opt(23, 30, 0).unwrap_or_default()
    }

    fn limits(total: Option<u64>, window: &str) -> Result<RateLimits, String> {
        Ok(RateLimits { per_copy: None, total, windows: vec![RateWindow::try_from(window.to_owned())?] })
    }

    #[test]
    fn half_the_rate_takes_half_a_second() {
        assert_eq!(time_for(500, 1000), Duration::from_millis(500));
    }

    #[test]
    fn copies_share_the_rate_of_all() {
        let (shared, now) = (SharedBandwidth::default(), Instant::now());
        assert_eq!(shared.record(1000, Some(1000), now), Duration::from_secs(1));
        assert_eq!(shared.record(500, Some(1000), now), Duration::from_millis(1500));
        // Time that nothing used is not saved up.
        let later = now + Duration::from_mins(1);
        assert_eq!(shared.record(1000, Some(1000), later), Duration::from_secs(1));
        assert_eq!(shared.record(1000, None, later), Duration::ZERO);
    }

    #[test]
    fn a_window_replaces_the_limit_of_each_copy_and_of_all() -> Result<(), String> {
        let shared = SharedBandwidth::with_clock(night);
        shared.set(limits(Some(1), "22:00-06:00 unlimited")?);
        let limiter = BandwidthLimiter::new(Some(1), &shared);
        assert_eq!((limiter.chunk(1 << 20), limiter.record(1 << 20)), (1 << 20, Duration::ZERO));
        shared.set(limits(Some(1), "06:00-22:00 unlimited")?);
        assert_eq!(limiter.chunk(1 << 20), 1);
        assert!(limiter.record(100) > Duration::from_secs(90));
        shared.set(limits(None, "22:00-06:00 1MB/s")?);
        let limiter = BandwidthLimiter::new(Some(1), &shared);
        assert_eq!(limiter.chunk(1 << 20), 50_000);
        Ok(())
    }
}
