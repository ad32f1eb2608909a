//! The SVG paths of a chart, in a plot of [`WIDTH`] by [`HEIGHT`] units that is stretched to the available space. Pure.

use super::data::{ChartData, Shape};
use crate::{format::fixed, ui::Tone};

/// The width of the plot.
pub(super) const WIDTH: f64 = 1000.0;
/// The height of the plot.
pub(super) const HEIGHT: f64 = 200.0;

/// An SVG path with the names that the style sheet needs to draw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The name of the shape: `line`, `dashed`, `dots`, `area` or `bars`.
    pub(super) shape: &'static str,
    pub(super) colour: u8,
    /// The tone of the remark on the bars; `None` for other paths.
    pub(super) tone: Option<&'static str>,
    pub(super) d: String,
}

/// The end of the path of a single point: a line without length.
const ALONE: &str = "h0";

/// A rectangle of the plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
    pub(super) tone: &'static str,
}

/// The paths of a chart, in the order in which they are drawn. `top` is the value at the upper edge of the plot.
pub(super) fn paths(chart: &ChartData, top: f64) -> Vec<Path> {
    let mut paths = Vec::new();
    for (index, series) in chart.series.iter().enumerate() {
        let path = |shape: &'static str, tone: Option<Tone>, d: String| Path {
            shape,
            colour: series.colour,
            tone: tone.map(Tone::name),
            d,
        };
        if series.shape == Shape::Bars {
            let bars = bars(chart, index, top).into_iter();
            paths.extend(bars.map(|(tone, d)| path(Shape::Bars.name(), tone, d)));
            continue;
        }
        let lines = lines(chart, &series.values, top);
        if series.shape == Shape::Area {
            paths.push(path(Shape::Area.name(), None, lines.iter().map(|line| area(line)).collect()));
        }
        let shape = if series.shape == Shape::Dashed { Shape::Dashed } else { Shape::Line };
        let (dots, lines): (Vec<String>, Vec<String>) = lines.into_iter().partition(|line| line.ends_with(ALONE));
        paths.push(path(shape.name(), None, lines.concat()));
        paths.push(path("dots", None, dots.concat()));
    }
    paths.retain(|path| !path.d.is_empty());
    paths
}

/// The lines between gaps. A single point between two gaps becomes a line without length, which is drawn as a dot.
fn lines(chart: &ChartData, values: &[Option<f64>], top: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut is_after_gap = true;
    for (index, value) in values.iter().enumerate() {
        let Some(value) = value else {
            is_after_gap = true;
            continue;
        };
        let (x, y) = (fixed(chart.place(index) * WIDTH, 1), fixed(height_of(*value, top), 1));
        match lines.last_mut() {
            Some(line) if !is_after_gap => line.extend(["L", &x, " ", &y]),
            _ => lines.push(format!("M{x} {y}{ALONE}")),
        }
        is_after_gap = false;
    }
    lines
}

/// The area between a line and the bottom of the plot.
fn area(line: &str) -> String {
    match line.strip_prefix('M').and_then(|rest| rest.split(' ').next()) {
        Some(left) => format!("{line}V{}H{left}Z", fixed(HEIGHT, 0)),
        None => String::new(),
    }
}

/// The bars of a series: those without a remark, and those of each tone.
fn bars(chart: &ChartData, series: usize, top: f64) -> Vec<(Option<Tone>, String)> {
    let mut bars: Vec<(Option<Tone>, String)> = Vec::new();
    let half = chart.bar_width() / 2.0;
    let values = chart.series.get(series).map(|series| series.values.as_slice()).unwrap_or_default();
    for (index, value) in values.iter().enumerate() {
        let Some(value) = value.filter(|value| *value > 0.0) else { continue };
        let (middle, below) = (chart.place(index), chart.below(series, index));
        let x = |place: f64| fixed(place.clamp(0.0, 1.0) * WIDTH, 1);
        let y = |value: f64| fixed(height_of(value, top), 1);
        let (left, right, low, high) = (x(middle - half), x(middle + half), y(below), y(below + value));
        let bar = format!("M{left} {low}V{high}H{right}V{low}Z");
        let tone = chart.notes.get(&index).map(|note| note.tone);
        match bars.iter_mut().find(|(known, _)| *known == tone) {
            Some((_, bars)) => bars.push_str(&bar),
            None => bars.push((tone, bar)),
        }
    }
    bars
}

/// The rectangles of the shaded periods.
pub(super) fn bands(chart: &ChartData) -> Vec<Rectangle> {
    let band = |(from, to): (f64, f64), tone: Tone| Rectangle {
        x: fixed(from * WIDTH, 1),
        y: fixed(0.0, 0),
        // The minimum width makes short periods visible.
        width: fixed(((to - from) * WIDTH).max(2.0), 1),
        height: fixed(HEIGHT, 0),
        tone: tone.name(),
    };
    let bands = chart.bands.iter();
    bands.map(|shaded| band((chart.place_of(shaded.from), chart.place_of(shaded.to)), shaded.tone)).collect()
}

