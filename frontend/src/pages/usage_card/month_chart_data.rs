//! The window and the charts of the last twelve months, including the current one. Pure.

use crate::{
    api::series::Usage,
    time::{Civil, Instant, parse_day},
    ui::{Band, ChartData, ChartSeries, MONTH_STEP, Shape, Spacing, Tone, Unit},
};

/// The window of the last twelve months in a time zone that is `offset` minutes ahead of UTC.
pub(super) fn window(now: Instant, offset: i64) -> (Instant, Instant) {
    let Civil { year, month, .. } = now.civil(offset);
    let (year, month) = if month == 12 { (year, 1) } else { (year - 1, month + 1) };
    // The first point covers the month that contains `from`, so any day of that month can be used.
    let from = parse_day(&format!("{year:04}-{month:02}-15")).map_or(now, Instant);
    (from, now)
}

/// Whether nothing has happened in any month.
pub(super) fn is_empty(usage: &Usage) -> bool {
    let counted = usage.completed.iter().chain(&usage.failed).chain(&usage.bytes).flatten();
    counted.copied().all(|value| value <= 0.0)
}

/// The chart of the completed transfers and the failed attempts.
pub(super) fn transfers(usage: &Usage) -> ChartData {
    let completed = bars("Completed", 3, &usage.completed);
    let failed = bars("Failed attempts", 2, &usage.failed);
    chart(usage, Unit::Count, vec![completed, failed])
}

/// The chart of the bytes.
pub(super) fn bytes(usage: &Usage) -> ChartData {
    chart(usage, Unit::Bytes, vec![bars("Copied", 1, &usage.bytes)])
}

fn bars(name: &'static str, colour: u8, values: &[Option<f64>]) -> ChartSeries {
    ChartSeries { name, shape: Shape::Bars, colour, values: values.to_vec() }
}

fn chart(usage: &Usage, unit: Unit, series: Vec<ChartSeries>) -> ChartData {
    let current = usage.times.last().map(|from| Band {
        name: "Month so far".to_owned(),
        from: *from,
        to: Instant(from.0 + MONTH_STEP),
        tone: Tone::Neutral,
    });
    let bands = current.into_iter().collect();
    ChartData { bands, ..ChartData::new(Spacing::Even, unit, MONTH_STEP, usage.times.clone(), series) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn two_months(completed: [Option<f64>; 2]) -> Usage {
        Usage {
            times: vec![at("2026-10-01T00:00:00Z"), at("2026-11-01T00:00:00Z")],
            completed: completed.to_vec(),
            failed: vec![None, Some(0.0)],
            bytes: vec![None, Some(0.0)],
        }
    }

    #[test]
    fn a_window_begins_in_the_month_that_makes_it_twelve() {
        let from = |now: &str, offset| window(at(now), offset).0.to_string()[..7].to_owned();
        assert_eq!(from("2026-11-23T13:03:22Z", 0), "2025-12");
        assert_eq!(from("2026-12-31T23:30:00Z", 0), "2026-01");
        assert_eq!(from("2026-12-31T23:30:00Z", 60), "2026-02");
        assert_eq!(from("2026-01-01T00:30:00Z", -60), "2025-01");
        assert_eq!(window(at("2026-11-23T13:03:22Z"), 0).1, at("2026-11-23T13:03:22Z"));
    }

    #[test]
    fn months_without_transfers_are_nothing() {
        assert!(is_empty(&two_months([None, Some(0.0)])));
        assert!(!is_empty(&two_months([None, Some(1.0)])));
        assert!(!is_empty(&Usage { failed: vec![None, Some(1.0)], ..two_months([None, None]) }));
    }

    #[test]
    fn the_current_month_is_marked() {
        let usage = two_months([Some(4.0), Some(1.0)]);
        let chart = transfers(&usage);
        let names: Vec<_> = chart.series.iter().map(|series| (series.name, series.shape)).collect();
        assert_eq!(names, [("Completed", Shape::Bars), ("Failed attempts", Shape::Bars)]);
        let band = &chart.bands[0];
        assert!(usage.times[0] < band.from && band.from == usage.times[1], "{band:?}");
        assert_eq!((chart.bands.len(), bytes(&usage).series[0].name), (1, "Copied"));
    }
}
