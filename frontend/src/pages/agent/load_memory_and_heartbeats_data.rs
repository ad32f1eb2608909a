//! The last 24 hours of an agent: its heartbeats as a strip, its load and its memory as charts. Pure.

use crate::{
    api::agent_page::HistoryPoint,
    format,
    time::Instant,
    ui::{ChartData, ChartSeries, Shape, Spacing, StripCell, Tone, Unit, with_gaps},
};

const MINUTE: i64 = 60_000;
/// The time that a cell of the strip stands for, in milliseconds.
pub(super) const CELL: i64 = 15 * MINUTE;
/// The time that a point of a chart stands for, in milliseconds.
const STEP: i64 = 5 * MINUTE;
/// The number of consecutive minutes without a heartbeat that count as a gap.
const SILENCE: usize = 3;

/// The window of the last 24 hours, in full cells, including the cell that has begun.
fn window(now: Instant) -> (Instant, Instant) {
    let end = (now.0.div_euclid(CELL) + 1) * CELL;
    (Instant(end - 24 * 60 * MINUTE), Instant(end))
}

/// The minutes of a window, oldest first; `None` for minutes without data.
fn minutes(points: &[HistoryPoint], (from, to): (Instant, Instant)) -> Vec<(Instant, Option<HistoryPoint>)> {
    let known: Vec<_> = points.iter().map(|point| (point.at, *point)).collect();
    with_gaps(&known, from, to, MINUTE)
}

/// The heartbeats of the last 24 hours, in cells.
pub(super) fn cells(points: &[HistoryPoint], now: Instant) -> Vec<StripCell> {
    let minutes = minutes(points, window(now));
    let length = usize::try_from(CELL / MINUTE).unwrap_or(1);
    minutes.chunks(length).filter_map(|minutes| Some(cell(minutes.first()?.0, minutes))).collect()
}

fn cell(at: Instant, minutes: &[(Instant, Option<HistoryPoint>)]) -> StripCell {
    let known: Vec<bool> = minutes.iter().filter_map(|(_, point)| Some(point.as_ref()?.heartbeats > 0)).collect();
    let silence = known.split(|is_there| *is_there).map(<[bool]>::len).max().unwrap_or(0);
    let (text, tone) = if known.is_empty() {
        ("Nothing is known".to_owned(), Tone::Neutral)
    } else if silence == known.len() {
        ("No heartbeat".to_owned(), Tone::Bad)
    } else if silence >= SILENCE {
        (format!("No heartbeat for {silence} min"), Tone::Warn)
    } else {
        ("Heartbeats arrived".to_owned(), Tone::Good)
    };
    StripCell { at, text, tone }
}

/// A sentence that summarises the heartbeats of the last 24 hours.
pub(super) fn summary(points: &[HistoryPoint], now: Instant) -> String {
    let known: Vec<bool> = minutes(points, window(now))
        .into_iter()
        .filter_map(|(_, point)| point.map(|point| point.heartbeats > 0))
        .collect();
    let silences = known.split(|is_there| *is_there).map(<[bool]>::len).filter(|minutes| *minutes >= SILENCE);
    let (count, longest) =
        silences.fold((0_i64, 0_usize), |(count, longest), minutes| (count + 1, longest.max(minutes)));
    match (known.len(), count) {
        (0, _) => "There is no data for the last 24 hours.".to_owned(),
        (_, 0) => "No gaps between heartbeats in the last 24 hours, as far as there is data.".to_owned(),
        (_, count) => {
            let length = format::duration(i64::try_from(longest).unwrap_or_default() * 60);
            let times = format::counted(count, "gap");
            format!("{times} between heartbeats in the last 24 hours, the longest of {length}.")
        }
    }
}

/// The load of the last 24 hours.
pub(super) fn load(points: &[HistoryPoint], now: Instant) -> ChartData {
    chart("Load average", Unit::Load, points, now, |point| point.load)
}

/// The memory in use in the last 24 hours.
pub(super) fn memory(points: &[HistoryPoint], now: Instant) -> ChartData {
    chart("Memory in use", Unit::Memory, points, now, |point| point.memory)
}

fn chart(
    name: &'static str,
    unit: Unit,
    points: &[HistoryPoint],
    now: Instant,
    read: fn(&HistoryPoint) -> Option<f64>,
) -> ChartData {
    let (from, to) = window(now);
    let minutes = minutes(points, (from, to));
    let length = usize::try_from(STEP / MINUTE).unwrap_or(1);
    let average = |minutes: &[(Instant, Option<HistoryPoint>)]| {
        let values: Vec<f64> = minutes.iter().filter_map(|(_, point)| read(point.as_ref()?)).collect();
        mean(&values)
    };
    let (times, values) =
        minutes.chunks(length).filter_map(|minutes| Some((minutes.first()?.0, average(minutes)))).unzip();
    let series = ChartSeries { name, shape: Shape::Area, colour: 1, values };
    ChartData::new(Spacing::Time(from, to), unit, STEP, times, vec![series])
}

#[expect(clippy::cast_precision_loss, reason = "a few values")]
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon, and the minutes before it.
    const NOON: i64 = 12 * 60 * MINUTE;

    fn at(minutes_before: i64) -> Instant {
        Instant(NOON - minutes_before * MINUTE)
    }

    fn minute(minutes_before: i64, heartbeats: i32) -> HistoryPoint {
        HistoryPoint { at: at(minutes_before), heartbeats, load: Some(0.5), memory: None }
    }

    #[test]
    fn a_cell_says_whether_heartbeats_arrived() {
        let points: Vec<_> = (1..=60)
            .rev()
            .filter(|before| !(16..=30).contains(before))
            .map(|before| {
                minute(
                    before,
                    match before {
                        31..=45 | 50..=53 => 0,
                        _ => 2,
                    },
                )
            })
            .collect();
        let cells = cells(&points, Instant(NOON - 1));
        assert_eq!((cells.len(), cells[0].at), (96, at(24 * 60)));
        let last: Vec<_> = cells[91..].iter().map(|cell| (cell.text.as_str(), cell.tone)).collect();
        assert_eq!(
            last,
            [
                ("Nothing is known", Tone::Neutral),
                ("No heartbeat for 4 min", Tone::Warn),
                ("No heartbeat", Tone::Bad),
                ("Nothing is known", Tone::Neutral),
                ("Heartbeats arrived", Tone::Good),
            ]
        );
        let said = "1 gap between heartbeats in the last 24 hours, the longest of 15 min.";
        assert_eq!(summary(&points[13..], Instant(NOON - 1)), said);
    }

    #[test]
    fn a_day_without_gaps_says_so() {
        let points: Vec<_> = (1..=10).rev().map(|before| minute(before, 1)).collect();
        let all = "No gaps between heartbeats in the last 24 hours, as far as there is data.";
        assert_eq!(summary(&points, Instant(NOON)), all);
        assert_eq!(summary(&[], Instant(NOON)), "There is no data for the last 24 hours.");
    }

    #[test]
    fn charts_have_averages_of_five_minutes_and_gaps() {
        let points = [
            HistoryPoint { load: Some(1.0), ..minute(5, 2) },
            HistoryPoint { load: Some(2.0), ..minute(4, 2) },
            HistoryPoint { load: None, ..minute(3, 2) },
        ];
        let chart = load(&points, Instant(NOON - 1));
        let values = &chart.series[0].values;
        assert_eq!((values.len(), chart.times.len(), values[286], values[287]), (288, 288, None, Some(1.5)));
        assert!(memory(&points, Instant(NOON - 1)).is_empty());
    }
}
