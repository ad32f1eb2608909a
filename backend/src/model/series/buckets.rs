//! The buckets of a series: the minutes, hours, days or months that its points stand for.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::model::schedule::Zone;

/// The days by which a window of at most a week is moved to the one that it is compared with.
const WEEK: i64 = 7;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// The start of each bucket in ascending order, and the end of the last one, in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    starts: Vec<i64>,
    end: i64,
}

impl Buckets {
    /// The starts of the buckets in Unix seconds, in ascending order.
    #[must_use]
    pub fn starts(&self) -> &[i64] {
        &self.starts
    }

    /// The start of the first bucket, in Unix seconds.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.starts.first().copied().unwrap_or(self.end)
    }

    /// The end of the last bucket, in Unix seconds.
    #[must_use]
    pub const fn end(&self) -> i64 {
        self.end
    }

    /// The start and the end of each bucket in Unix seconds, in ascending order.
    pub fn spans(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let ends = self.starts.iter().skip(1).chain([&self.end]);
        self.starts.iter().zip(ends).map(|(start, end)| (*start, *end))
    }

    /// The index of the bucket that contains `at`, in Unix seconds; `None` outside the window.
    #[must_use]
    pub fn index_of(&self, at: i64) -> Option<usize> {
        if at >= self.end {
            return None;
        }
        self.starts.partition_point(|start| *start <= at).checked_sub(1)
    }
}

/// The buckets of a series before they are listed, so that their number can be checked first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Window {
    /// Buckets of the same length.
    Even { first: i64, step: i64, count: i64 },
    /// Days in a time zone.
    Days { zone: Zone, first: NaiveDate, count: i64 },
    /// Months in a time zone; `first` is the first day of one.
    Months { zone: Zone, first: NaiveDate, count: i64 },
}

impl Window {
    /// The buckets of `step` seconds that cover the time from `from` to `to`.
    pub(super) fn even(step: i64, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let first = from.timestamp().div_euclid(step) * step;
        // Rounded up to the second, so that the bucket of the last millisecond is there.
        let end = -(-to.timestamp_millis()).div_euclid(1_000);
        Self::Even { first, step, count: (end - first + step - 1).div_euclid(step) }
    }

    /// The days that cover the time from `from` to `to`.
    pub(super) fn days(zone: Zone, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let first = zone.wall_clock(from).date();
        let last = zone.wall_clock(to - TimeDelta::milliseconds(1)).date();
        Self::Days { zone, first, count: (last - first).num_days() + 1 }
    }

    /// The months that cover the time from `from` to `to`.
    pub(super) fn months(zone: Zone, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let first = zone.wall_clock(from).date();
        let first = first.with_day(1).unwrap_or(first);
        let last = zone.wall_clock(to - TimeDelta::milliseconds(1)).date();
        let number = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
        Self::Months { zone, first, count: number(last) - number(first) + 1 }
    }

    /// The number of buckets.
    pub(super) const fn count(self) -> i64 {
        match self {
            Self::Even { count, .. } | Self::Days { count, .. } | Self::Months { count, .. } => count,
        }
    }

    /// The window that this window is compared with: the same window a week earlier or, if this window is longer than a
    /// week, the window directly before it. It has the same number of buckets, even if the time zone has skipped a day
    /// in one of the two windows.
    pub(super) fn baseline(self) -> Self {
        match self {
            Self::Even { first, step, count } => {
                Self::Even { first: first - (count * step).max(WEEK * DAY), step, count }
            }
            Self::Days { zone, first, count } => {
                let buckets = self.buckets().starts.len();
                let end = first + TimeDelta::days(count - count.max(WEEK));
                let ending = |count: i64| Self::Days { zone, first: end - TimeDelta::days(count), count };
                let mut count = i64::try_from(buckets).unwrap_or(count);
                while ending(count).buckets().starts.len() < buckets {
                    count += 1;
                }
                ending(count)
            }
            Self::Months { zone, first, count } => Self::Months { zone, first: first - months(count), count },
        }
    }

    /// The buckets.
    pub(super) fn buckets(self) -> Buckets {
        match self {
            Self::Even { first, step, count } => {
                Buckets { starts: (0..count).map(|index| first + index * step).collect(), end: first + count * step }
            }
            Self::Days { zone, first, count } => {
                let dates = first.iter_days().take(usize::try_from(count).unwrap_or_default());
                let mut starts: Vec<i64> = dates.map(|date| midnight(zone, date)).collect();
                let end = midnight(zone, first + Days::new(count.unsigned_abs()));
                // A day that a zone has skipped begins when the next one does.
                starts.push(end);
                starts.dedup();
                starts.pop();
                Buckets { starts, end }
            }
            Self::Months { zone, first, count } => {
                let start = |index: i64| midnight(zone, first + months(index));
                Buckets { starts: (0..count).map(start).collect(), end: start(count) }
            }
        }
    }
}

/// The start of a day in a time zone, in Unix seconds.
fn midnight(zone: Zone, date: NaiveDate) -> i64 {
    zone.once(date.and_time(NaiveTime::MIN)).timestamp()
}

