//! The samples of a transfer: its bytes and its speed over time, bounded in number.

use chrono::DateTime;
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{
    Instant,
    packed_numbers::{Numbers, put},
    reported_value_limits::MAX_SPEED,
};

/// The maximum number of samples of one transfer. If another one is added, every second one is removed.
pub const MAX_SAMPLES: usize = 300;
/// The minimum number of seconds between two samples.
pub const MIN_INTERVAL: i64 = 10;
/// The form in which samples are stored. Another form is not read.
const FORM: u64 = 1;

/// The state of a running transfer at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct TransferSample {
    /// Time of the sample.
    pub at: Instant,
    /// Number of the attempt, counted from 1.
    #[schema(minimum = 1, example = 1)]
    pub attempt: i64,
    /// Bytes copied so far in this attempt.
    #[schema(minimum = 0, example = 471_859)]
    #[graphql(skip)]
    pub bytes_transferred: i64,
    /// Speed in bytes per second, as last reported.
    #[schema(minimum = 0, example = 1_048_576)]
    pub speed: f64,
    /// Whether the transfer was stalled.
    pub stalled: bool,
}

/// The samples of one transfer in the order of time, at most [`MAX_SAMPLES`] and [`MIN_INTERVAL`] apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Seconds between two samples while nothing but the progress changes. Doubled each time samples are removed.
    interval: i64,
    list: Vec<TransferSample>,
}

impl Default for Samples {
    fn default() -> Self {
        Self { interval: MIN_INTERVAL, list: Vec::new() }
    }
}

impl Samples {
    /// The samples in the order of time.
    #[must_use]
    pub fn list(&self) -> &[TransferSample] {
        &self.list
    }

    /// Adds a sample, unless the last one is too recent.
    pub fn add(&mut self, sample: TransferSample) {
        if let Some(last) = self.list.last() {
            let is_progress = (last.attempt, last.stalled) == (sample.attempt, sample.stalled);
            let interval = if is_progress { self.interval } else { MIN_INTERVAL };
            if seconds_between(last, &sample) < interval {
                return;
            }
        }
        self.push(sample);
    }

    /// Adds the last sample of an attempt. It replaces samples of less than [`MIN_INTERVAL`] seconds before.
    pub fn end(&mut self, sample: TransferSample) {
        while self.list.last().is_some_and(|last| seconds_between(last, &sample) < MIN_INTERVAL) {
            self.list.pop();
        }
        self.push(sample);
    }

    fn push(&mut self, sample: TransferSample) {
        if self.list.len() >= MAX_SAMPLES {
            let mut is_kept = false;
            self.list.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.interval = self.interval.saturating_mul(2);
        }
        self.list.push(sample);
    }

    /// Converts the samples into the bytes that are stored. Times are stored in seconds, speeds in whole bytes per
    /// second.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.list.len() * 16);
        put(&mut bytes, FORM);
        put(&mut bytes, self.interval.unsigned_abs());
        let mut before = 0;
        for sample in &self.list {
            let at = sample.at.0.timestamp();
            put(&mut bytes, at.saturating_sub(before).max(0).unsigned_abs());
            before = at;
            put(&mut bytes, sample.attempt.max(0).unsigned_abs());
            put(&mut bytes, sample.bytes_transferred.max(0).unsigned_abs());
            put(&mut bytes, whole(sample.speed));
            put(&mut bytes, u64::from(sample.stalled));
        }
        bytes
    }

    /// Reads stored samples; `None` if they are damaged or have another format.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut numbers = Numbers::new(bytes);
        if numbers.take()? != FORM {
            return None;
        }
        let mut samples = Self { interval: numbers.take_signed()?.max(MIN_INTERVAL), list: Vec::new() };
        let mut at = 0_i64;
        while !numbers.is_at_end() {
            at = at.checked_add(numbers.take_signed()?)?;
            samples.list.push(TransferSample {
                at: DateTime::from_timestamp(at, 0)?.into(),
                attempt: numbers.take_signed()?,
                bytes_transferred: numbers.take_signed()?,
                speed: fraction(numbers.take()?),
                stalled: numbers.take()? != 0,
            });
        }
        Some(samples)
    }
}

