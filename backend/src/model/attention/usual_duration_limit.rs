//! The limits from which on a run counts as late.

use chrono::TimeDelta;

/// How long after its scheduled time a run may start before it counts as late.
pub const LATEST_START: TimeDelta = TimeDelta::minutes(5);
/// The maximum number of successful runs, the newest ones, from which the usual duration is computed.
pub const SAMPLES: i64 = 20;
/// The minimum number of successful runs from which a usual duration is known.
const MIN_SAMPLES: usize = 5;
/// How much longer than usual a run may take at least.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// How long a run may take before it counts as late, given the durations of the last successful runs: one and a half
/// times their 95th percentile, but at least 5 minutes more than the percentile. `None` if there are fewer than five
/// durations.
#[must_use]
pub fn longest_usual(mut durations: Vec<TimeDelta>) -> Option<TimeDelta> {
    if durations.len() < MIN_SAMPLES {
        return None;
    }
    durations.sort_unstable();
    let rank = (durations.len() * 95).div_ceil(100);
    let usual = *durations.get(rank.saturating_sub(1))?;
    Some((usual * 3 / 2).max(usual + MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(minutes: impl IntoIterator<Item = i64>) -> Option<i64> {
        longest_usual(minutes.into_iter().map(TimeDelta::minutes).collect()).map(|longest| longest.num_minutes())
    }

    #[test]
    fn a_run_may_take_half_as_long_again_as_nearly_all_did_and_five_minutes_at_least() {
        assert_eq!(longest([1, 1, 1, 1]), None, "four runs say too little");
        assert_eq!(longest([1, 1, 1, 1, 1]), Some(6));
        assert_eq!(longest([60; 20]), Some(90));
        assert_eq!(longest((1..=20).rev()), Some(28), "the 19th of 20, one and a half times");
        assert_eq!(longest([10, 10, 10, 10, 100]), Some(150), "of five runs the longest counts");
    }
}