fn months(count: i64) -> Months {
    Months::new(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn shown(buckets: &Buckets) -> Vec<String> {
        let ends = buckets.starts().iter().chain([&buckets.end]);
        ends.map(|at| DateTime::from_timestamp(*at, 0).expect("an instant").to_rfc3339()[..16].to_owned()).collect()
    }

    #[rstest]
    #[case(60, "2026-04-25T13:00:59.999Z", "2026-04-25T13:02:00.001Z", &["13:00", "13:01", "13:02", "13:03"])]
    #[case(60, "2026-04-25T13:00:00Z", "2026-04-25T13:02:00Z", &["13:00", "13:01", "13:02"])]
    #[case(3_600, "2026-04-25T13:30:00Z", "2026-04-25T13:31:00Z", &["13:00", "14:00"])]
    fn every_bucket_that_holds_a_part_of_the_window_is_listed(
        #[case] step: i64,
        #[case] from: &str,
        #[case] to: &str,
        #[case] expected: &[&str],
    ) {
        let window = Window::even(step, at(from), at(to));
        let expected: Vec<String> = expected.iter().map(|time| format!("2026-04-25T{time}")).collect();
        assert_eq!(shown(&window.buckets()), expected);
        assert_eq!(window.count(), i64::try_from(expected.len()).expect("few") - 1);
    }

    #[test]
    fn days_begin_at_midnight_of_their_zone_whatever_the_clock_does() {
        let zone = Zone::parse("Europe/Berlin").expect("a zone");
        let window = Window::days(zone, at("2026-03-28T12:00:00Z"), at("2026-03-30T22:00:00Z"));
        let expected = ["2026-03-27T23:00", "2026-03-28T23:00", "2026-03-29T22:00", "2026-03-30T22:00"];
        assert_eq!(shown(&window.buckets()), expected);
        let before = ["2026-03-20T23:00", "2026-03-21T23:00", "2026-03-22T23:00", "2026-03-23T23:00"];
        assert_eq!(shown(&window.baseline().buckets()), before);
    }

    #[test]
    fn a_day_that_a_zone_has_skipped_is_no_bucket() {
        let zone = Zone::parse("Pacific/Apia").expect("a zone");
        let window = Window::days(zone, at("2011-12-29T12:00:00Z"), at("2012-01-01T09:00:00Z"));
        let buckets = window.buckets();
        assert_eq!(shown(&buckets), ["2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00", "2012-01-01T10:00"]);
    }

    #[rstest]
    #[case::before("2012-01-04", "2012-01-07", &["2011-12-28", "2011-12-29", "2011-12-30", "2011-12-31"])]
    #[case::alone_before("2012-01-05", "2012-01-06", &["2011-12-29", "2011-12-30"])]
    #[case::in_the_window("2011-12-29", "2012-01-01", &["2011-12-23", "2011-12-24", "2011-12-25", "2011-12-26"])]
    fn the_window_before_has_as_many_days_where_a_zone_has_skipped_one(
        #[case] from: &str,
        #[case] to: &str,
        #[case] expected: &[&str],
    ) {
        // Where a day begins at 10:00 UTC, before and after 2011-12-30, which was skipped.
        let zone = Zone::parse("Pacific/Apia").expect("a zone");
        let midnight = |date: &str| at(&format!("{date}T10:00:00Z"));
        let window = Window::days(zone, midnight(from), midnight(to));
        let before = window.baseline().buckets();
        let expected: Vec<String> = expected.iter().map(|date| format!("{date}T10:00")).collect();
        assert_eq!(shown(&before), expected);
        assert_eq!(before.starts().len(), window.buckets().starts().len());
    }

    #[test]
    fn months_begin_at_midnight_of_their_first_day_in_their_zone() {
        let zone = Zone::parse("Europe/Berlin").expect("a zone");
        let window = Window::months(zone, at("2026-02-28T23:30:00Z"), at("2026-04-30T22:00:00.001Z"));
        let expected = ["2026-02-28T23:00", "2026-03-31T22:00", "2026-04-30T22:00", "2026-05-31T22:00"];
        assert_eq!((shown(&window.buckets()), window.count()), (expected.map(str::to_owned).to_vec(), 3));
        let before = ["2025-11-30T23:00", "2025-12-31T23:00", "2026-01-31T23:00", "2026-02-28T23:00"];
        assert_eq!(shown(&window.baseline().buckets()), before);
        let ends = Window::months(zone, at("2026-04-01T00:00:00Z"), at("2026-04-30T22:00:00Z"));
        assert_eq!(ends.count(), 1, "a window that ends with a month");
    }

    #[rstest]
    #[case(1, 7)]
    #[case(7, 7)]
    #[case(30, 30)]
    fn the_window_before_is_a_week_earlier_or_adjoins_a_longer_one(#[case] days: i64, #[case] shift: i64) {
        let from = at("2026-04-25T00:00:00Z");
        let window = Window::even(3_600, from, from + TimeDelta::days(days));
        let before = window.baseline().buckets();
        assert_eq!(before.first(), (from - TimeDelta::days(shift)).timestamp());
        assert_eq!(before.starts().len(), window.buckets().starts().len());
    }

    #[test]
    fn a_time_belongs_to_the_bucket_that_began_last() {
        let buckets = Buckets { starts: vec![100, 160, 220], end: 280 };
        let found = [99, 100, 159, 160, 279, 280].map(|at| buckets.index_of(at));
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(2), None]);
        assert_eq!(buckets.spans().collect::<Vec<_>>(), [(100, 160), (160, 220), (220, 280)]);
    }
}