/// The upper edge and the height of the usual range; `None` if there is no usual range.
pub(super) fn usual_range(chart: &ChartData, top: f64) -> Option<(String, String)> {
    let (low, high) = chart.usual?;
    let (y, bottom) = (height_of(high, top), height_of(low, top));
    Some((fixed(y, 1), fixed((bottom - y).max(1.0), 1)))
}

/// The distance of a value from the upper edge of the plot, whose value is `top`.
pub(super) fn height_of(value: f64, top: f64) -> f64 {
    let share = if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
    (1.0 - share) * HEIGHT
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        time::Instant,
        ui::chart::data::{Band, ChartSeries, Note},
    };

    fn drawn(chart: &ChartData, top: f64) -> Vec<(&'static str, String)> {
        paths(chart, top).into_iter().map(|path| (path.shape, path.d)).collect()
    }

    #[test]
    fn a_line_has_gaps_where_there_is_no_data() {
        let chart = ChartData::of_minutes(Shape::Line, &[Some(0.0), Some(10.0), None, Some(5.0), None]);
        let line = "M100.0 200.0h0L300.0 0.0".to_owned();
        assert_eq!(drawn(&chart, 10.0), [("line", line), ("dots", "M700.0 100.0h0".to_owned())]);
        assert!(drawn(&ChartData::of_minutes(Shape::Line, &[None, None]), 10.0).is_empty());
    }

    #[test]
    fn each_part_of_an_area_is_closed_along_the_bottom() {
        let chart = ChartData::of_minutes(Shape::Area, &[Some(5.0), Some(5.0), None, Some(5.0)]);
        let area = "M125.0 100.0h0L375.0 100.0V200H125.0ZM875.0 100.0h0V200H875.0Z".to_owned();
        let line = "M125.0 100.0h0L375.0 100.0".to_owned();
        assert_eq!(drawn(&chart, 10.0), [("area", area), ("line", line), ("dots", "M875.0 100.0h0".to_owned())]);
    }

    #[test]
    fn bars_stand_on_those_of_the_series_before() {
        let mut chart = ChartData::of_minutes(Shape::Bars, &[Some(4.0), Some(0.0)]);
        let values = vec![Some(4.0), Some(2.0)];
        chart.series.push(ChartSeries { name: "Failed", shape: Shape::Bars, colour: 2, values });
        let first = "M60.0 200.0V100.0H440.0V200.0Z".to_owned();
        let second = "M60.0 100.0V0.0H440.0V100.0ZM560.0 200.0V150.0H940.0V200.0Z".to_owned();
        assert_eq!(drawn(&chart, 8.0), [("bars", first), ("bars", second)]);
    }

    #[test]
    fn bars_with_a_remark_have_its_tone() {
        let mut chart = ChartData::of_minutes(Shape::Bars, &[Some(1.0), Some(1.0), Some(1.0)]);
        let late = Note { text: "Late", symbol: "▲", tone: Tone::Warn };
        chart.notes = BTreeMap::from([(1, late)]);
        let tones: Vec<_> =
            paths(&chart, 1.0).into_iter().map(|path| (path.tone, path.d.matches('M').count())).collect();
        assert_eq!(tones, [(None, 2), (Some("warn"), 1)]);
    }

    #[test]
    fn values_above_the_top_stay_in_the_plot() {
        let chart = ChartData::of_minutes(Shape::Line, &[Some(50.0)]);
        assert_eq!(drawn(&chart, 10.0), [("dots", "M500.0 0.0h0".to_owned())]);
        assert_eq!(drawn(&chart, 0.0), [("dots", "M500.0 200.0h0".to_owned())]);
    }

    #[test]
    fn shaded_times_are_seen_however_short_they_are() {
        let mut chart = ChartData::of_minutes(Shape::Line, &[None; 10]);
        let band =
            |from, to| Band { name: "Stalled".to_owned(), from: Instant(from), to: Instant(to), tone: Tone::Warn };
        chart.bands = vec![band(60_000, 180_000), band(300_000, 300_000), band(540_000, 900_000)];
        let places: Vec<_> = bands(&chart).into_iter().map(|band| (band.x, band.width)).collect();
        let expected = [("100.0", "200.0"), ("500.0", "2.0"), ("900.0", "100.0")];
        assert_eq!(places, expected.map(|(x, width)| (x.to_owned(), width.to_owned())));
    }

    #[test]
    fn the_usual_range_is_a_band_of_values() {
        let mut chart = ChartData::of_minutes(Shape::Bars, &[Some(1.0)]);
        assert_eq!(usual_range(&chart, 10.0), None);
        chart.usual = Some((2.0, 5.0));
        assert_eq!(usual_range(&chart, 10.0), Some(("100.0".to_owned(), "60.0".to_owned())));
    }
}
