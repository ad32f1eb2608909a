//! How often to talk to the server: pure arithmetic on what its answers allow.

use std::time::Duration;

/// What one answer said about the key's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Requests per window.
    pub(crate) limit: u32,
    /// Requests left in this window, for all processes that share the key.
    pub(crate) remaining: u32,
    /// Time until a new window starts.
    pub(crate) resets_in: Duration,
}

impl Budget {
    /// A fifth of the window is kept for final reports, heartbeats and directives.
    fn reserve(self) -> u32 {
        self.limit / 5
    }
}

/// The gap between two progress reports: what remains beside the reserve is spread over the rest of the window.
///
/// Several processes on one key see the same number fall faster and stretch alike, so that it nears
/// the reserve only at the window's end.
pub(crate) fn regular_gap(budget: Option<Budget>, floor: Duration) -> Duration {
    let Some(budget) = budget else { return floor };
    match budget.remaining.saturating_sub(budget.reserve()) {
        0 => budget.resets_in.max(floor),
        spare => (budget.resets_in / spare).max(floor),
    }
}

/// The gap before a report that should not wait: none, until only the reserve is left.
pub(crate) fn urgent_gap(budget: Option<Budget>) -> Duration {
    match budget {
        Some(budget) if budget.remaining == 0 => budget.resets_in,
        Some(budget) if budget.remaining < budget.reserve() => budget.resets_in / budget.remaining,
        _ => Duration::ZERO,
    }
}

/// The wait after the `failures`-th failure in a row: doubling from `base`, at most 30 s, half of it random.
pub(crate) fn backoff(base: Duration, failures: u32, random: u64) -> Duration {
    let most = Duration::from_secs(30);
    let whole = base.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(most);
    let share = u32::try_from(random % 1000).unwrap_or(0);
    whole / 2 + whole / 2 * share / 1000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Budget, backoff, regular_gap, urgent_gap};

    const SECOND: Duration = Duration::from_secs(1);

    fn left(remaining: u32, seconds: u64) -> Budget {
        Budget { limit: 300, remaining, resets_in: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_lone_agent_reports_once_a_second() {
        assert_eq!(regular_gap(None, SECOND), SECOND);
        assert_eq!(regular_gap(Some(left(299, 60)), SECOND), SECOND);
    }

    #[test]
    fn a_window_nearly_used_up_stretches_the_interval() {
        assert_eq!(regular_gap(Some(left(70, 40)), SECOND), 4 * SECOND);
        assert_eq!(regular_gap(Some(left(60, 40)), SECOND), 40 * SECOND);
        assert_eq!(regular_gap(Some(left(0, 7)), SECOND), 7 * SECOND);
    }

    #[test]
    fn final_reports_go_at_once_and_live_on_the_reserve() {
        assert_eq!(urgent_gap(Some(left(61, 40))), Duration::ZERO);
        assert_eq!(urgent_gap(Some(left(40, 40))), SECOND);
        assert_eq!(urgent_gap(Some(left(0, 9))), 9 * SECOND);
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
                    let budget = Budget { limit: 300, remaining, resets_in: Duration::from_millis(60_000 - now) };
                    let gap = regular_gap(Some(budget), SECOND).as_millis();
                    *next = now + u64::try_from(gap).unwrap_or(u64::MAX);
                }
            }
        }
        assert!(remaining >= 40, "the reserve was spent: {remaining} left");
    }

    #[test]
    fn backing_off_doubles_and_is_bounded() {
        let half = Duration::from_millis(500);
        assert_eq!(backoff(half, 1, 0), half / 2);
        assert!(backoff(half, 1, 999) < half);
        assert_eq!(backoff(half, 3, 0), SECOND);
        assert!(backoff(half, 60, 999) <= 30 * SECOND);
    }
}
