//! The text alternative of a chart: its summary, the descriptions of its points, and the cells of its table. Pure.

use std::collections::BTreeMap;

use super::data::{ChartData, ChartSeries, MONTH_STEP, Spacing};
use crate::{format, time::Instant};

/// The milliseconds of a day less an hour, because days on which the clock changes may be shorter.
const ALMOST_A_DAY: i64 = 82_800_000;
/// The text for a missing value.
const NO_DATA: &str = "no data";

/// The time of a point as text. `offset` returns how many minutes the time zone is ahead of UTC at an instant.
pub(super) fn time_of(chart: &ChartData, index: usize, offset: impl Fn(Instant) -> i64) -> String {
    let Some(at) = chart.times.get(index).copied() else { return String::new() };
    let offset = offset(at);
    match chart.step {
        MONTH_STEP.. => format::month(at, offset),
        ALMOST_A_DAY..MONTH_STEP => format::day(at, offset),
        0 if matches!(chart.spacing, Spacing::Time(..)) => format::moment(at, offset),
        _ => format::minute(at, offset),
    }
}

/// The values of a point, in the order of the series.
pub(super) fn values_of(chart: &ChartData, index: usize) -> Vec<String> {
    let value = |series: &ChartSeries| series.values.get(index).copied().flatten();
    let text = |value: Option<f64>| value.map_or_else(|| NO_DATA.to_owned(), |value| chart.unit.text(value));
    chart.series.iter().map(value).map(text).collect()
}

/// The remark on a point and the names of the shaded periods that contain it; empty if there are none.
pub(super) fn remarks_on(chart: &ChartData, index: usize) -> String {
    let note = chart.notes.get(&index).map(|note| note.text.to_owned());
    let bands = chart.bands_at(index).map(|band| band.name.clone());
    note.into_iter().chain(bands).collect::<Vec<_>>().join(", ")
}

/// The description of a point, line by line: its time, its values and its remarks.
pub(super) fn point(chart: &ChartData, index: usize, offset: impl Fn(Instant) -> i64) -> Vec<String> {
    let mut lines = vec![time_of(chart, index, offset)];
    let values = chart.series.iter().zip(values_of(chart, index));
    lines.extend(values.map(|(series, value)| format!("{}: {value}", series.name)));
    lines.extend(Some(remarks_on(chart, index)).filter(|remarks| !remarks.is_empty()));
    lines
}

/// The summary of a chart: the range and the highest point of each series, then the shaded periods and the remarks.
pub(super) fn summary(chart: &ChartData, offset: impl Fn(Instant) -> i64) -> String {
    let mut sentences: Vec<_> = chart.series.iter().map(|series| range(chart, series, &offset)).collect();
    if let Some((low, high)) = chart.usual {
        let (low, high) = (chart.unit.text(low), chart.unit.text(high));
        sentences.push(if low == high { format!("Usually {high}.") } else { format!("Usually {low} to {high}.") });
    }
    let mut counts = BTreeMap::new();
    let noted = chart.notes.values().map(|note| note.text.to_owned());
    for name in noted.chain(chart.bands.iter().map(|band| band.name.clone())) {
        *counts.entry(name).or_insert(0_i64) += 1;
    }
    if !counts.is_empty() {
        let text = |(name, count): (String, i64)| if count > 1 { format!("{name} ({count} times)") } else { name };
        sentences.push(format!("Marked: {}.", counts.into_iter().map(text).collect::<Vec<_>>().join(", ")));
    }
    sentences.join(" ")
}

