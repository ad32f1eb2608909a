//! The units of charts: their values as text, and the values that are marked on the axis. Pure.

use crate::format;

/// The maximum number of steps of the axis of values.
const MOST_STEPS: f64 = 4.0;

/// The unit of a chart's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes.
    Bytes,
    /// Bytes per second.
    Rate,
    /// Whole numbers of something.
    Count,
    /// Seconds.
    Seconds,
    /// A load average.
    Load,
    /// Megabytes of 1024 × 1024.
    Memory,
}

impl Unit {
    /// A value with its unit.
    #[expect(clippy::cast_possible_truncation, reason = "amounts and durations are far below the limit")]
    pub(crate) fn text(self, value: f64) -> String {
        match self {
            Self::Bytes => format::bytes(value as i64),
            Self::Rate => format::rate(value),
            Self::Count => format::count(value as i64),
            Self::Seconds => format::duration(value.round() as i64),
            Self::Load => format::fixed(value, 2),
            Self::Memory => format::memory(value),
        }
    }

    /// The minimum of the greatest value on the axis, and the smallest step between two marks.
    const fn smallest(self) -> (f64, f64) {
        match self {
            Self::Bytes | Self::Rate => (1000.0, 250.0),
            Self::Count | Self::Seconds => (4.0, 1.0),
            Self::Load => (1.0, 0.25),
            Self::Memory => (256.0, 64.0),
        }
    }

    /// The next larger step after `step`, which is the step number `index` in ascending order.
    fn larger(self, step: f64, index: usize) -> f64 {
        /// The steps for durations, in seconds. Larger steps are doubled.
        const DURATIONS: [f64; 17] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0,
            21_600.0, 43_200.0,
        ];
        match self {
            Self::Seconds => DURATIONS.get(index + 1).copied().unwrap_or(step * 2.0),
            Self::Memory => step * 2.0,
            // 250, 500, 1000, 2500 …
            Self::Bytes | Self::Rate | Self::Load => step * [2.0, 2.0, 2.5][index % 3],
            // 1, 2, 5, 10 …
            Self::Count => step * [2.0, 2.5, 2.0][index % 3],
        }
    }

    /// The marks of an axis that begins at 0. The last mark is the upper end of the axis, and at least `greatest`.
    pub(super) fn marks(self, greatest: f64) -> Vec<f64> {
        let (least, mut step) = self.smallest();
        let top = greatest.max(least);
        let mut index = 0;
        while top.is_finite() && top / step > MOST_STEPS {
            step = self.larger(step, index);
            index += 1;
        }
        let mut marks = vec![0.0];
        let mut mark = step;
        while marks.last().is_some_and(|last| *last < top) && top.is_finite() {
            marks.push(mark);
            mark += step;
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(unit: Unit, greatest: f64) -> Vec<String> {
        unit.marks(greatest).into_iter().map(|mark| unit.text(mark)).collect()
    }

    #[test]
    fn the_axis_ends_at_a_round_value_above_the_greatest() {
        assert_eq!(marks(Unit::Rate, 8_400_000.0), ["0 B/s", "2.50 MB/s", "5.00 MB/s", "7.50 MB/s", "10.0 MB/s"]);
        assert_eq!(marks(Unit::Count, 7.0), ["0", "2", "4", "6", "8"]);
        assert_eq!(marks(Unit::Count, 4.0), ["0", "1", "2", "3", "4"]);
        assert_eq!(marks(Unit::Seconds, 200.0), ["0 s", "1 min", "2 min", "3 min", "4 min"]);
        assert_eq!(marks(Unit::Load, 1.3), ["0.00", "0.50", "1.00", "1.50"]);
        assert_eq!(marks(Unit::Memory, 5000.0), ["0 MiB", "2.0 GiB", "4.0 GiB", "6.0 GiB"]);
    }

    #[test]
    fn an_axis_without_values_has_marks_too() {
        assert_eq!(marks(Unit::Count, 0.0), ["0", "1", "2", "3", "4"]);
        assert_eq!(marks(Unit::Bytes, 0.0).last().map(String::as_str), Some("1.00 kB"));
        assert_eq!(Unit::Rate.marks(f64::INFINITY).len(), 1);
        assert_eq!(Unit::Rate.marks(f64::NAN).len(), 5);
    }

    #[test]
    fn there_are_at_most_five_marks() {
        for unit in [Unit::Bytes, Unit::Rate, Unit::Count, Unit::Seconds, Unit::Load, Unit::Memory] {
            let mut greatest = 0.3;
            while greatest < 1e14 {
                let marks = unit.marks(greatest);
                assert!((2..=5).contains(&marks.len()), "{unit:?}, {greatest}: {marks:?}");
                assert!(marks.last().is_some_and(|top| *top >= greatest), "{unit:?}, {greatest}: {marks:?}");
                greatest *= 1.7;
            }
        }
    }
}
