//! The data of a chart, and the positions of its points. Pure.

use std::collections::BTreeMap;

use super::unit_and_value_axis::Unit;
use crate::{time::Instant, ui::Tone};

/// How the points of a chart are placed from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// By time, in a window from the first to the second instant.
    Time(Instant, Instant),
    /// At equal distances, regardless of their times.
    Even,
}

/// How the values of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A line.
    Line,
    /// A dashed line, for values with which the others are compared.
    Dashed,
    /// A line with a filled area below it.
    Area,
    /// Bars. The bars of several series are stacked.
    Bars,
}

impl Shape {
    /// The name of the shape in the style sheet.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Dashed => "dashed",
            Self::Area => "area",
            Self::Bars => "bars",
        }
    }
}

/// One value for each point of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChartSeries {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// The number of its colour in the palette of the style sheet, from 1.
    pub(crate) colour: u8,
    /// The values in the order of the points; `None` where there is no data.
    pub(crate) values: Vec<Option<f64>>,
}

/// A shaded period of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Band {
    pub(crate) name: String,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    pub(crate) tone: Tone,
}

/// A remark on a point. Its symbol distinguishes it from other remarks without the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: &'static str,
    pub(crate) symbol: &'static str,
    pub(crate) tone: Tone,
}

/// The length of the shortest month in milliseconds.
pub(crate) const MONTH_STEP: i64 = 28 * 86_400_000;

/// The data of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChartData {
    pub(crate) spacing: Spacing,
    pub(crate) unit: Unit,
    /// The length of the period that each point covers, in milliseconds; 0 for single instants. For months, which have
    /// different lengths, it is [`MONTH_STEP`].
    pub(crate) step: i64,
    /// The times of the points, in ascending order. A time is the start of the period that the point covers.
    pub(crate) times: Vec<Instant>,
    pub(crate) series: Vec<ChartSeries>,
    pub(crate) bands: Vec<Band>,
    /// The usual range of the values of the first series, if it is known.
    pub(crate) usual: Option<(f64, f64)>,
    /// The remarks by the indexes of their points.
    pub(crate) notes: BTreeMap<usize, Note>,
    /// The text that the plot shows if no value is above zero.
    pub(crate) idle: Option<String>,
}

/// A chart without points.
impl Default for ChartData {
    fn default() -> Self {
        Self::new(Spacing::Even, Unit::Count, 0, Vec::new(), Vec::new())
    }
}

impl ChartData {
    /// A chart without bands, usual range, remarks and [`idle`](Self::idle) text.
    pub(crate) const fn new(
        spacing: Spacing,
        unit: Unit,
        step: i64,
        times: Vec<Instant>,
        series: Vec<ChartSeries>,
    ) -> Self {
        Self { spacing, unit, step, times, series, bands: Vec::new(), usual: None, notes: BTreeMap::new(), idle: None }
    }

    /// Whether the chart has no values at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.values.iter().all(Option::is_none))
    }

    /// The horizontal position of an instant, from 0 at the left to 1 at the right.
    pub(super) fn place_of(&self, at: Instant) -> f64 {
        match self.spacing {
            Spacing::Time(from, to) => share(at.0 - from.0, to.0 - from.0).clamp(0.0, 1.0),
            Spacing::Even => {
                let before = self.times.partition_point(|time| *time < at);
                share_of(before, self.times.len())
            }
        }
    }

    /// The horizontal position of the middle of a point, from 0 at the left to 1 at the right.
    pub(super) fn place(&self, index: usize) -> f64 {
        match (self.spacing, self.times.get(index)) {
            (Spacing::Time(..), Some(at)) => self.place_of(Instant(at.0 + self.step / 2)),
            (Spacing::Even, Some(_)) => share_of(2 * index + 1, 2 * self.times.len()),
            (_, None) => 1.0,
        }
    }

    /// The width of a point's bar, as a fraction of the plot's width.
    pub(super) fn bar_width(&self) -> f64 {
        const FILLED: f64 = 0.76;
        match self.spacing {
            Spacing::Time(from, to) => share(self.step, to.0 - from.0) * FILLED,
            Spacing::Even => share_of(1, self.times.len()) * FILLED,
        }
    }

    /// The index of the point nearest to a horizontal position; `None` if there are no points.
    pub(super) fn nearest(&self, place: f64) -> Option<usize> {
        let distance = |index: &usize| (self.place(*index) - place).abs();
        (0..self.times.len()).min_by(|one, other| distance(one).total_cmp(&distance(other)))
    }

    /// The sum of a point's values whose bars are stacked below the bar of `series`.
    pub(super) fn below(&self, series: usize, index: usize) -> f64 {
        let bars = self.series.iter().take(series).filter(|series| series.shape == Shape::Bars);
        bars.filter_map(|series| series.values.get(index).copied().flatten()).sum()
    }

    /// The greatest value that is drawn: of the stacked bars, the lines and the usual range.
    pub(super) fn greatest(&self) -> f64 {
        let mut greatest = self.usual.map_or(0.0, |(_, high)| high);
        for (place, series) in self.series.iter().enumerate() {
            for (index, value) in series.values.iter().enumerate() {
                let Some(value) = value else { continue };
                let below = if series.shape == Shape::Bars { self.below(place, index) } else { 0.0 };
                greatest = greatest.max(value + below);
            }
        }
        greatest
    }

    /// The text that the plot shows instead of values if no value is above zero; otherwise `None`.
    pub(super) fn idle_text(&self) -> Option<String> {
        self.idle.clone().filter(|_| self.greatest() <= 0.0)
    }

    /// The shaded periods that contain a point.
    pub(super) fn bands_at(&self, index: usize) -> impl Iterator<Item = &Band> {
        let at = self.times.get(index).copied();
        self.bands.iter().filter(move |band| at.is_some_and(|at| band.from <= at && at <= band.to))
    }
}

