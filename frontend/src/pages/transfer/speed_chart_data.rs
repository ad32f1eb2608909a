//! The chart of a transfer's speed: its samples, with stalls and attempts shaded. Pure.

use crate::{
    api::samples::Sample,
    time::Instant,
    ui::{Band, ChartData, ChartSeries, Shape, Spacing, Tone, Unit},
};

/// The chart of samples from the start of the transfer, or from the first sample if the start is not known, to `until`,
/// which is its end or now.
pub(super) fn speed_chart(samples: &[Sample], started: Option<Instant>, until: Instant) -> ChartData {
    let (mut times, mut speeds) = (Vec::new(), Vec::new());
    let mut before: Option<&Sample> = None;
    for sample in samples {
        if let Some(before) = before.filter(|before| before.attempt != sample.attempt) {
            // The line has a gap here, because nothing is copied between two attempts.
            times.push(Instant(before.at.0 + (sample.at.0 - before.at.0) / 2));
            speeds.push(None);
        }
        times.push(sample.at);
        speeds.push(Some(if sample.stalled { 0.0 } else { sample.speed }));
        before = Some(sample);
    }
    let first = samples.first().map_or(until, |sample| sample.at);
    let from = started.filter(|started| *started < first).unwrap_or(first);
    let last = samples.last().map_or(until, |sample| sample.at.max(until));
    // The time range must not be empty, as it would be for a transfer with one sample.
    let to = Instant(last.0.max(from.0 + 1000));
    let series = ChartSeries { name: "Speed", shape: Shape::Area, colour: 1, values: speeds };
    ChartData {
        bands: bands(samples, to),
        ..ChartData::new(Spacing::Time(from, to), Unit::Rate, 0, times, vec![series])
    }
}

/// The bands of the attempts, if there are several, and then those of the stalls.
fn bands(samples: &[Sample], until: Instant) -> Vec<Band> {
    let (mut attempts, mut stalls) = (Vec::new(), Vec::new());
    let mut rest = samples.chunk_by(|one, other| one.attempt == other.attempt).peekable();
    while let Some(samples) = rest.next() {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { continue };
        let end = if rest.peek().is_some() { last.at } else { until };
        // The attempts have two tones in turn, so that adjacent ones can be distinguished.
        let tone = if first.attempt % 2 == 0 { Tone::Neutral } else { Tone::Accent };
        attempts.push(Band { name: format!("Attempt {}", first.attempt), from: first.at, to: end, tone });
        stalls.extend(stalls_of(samples, end));
    }
    if attempts.len() < 2 && samples.iter().all(|sample| sample.attempt == 1) {
        attempts.clear();
    }
    attempts.into_iter().chain(stalls).collect()
}

/// The bands of an attempt's stalls: each from its first stalled sample to the next sample with progress.
fn stalls_of(samples: &[Sample], end: Instant) -> Vec<Band> {
    let stall = |from: Instant, to: Instant| Band { name: "Stalled".to_owned(), from, to, tone: Tone::Warn };
    let mut stalls = Vec::new();
    let mut since = None;
    for sample in samples {
        match since {
            None if sample.stalled => since = Some(sample.at),
            Some(from) if !sample.stalled => {
                stalls.push(stall(from, sample.at));
                since = None;
            }
            _ => {}
        }
    }
    stalls.extend(since.map(|from| stall(from, end)));
    stalls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, attempt: i32, stalled: bool) -> Sample {
        Sample { at: Instant(second * 1000), attempt, speed: 5_000_000.0, stalled }
    }

    fn seconds(chart: &ChartData) -> Vec<(&str, i64, i64)> {
        chart.bands.iter().map(|band| (band.name.as_str(), band.from.0 / 1000, band.to.0 / 1000)).collect()
    }

    #[test]
    fn a_stall_lasts_until_there_is_progress_again() {
        let samples = [sample(10, 1, false), sample(80, 1, true), sample(140, 1, false), sample(150, 1, true)];
        let chart = speed_chart(&samples, Some(Instant(0)), Instant(200_000));
        assert_eq!(seconds(&chart), [("Stalled", 80, 140), ("Stalled", 150, 200)]);
        assert_eq!(chart.spacing, Spacing::Time(Instant(0), Instant(200_000)));
        assert_eq!(chart.series[0].values, [Some(5e6), Some(0.0), Some(5e6), Some(0.0)]);
    }

    #[test]
    fn several_attempts_are_shaded_with_a_gap_between_them() {
        let samples = [sample(0, 1, false), sample(10, 1, true), sample(110, 2, false)];
        let chart = speed_chart(&samples, None, Instant(120_000));
        assert_eq!(seconds(&chart), [("Attempt 1", 0, 10), ("Attempt 2", 110, 120), ("Stalled", 10, 10)]);
        assert_eq!(chart.times, [0, 10, 60, 110].map(|second| Instant(second * 1000)));
        assert_eq!(chart.series[0].values[2], None);
        let second_only = speed_chart(&samples[2..], None, Instant(120_000));
        assert_eq!(seconds(&second_only), [("Attempt 2", 110, 120)]);
    }

    #[test]
    fn a_chart_has_a_length_and_holds_every_sample() {
        let chart = speed_chart(&[sample(10, 1, false)], Some(Instant(10_000)), Instant(10_000));
        assert_eq!(chart.spacing, Spacing::Time(Instant(10_000), Instant(11_000)));
        let late = speed_chart(&[sample(10, 1, false), sample(30, 1, false)], None, Instant(25_000));
        assert_eq!(late.spacing, Spacing::Time(Instant(10_000), Instant(30_000)));
        assert!(speed_chart(&[], None, Instant(5)).is_empty());
    }
}