/// The range of a series, such as `Speed: 0 B/s to 8.40 MB/s, highest at 23 Nov 2026, 14:03:22.`
fn range(chart: &ChartData, series: &ChartSeries, offset: impl Fn(Instant) -> i64) -> String {
    let known = || series.values.iter().enumerate().filter_map(|(index, value)| Some((index, (*value)?)));
    let lowest = known().map(|(_, value)| value).min_by(f64::total_cmp);
    let highest = known().max_by(|(_, one), (_, other)| one.total_cmp(other));
    let (Some(lowest), Some((index, highest))) = (lowest, highest) else {
        return format!("{}: {NO_DATA}.", series.name);
    };
    let (low, high) = (chart.unit.text(lowest), chart.unit.text(highest));
    if known().nth(1).is_none() {
        return format!("{}: {high}, at {}.", series.name, time_of(chart, index, offset));
    }
    if low == high {
        return format!("{}: {high} throughout.", series.name);
    }
    format!("{}: {low} to {high}, highest at {}.", series.name, time_of(chart, index, offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{
        Tone,
        chart::{
            data::{Band, Note, Shape},
            unit_and_value_axis::Unit,
        },
    };

    #[test]
    fn a_point_is_said_with_its_remarks() {
        let mut chart = ChartData::of_minutes(Shape::Line, &[Some(8_400_000.0), None]);
        let stalled = Band { name: "Stalled".to_owned(), from: Instant(30_000), to: Instant(90_000), tone: Tone::Warn };
        chart.bands = vec![stalled];
        assert_eq!(point(&chart, 0, |_| 0), ["Thu, 1 Jan 1970, 00:00", "Speed: 8.40 MB/s"]);
        assert_eq!(point(&chart, 1, |_| 60), ["Thu, 1 Jan 1970, 01:01", "Speed: no data", "Stalled"]);
        chart.notes.insert(1, Note { text: "Late", symbol: "▲", tone: Tone::Warn });
        assert_eq!(remarks_on(&chart, 1), "Late, Stalled");
    }

    #[test]
    fn the_time_of_a_point_is_as_exact_as_the_point() {
        let mut chart = ChartData::of_minutes(Shape::Line, &[Some(1.0)]);
        chart.step = MONTH_STEP;
        assert_eq!(time_of(&chart, 0, |_| 0), "Jan 1970");
        chart.step = 86_400_000;
        assert_eq!(time_of(&chart, 0, |_| 0), "Thu, 1 Jan 1970");
        chart.step = 0;
        assert_eq!(time_of(&chart, 0, |_| 0), "1 Jan 1970, 00:00:00");
        chart.spacing = Spacing::Even;
        assert_eq!(time_of(&chart, 0, |_| 0), "Thu, 1 Jan 1970, 00:00");
        assert_eq!(time_of(&chart, 7, |_| 0), "");
    }

    #[test]
    fn a_summary_names_the_range_and_what_is_marked() {
        let mut chart = ChartData::of_minutes(Shape::Line, &[Some(1000.0), None, Some(0.0), Some(5000.0)]);
        let range = "Speed: 0 B/s to 5.00 kB/s, highest at Thu, 1 Jan 1970, 00:03.";
        assert_eq!(summary(&chart, |_| 0), range);
        chart.usual = Some((500.0, 2000.0));
        let band = |name: &str| Band { name: name.to_owned(), from: Instant(0), to: Instant(9), tone: Tone::Warn };
        chart.bands = vec![band("Stalled"), band("Attempt 2"), band("Stalled")];
        let marked = "Usually 500 B/s to 2.00 kB/s. Marked: Attempt 2, Stalled (2 times).";
        assert_eq!(summary(&chart, |_| 0), format!("{range} {marked}"));
    }

    #[test]
    fn a_summary_of_one_value_or_none_says_so() {
        let mut chart = ChartData::of_minutes(Shape::Line, &[None]);
        assert_eq!(summary(&chart, |_| 0), "Speed: no data.");
        chart.series[0].values = vec![Some(3.0)];
        chart.unit = Unit::Count;
        assert_eq!(summary(&chart, |_| 0), "Speed: 3, at Thu, 1 Jan 1970, 00:00.");
        chart.series[0].values = vec![Some(3.0), Some(3.0)];
        chart.usual = Some((2.0, 2.0));
        assert_eq!(summary(&chart, |_| 0), "Speed: 3 throughout. Usually 2.");
    }
}
