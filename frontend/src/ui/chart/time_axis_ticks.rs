//! Computes the marks of the time axis. Pure.

use super::data::{ChartData, MONTH_STEP, Spacing};
use crate::{format, time::Instant};

/// The maximum number of marks on the axis.
const MOST: i64 = 7;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// The possible distances between two marks, in seconds.
const STEPS: [i64; 24] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10_800,
    21_600,
    43_200,
    DAY,
    2 * DAY,
    5 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
];

/// The marks of the time axis: their positions from 0 to 1, and their texts. `offset` returns how many minutes the time
/// zone of the axis is ahead of UTC at an instant.
pub(super) fn ticks(chart: &ChartData, offset: impl Fn(Instant) -> i64) -> Vec<(f64, String)> {
    match chart.spacing {
        Spacing::Time(from, to) => {
            let times = round_times(from, to, &offset).into_iter();
            times.map(|(at, step)| (chart.place_of(at), label(at, step, offset(at)))).collect()
        }
        Spacing::Even => some_points(chart, offset),
    }
}

/// Round times of a window in the zone of the axis, each with the distance to the next one in seconds.
fn round_times(from: Instant, to: Instant, offset: impl Fn(Instant) -> i64) -> Vec<(Instant, i64)> {
    let seconds = (to.0 - from.0) / 1000;
    let Some(step) = STEPS.into_iter().find(|step| seconds / step < MOST) else { return Vec::new() };
    let length = step * 1000;
    let ahead = |at: Instant| offset(at) * 60_000;
    // The local time of the zone, in milliseconds as if it were UTC.
    let mut local = -(-(from.0 + ahead(from))).div_euclid(length) * length;
    let mut times = Vec::new();
    loop {
        let guess = Instant(local - ahead(from));
        // If the clock changes between `from` and the mark, the offset at the mark counts.
        let at = Instant(local - ahead(guess));
        if at > to {
            return times;
        }
        if at >= from {
            times.push((at, step));
        }
        local += length;
    }
}

/// The text of a mark.
fn label(at: Instant, step: i64, offset: i64) -> String {
    let civil = at.civil(offset);
    let is_midnight = (civil.hour, civil.minute, civil.second) == (0, 0, 0);
    match step {
        ..60 => format::time_of_day(at, offset, true),
        DAY.. => format::short_day(at, offset),
        _ if is_midnight => format::short_day(at, offset),
        _ => format::time_of_day(at, offset, false),
    }
}

/// Marks at some of the points, for points that are spaced evenly.
fn some_points(chart: &ChartData, offset: impl Fn(Instant) -> i64) -> Vec<(f64, String)> {
    let (Some(first), Some(last)) = (chart.times.first(), chart.times.last()) else { return Vec::new() };
    let most = usize::try_from(MOST).unwrap_or(1);
    let step = chart.times.len().div_ceil(most).max(1);
    let is_long = last.0 - first.0 > 2 * DAY * 1000;
    let points = chart.times.iter().enumerate().step_by(step);
    let text = |at: Instant| {
        let offset = offset(at);
        if chart.step >= MONTH_STEP {
            format::short_month(at, offset).to_owned()
        } else if is_long {
            format::short_day(at, offset)
        } else {
            format::time_of_day(at, offset, false)
        }
    };
    points.map(|(index, at)| (chart.place(index), text(*at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::chart::data::Shape;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn labels(from: &str, to: &str, offset: impl Fn(Instant) -> i64) -> Vec<String> {
        let mut chart = ChartData::of_minutes(Shape::Line, &[]);
        chart.spacing = Spacing::Time(at(from), at(to));
        ticks(&chart, offset).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn marks_are_round_times_of_the_zone() {
        let (from, to) = ("2026-11-23T13:03:22Z", "2026-11-23T14:03:22Z");
        assert_eq!(labels(from, to, |_| 0), ["13:10", "13:20", "13:30", "13:40", "13:50", "14:00"]);
        assert_eq!(labels(from, to, |_| 345)[0], "18:50");
        let (from, to) = ("2026-11-23T13:00:00Z", "2026-11-24T13:00:00Z");
        assert_eq!(labels(from, to, |_| 0), ["18:00", "24 Nov", "06:00", "12:00"]);
        assert_eq!(labels(from, to, |_| 60), ["18:00", "24 Nov", "06:00", "12:00"]);
        assert_eq!(labels(from, to, |_| 330), ["24 Nov", "06:00", "12:00", "18:00"]);
    }

    #[test]
    fn short_windows_have_seconds_and_long_ones_days() {
        let seconds = labels("2026-11-23T13:00:58Z", "2026-11-23T13:01:09Z", |_| 0);
        assert_eq!(seconds, ["13:00:58", "13:01:00", "13:01:02", "13:01:04", "13:01:06", "13:01:08"]);
        let days = labels("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", |_| 0);
        assert_eq!(days, ["3 Nov", "8 Nov", "13 Nov", "18 Nov", "23 Nov", "28 Nov"]);
    }

    #[test]
    fn a_change_of_the_clock_moves_no_mark_off_its_hour() {
        // Berlin, 25 October 2026: at 01:00 UTC the clock goes back from 03:00 to 02:00.
        let change = at("2026-10-25T01:00:00Z");
        let berlin = |at: Instant| if at < change { 120 } else { 60 };
        let marks = labels("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", berlin);
        assert_eq!(marks, ["18:00", "25 Oct", "06:00", "12:00"]);
    }

    #[test]
    fn a_window_without_a_length_ends() {
        assert_eq!(labels("2026-11-23T13:00:00Z", "2026-11-23T13:00:00Z", |_| 0), ["13:00:00"]);
        assert!(labels("2026-11-23T13:00:00Z", "2026-11-23T12:00:00Z", |_| 0).is_empty());
    }

    #[test]
    fn evenly_spaced_points_are_marked_with_their_own_times() {
        let mut chart = ChartData::of_minutes(Shape::Bars, &[None; 10]);
        chart.spacing = Spacing::Even;
        let texts: Vec<_> = ticks(&chart, |_| 0).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["00:00", "00:02", "00:04", "00:06", "00:08"]);
        chart.times.push(Instant(40 * DAY * 1000));
        assert_eq!(ticks(&chart, |_| 0)[0].1, "1 Jan");
        chart.step = MONTH_STEP;
        assert_eq!(ticks(&chart, |_| 0)[0].1, "Jan");
        chart.times.clear();
        assert!(ticks(&chart, |_| 0).is_empty());
    }
}