/// A part as a fraction of a whole; 0 if the whole is 0.
#[expect(clippy::cast_precision_loss, reason = "a place on the screen")]
fn share(part: i64, whole: i64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "a place on the screen")]
fn share_of(part: usize, whole: usize) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}

/// Adds gaps for missing points: returns the times from `from` until `to` in steps of `step` milliseconds, each with
/// the point in that step; `None` if there is none.
pub(crate) fn with_gaps<T: Copy>(
    points: &[(Instant, T)],
    from: Instant,
    to: Instant,
    step: i64,
) -> Vec<(Instant, Option<T>)> {
    let mut points = points.iter().skip_while(|(at, _)| *at < from).peekable();
    let count = if step > 0 { ((to.0 - from.0) / step).max(0) } else { 0 };
    let filled = (0..count).map(|index| {
        let (at, end) = (Instant(from.0 + index * step), Instant(from.0 + (index + 1) * step));
        let point = points.next_if(|(start, _)| *start < end).map(|(_, point)| *point);
        (at, point)
    });
    filled.collect()
}

#[cfg(test)]
impl ChartData {
    /// A chart of points that are a minute apart, from 1970 on.
    pub(super) fn of_minutes(shape: Shape, values: &[Option<f64>]) -> Self {
        let times: Vec<_> = (0..).take(values.len()).map(|minute| Instant(minute * 60_000)).collect();
        let end = Instant(times.last().map_or(0, |last| last.0 + 60_000));
        let series = ChartSeries { name: "Speed", shape, colour: 1, values: values.to_vec() };
        Self::new(Spacing::Time(Instant(0), end), Unit::Rate, 60_000, times, vec![series])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(share: f64) -> String {
        crate::format::fixed(share * 100.0, 1)
    }

    #[test]
    fn a_point_is_in_the_middle_of_its_time() {
        let chart = ChartData::of_minutes(Shape::Line, &[Some(1.0), None, Some(2.0), Some(3.0)]);
        assert_eq!([0, 1, 3, 9].map(|index| percent(chart.place(index))), ["12.5", "37.5", "87.5", "100.0"]);
        assert_eq!(percent(chart.bar_width()), "19.0");
        assert_eq!(percent(chart.place_of(Instant(-5))), "0.0");
        assert_eq!(percent(chart.place_of(Instant(120_000))), "50.0");
    }

    #[test]
    fn evenly_spaced_points_ignore_their_times() {
        let mut chart = ChartData::of_minutes(Shape::Bars, &[Some(1.0), Some(2.0)]);
        chart.times = vec![Instant(0), Instant(1_000_000_000)];
        chart.spacing = Spacing::Even;
        assert_eq!([0, 1].map(|index| percent(chart.place(index))), ["25.0", "75.0"]);
        assert_eq!(percent(chart.place_of(Instant(7))), "50.0");
        assert_eq!(percent(chart.bar_width()), "38.0");
    }

    #[test]
    fn the_nearest_point_is_found() {
        let chart = ChartData::of_minutes(Shape::Line, &[Some(1.0), None, Some(2.0), Some(3.0)]);
        assert_eq!([-1.0, 0.3, 0.99].map(|place| chart.nearest(place)), [Some(0), Some(1), Some(3)]);
        assert_eq!(ChartData::of_minutes(Shape::Line, &[]).nearest(0.5), None);
    }

    #[test]
    fn bars_stand_on_each_other() {
        let mut chart = ChartData::of_minutes(Shape::Bars, &[Some(3.0), Some(1.0)]);
        let failed = ChartSeries { name: "Failed", shape: Shape::Bars, colour: 2, values: vec![Some(2.0), None] };
        let before = ChartSeries { name: "Before", shape: Shape::Dashed, colour: 3, values: vec![Some(4.0), None] };
        chart.series.extend([failed, before]);
        assert_eq!(percent(chart.below(1, 0)), "300.0");
        assert_eq!(percent(chart.below(0, 0)), "0.0");
        assert_eq!(percent(chart.greatest()), "500.0");
        chart.usual = Some((1.0, 9.0));
        assert_eq!(percent(chart.greatest()), "900.0");
    }

    #[test]
    fn a_chart_without_values_is_empty() {
        let is_empty = |values: &[Option<f64>]| ChartData::of_minutes(Shape::Line, values).is_empty();
        assert!(is_empty(&[]) && is_empty(&[None, None]));
        assert!(!is_empty(&[None, Some(0.0)]));
    }

    #[test]
    fn a_chart_is_idle_if_no_value_is_above_zero() {
        let idle_text = |values: &[Option<f64>]| {
            let mut chart = ChartData::of_minutes(Shape::Line, values);
            chart.idle = Some("Nothing".to_owned());
            chart.idle_text()
        };
        assert_eq!(idle_text(&[Some(0.0), None]).as_deref(), Some("Nothing"));
        assert_eq!(idle_text(&[Some(0.0), Some(0.1)]), None);
        assert_eq!(ChartData::of_minutes(Shape::Line, &[Some(0.0)]).idle_text(), None);
    }

    #[test]
    fn missing_points_leave_gaps() {
        let points = [(Instant(0), 'a'), (Instant(10), 'b'), (Instant(30), 'd')];
        let filled = with_gaps(&points, Instant(10), Instant(50), 10);
        let expected = [(10, Some('b')), (20, None), (30, Some('d')), (40, None)];
        assert_eq!(filled, expected.map(|(at, point)| (Instant(at), point)));
        assert!(with_gaps(&points, Instant(10), Instant(5), 10).is_empty());
        assert!(with_gaps(&points, Instant(10), Instant(50), 0).is_empty());
    }
}
