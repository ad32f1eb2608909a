//! The rate limit of the API key, and the intervals between requests that are computed from it. No I/O.

use std::time::Duration;

/// The state of the rate limit of the agent's API key, from the headers of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Requests per window.
    pub(crate) limit: u32,
    /// The number of requests left in this window, for all processes that share the API key.
    pub(crate) remaining: u32,
    /// Time until the next window starts.
    pub(crate) resets_in: Duration,
}

impl RateLimit {
    /// The requests that are reserved for final reports, heartbeats and directives: a fifth of the window.
    fn reserve(self) -> u32 {
        self.limit / 5
    }
}

/// The time between two progress reports, at least `floor`: the remaining requests, minus the reserve, are spread over
/// the rest of the window.
///
/// If several processes share the API key, the number of remaining requests falls faster and all of them slow down, so
/// that it reaches the reserve only at the end of the window.
pub(crate) fn report_interval(rate_limit: Option<RateLimit>, floor: Duration) -> Duration {
    let Some(rate_limit) = rate_limit else { return floor };
    match rate_limit.remaining.saturating_sub(rate_limit.reserve()) {
        0 => rate_limit.resets_in.max(floor),
        spare => (rate_limit.resets_in / spare).max(floor),
    }
}

/// The delay before an urgent request, such as a final report: zero until only the reserve is left.
pub(crate) fn urgent_delay(rate_limit: Option<RateLimit>) -> Duration {
    match rate_limit {
        Some(rate_limit) if rate_limit.remaining == 0 => rate_limit.resets_in,
        Some(rate_limit) if rate_limit.remaining < rate_limit.reserve() => rate_limit.resets_in / rate_limit.remaining,
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RateLimit, report_interval, urgent_delay};

    const SECOND: Duration = Duration::from_secs(1);

    fn left(remaining: u32, seconds: u64) -> RateLimit {
        RateLimit { limit: 300, remaining, resets_in: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_lone_agent_reports_once_a_second() {
        assert_eq!(report_interval(None, SECOND), SECOND);
        assert_eq!(report_interval(Some(left(299, 60)), SECOND), SECOND);
    }

    #[test]
    fn a_window_nearly_used_up_stretches_the_interval() {
        assert_eq!(report_interval(Some(left(70, 40)), SECOND), 4 * SECOND);
        assert_eq!(report_interval(Some(left(60, 40)), SECOND), 40 * SECOND);
        assert_eq!(report_interval(Some(left(0, 7)), SECOND), 7 * SECOND);
    }

    #[test]
    fn final_reports_go_at_once_and_live_on_the_reserve() {
        assert_eq!(urgent_delay(Some(left(61, 40))), Duration::ZERO);
        assert_eq!(urgent_delay(Some(left(40, 40))), SECOND);
        assert_eq!(urgent_delay(Some(left(0, 9))), 9 * SECOND);
    }

    #[test]
    fn ten_processes_on_one_key_never_use_up_its_window() {
        let mut remaining = 300_u32;
        let mut due = [0_u64; 10];
        for now in 0..60_000_u64 {
            for next in &mut due {
                if *next <= now {
                    assert!(remaining > 0, "the window was used up after {now} ms");
                    remaining -= 1;
                    let rate_limit =
                        RateLimit { limit: 300, remaining, resets_in: Duration::from_millis(60_000 - now) };
                    let gap = report_interval(Some(rate_limit), SECOND).as_millis();
                    *next = now + u64::try_from(gap).unwrap_or(u64::MAX);
                }
            }
        }
        assert!(remaining >= 40, "the reserve was spent: {remaining} left");
    }
}
