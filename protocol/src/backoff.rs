//! The delay before the next attempt after consecutive failures.

use std::time::Duration;

/// Exponential backoff: delays that start at `first` and are multiplied by `factor` after each further failure, up to
/// `longest`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The delay after the first failure.
    pub first: Duration,
    /// The factor between one delay and the next; at least 1.
    pub factor: f64,
    /// The maximum delay.
    pub longest: Duration,
}

/// The maximum number of times that a delay grows. It keeps the powers of the factor finite.
const MAX_GROWTH: u32 = 64;

impl Backoff {
    /// A backoff whose delay doubles after each failure.
    #[must_use]
    pub const fn doubling(first: Duration, longest: Duration) -> Self {
        Self { first, factor: 2.0, longest }
    }

    /// The delay after the `failures`-th consecutive failure, counted from 1, in whole milliseconds.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let growth = failures.saturating_sub(1).min(MAX_GROWTH).cast_signed();
        let delay = millis(self.first) * self.factor.powi(growth);
        from_millis(delay.min(millis(self.longest)))
    }

    /// A delay between half of [`Self::delay`] and all of it, so that clients do not all return at once after an outage
    /// of the server. `random`, from 0 up to but not including 1, selects the delay within this range.
    #[must_use]
    pub fn jittered(&self, failures: u32, random: f64) -> Duration {
        let half = millis(self.delay(failures)) / 2.0;
        from_millis(half + half * random)
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a delay is positive and not long")]
fn from_millis(millis: f64) -> Duration {
    Duration::from_millis(millis as u64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    const HALF_A_SECOND: Duration = Duration::from_millis(500);

    #[test]
    fn delays_double_up_to_the_longest() {
        let backoff = Backoff::doubling(HALF_A_SECOND, Duration::from_secs(30));
        let delays: Vec<_> = (0..9).map(|failures| backoff.delay(failures).as_millis()).collect();
        assert_eq!(delays, [500, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(backoff.delay(u32::MAX), Duration::from_secs(30));
    }

    #[test]
    fn delays_grow_by_their_factor() {
        let backoff = Backoff { first: Duration::from_secs(30), factor: 4.0, longest: Duration::from_mins(5) };
        assert_eq!([1, 2, 3].map(|failures| backoff.delay(failures).as_secs()), [30, 120, 300]);
        let constant = Backoff { factor: 1.0, ..backoff };
        assert_eq!(constant.delay(u32::MAX), Duration::from_secs(30));
        let steep = Backoff { factor: 100.0, ..backoff };
        assert_eq!(steep.delay(u32::MAX), Duration::from_mins(5));
    }

    #[test]
    fn half_of_a_delay_is_random() {
        let backoff = Backoff::doubling(HALF_A_SECOND, Duration::from_secs(30));
        assert_eq!([0.0, 0.5, 0.999].map(|random| backoff.jittered(3, random).as_millis()), [1000, 1500, 1999]);
        assert!(backoff.jittered(60, 0.999) < Duration::from_secs(30));
    }
}