fn seconds_between(earlier: &TransferSample, later: &TransferSample) -> i64 {
    later.at.0.timestamp() - earlier.at.0.timestamp()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a speed within its bounds")]
fn whole(speed: f64) -> u64 {
    speed.clamp(0.0, MAX_SPEED).round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "a speed")]
const fn fraction(speed: u64) -> f64 {
    speed as f64
}

/// The samples of a transfer, and the number of bytes of its newest attempt that were already counted for series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampledTransfer {
    /// The newest attempt that was seen; 0 before the first one.
    pub attempt: i64,
    /// The number of bytes of that attempt that were already counted.
    pub bytes: i64,
    /// Whether the transfer was stalled when it was last seen.
    pub stalled: bool,
    /// The samples.
    pub samples: Samples,
}

impl SampledTransfer {
    /// Counts the bytes of an attempt up to `bytes`, and returns how many of them were not counted before; 0 for an
    /// attempt before the newest one.
    pub fn count(&mut self, attempt: i64, bytes: i64) -> i64 {
        if attempt < self.attempt {
            return 0;
        }
        let counted = if attempt == self.attempt { self.bytes } else { 0 };
        self.attempt = attempt;
        self.bytes = counted.max(bytes);
        self.bytes - counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_777_122_000;

    fn sample(second: i64) -> TransferSample {
        TransferSample {
            at: DateTime::from_timestamp(START + second, 0).expect("an instant").into(),
            attempt: 1,
            bytes_transferred: second * 1_000,
            speed: 1_000.0,
            stalled: false,
        }
    }

    fn seconds(samples: &Samples) -> Vec<i64> {
        samples.list().iter().map(|sample| sample.at.0.timestamp() - START).collect()
    }

    #[test]
    fn samples_are_ten_seconds_apart() {
        let mut samples = Samples::default();
        for second in [0, 5, 9, 10, 19, 21] {
            samples.add(sample(second));
        }
        assert_eq!(seconds(&samples), [0, 10, 21]);
        samples.end(sample(25));
        assert_eq!(seconds(&samples), [0, 10, 25], "the end takes the place of what is too near");
    }

    #[test]
    fn a_long_transfer_has_at_most_300_samples_evenly_apart() {
        let mut samples = Samples::default();
        for second in (0..86_400).step_by(10) {
            samples.add(sample(second));
            assert!(samples.list().len() <= MAX_SAMPLES);
        }
        let seconds = seconds(&samples);
        let steps: Vec<i64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(seconds[0], 0);
        assert!(seconds.len() > MAX_SAMPLES / 2, "{}", seconds.len());
        assert!(steps.iter().all(|step| *step == steps[0]), "{steps:?}");
    }

    #[test]
    fn a_stall_is_sampled_although_the_interval_has_grown() {
        let mut samples = Samples { interval: 640, list: vec![sample(0)] };
        samples.add(sample(100));
        samples.add(TransferSample { stalled: true, ..sample(100) });
        samples.add(TransferSample { stalled: true, ..sample(200) });
        assert_eq!(seconds(&samples), [0, 100]);
        assert!(samples.list()[1].stalled);
    }

    #[test]
    fn samples_are_read_as_they_were_stored() {
        let mut samples = Samples::default();
        samples.add(sample(0));
        samples.add(TransferSample { attempt: 2, stalled: true, bytes_transferred: 1 << 60, speed: 0.0, ..sample(77) });
        let bytes = samples.to_bytes();
        assert_eq!(Samples::from_bytes(&bytes), Some(samples));
        assert_eq!(Samples::from_bytes(&bytes[..bytes.len() - 1]), None, "it is damaged");
        assert_eq!(Samples::from_bytes(&[2, 10]), None, "another form");
        assert_eq!(Samples::from_bytes(&[]), None);
    }

    #[test]
    fn each_byte_of_an_attempt_is_counted_once() {
        let mut sampled = SampledTransfer::default();
        let reports = [(1, 0), (1, 400), (1, 400), (1, 900), (2, 0), (1, 1_000), (2, 300), (2, 200)];
        let counted = reports.map(|(attempt, bytes)| sampled.count(attempt, bytes));
        assert_eq!(counted, [0, 400, 0, 500, 0, 0, 300, 0]);
    }
}
