//! The time ranges over which throughput and outcomes are shown. Pure.

use crate::{api::series::SeriesStep, time::Instant};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A time range that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    Hour,
    Day,
    Week,
    Month,
}

impl Window {
    pub(super) const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The text of the button that chooses the time range.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hour => "1 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
        }
    }

    /// The name of the time range in a sentence.
    pub(super) const fn phrase(self) -> &'static str {
        match self {
            Self::Hour => "the last hour",
            Self::Day => "the last 24 hours",
            Self::Week => "the last 7 days",
            Self::Month => "the last 30 days",
        }
    }

    /// When the time range was with which it is compared, such as `a week earlier`.
    pub(super) const fn baseline(self) -> &'static str {
        match self {
            Self::Hour | Self::Day | Self::Week => "a week earlier",
            Self::Month => "30 days earlier",
        }
    }

    /// The period that each point covers.
    pub(super) const fn step(self) -> SeriesStep {
        match self {
            Self::Hour => SeriesStep::Minute,
            Self::Day | Self::Week => SeriesStep::Hour,
            Self::Month => SeriesStep::Day,
        }
    }

    /// The length of a step in milliseconds.
    pub(super) const fn step_length(self) -> i64 {
        match self {
            Self::Hour => MINUTE,
            Self::Day | Self::Week => HOUR,
            Self::Month => DAY,
        }
    }

    /// The beginning and the end of the time range: full steps, including the step that has begun.
    pub(super) const fn bounds(self, now: Instant) -> (Instant, Instant) {
        let step = self.step_length();
        let count = match self {
            Self::Hour => 60,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30,
        };
        // Only the server knows when days begin in a time zone. The first point covers the day that contains `from`.
        let begun = if step < DAY { now.0.div_euclid(step) * step } else { now.0 };
        (Instant(begun - (count - 1) * step), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_its_steps_with_the_one_that_has_begun() {
        let now = Instant::parse("2026-11-23T13:03:22Z").unwrap();
        let from = |window: Window| window.bounds(now).0.to_string();
        assert_eq!(from(Window::Hour), "2026-11-23T12:04:00.000Z");
        assert_eq!(from(Window::Day), "2026-11-22T14:00:00.000Z");
        assert_eq!(from(Window::Week), "2026-11-16T14:00:00.000Z");
        assert_eq!(from(Window::Month), "2026-10-25T13:03:22.000Z");
        assert_eq!(Window::ALL.map(|window| window.bounds(now).1), [now; 4]);
    }
}
