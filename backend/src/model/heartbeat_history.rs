//! The history of an agent: its load, its memory and its heartbeats over time.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::Serialize;
use strum::{Display, EnumString, VariantNames};
use utoipa::ToSchema;

use super::{
    Instant,
    field_reader::{Fields, FromFields, one_of},
    packed_numbers::{Numbers, put},
    reported_value_limits::MAX_MEASURE,
};

/// Seconds of an hour.
pub const HOUR: i64 = 3_600;
/// Seconds of a minute.
const MINUTE: i64 = 60;
/// The form in which histories are stored. Another form is not read.
const FORM: u64 = 1;
/// Measures are stored in thousandths.
const THOUSANDTHS: f64 = 1_000.0;

/// Length of the period that a point of an agent's history covers.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    VariantNames,
    Serialize,
    ToSchema,
    async_graphql::Enum,
)]
pub enum HistoryStep {
    /// A minute, for the last 24 hours.
    #[default]
    #[serde(rename = "1m")]
    #[strum(serialize = "1m")]
    Minute,
    /// An hour, for the last 30 days.
    #[serde(rename = "1h")]
    #[strum(serialize = "1h")]
    Hour,
}

impl HistoryStep {
    /// The length of one step in seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
        }
    }

    /// The maximum number of points of a history with this step.
    #[must_use]
    pub const fn count(self) -> i64 {
        match self {
            Self::Minute => 24 * 60,
            Self::Hour => 30 * 24,
        }
    }

    /// The start of the first point of a history whose last point contains `now`. Both are in Unix seconds.
    #[must_use]
    pub const fn first(self, now: i64) -> i64 {
        now.div_euclid(self.seconds()) * self.seconds() - (self.count() - 1) * self.seconds()
    }
}

impl FromFields for HistoryStep {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("step", &[], one_of).map(Option::unwrap_or_default)
    }
}

/// Load, memory and heartbeats of an agent in one minute or hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct AgentHistoryPoint {
    /// Start of the minute or hour.
    pub at: Instant,
    /// Average of the one-minute load averages of the machine; null if the agent reported none.
    #[schema(required, minimum = 0, example = 0.45)]
    pub load: Option<f64>,
    /// Average memory in use in MB; null if the agent reported none.
    #[schema(required, minimum = 0, example = 512)]
    pub memory: Option<f64>,
    /// Number of seconds in which a heartbeat arrived.
    #[schema(minimum = 0, example = 2)]
    pub heartbeats: i64,
    /// Longest time without a heartbeat within the minute or hour, in seconds.
    #[schema(minimum = 0, maximum = 3600, example = 30)]
    pub longest_gap_seconds: i64,
}

/// The values of a measure, for their average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Measure {
    total: f64,
    count: u64,
}

impl Measure {
    fn note(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.total += value;
            self.count += 1;
        }
    }

    fn add(&mut self, other: Self) {
        self.total += other.total;
        self.count = self.count.saturating_add(other.count);
    }

    #[expect(clippy::cast_precision_loss, reason = "a number of heartbeats")]
    fn average(self) -> Option<f64> {
        (self.count > 0).then(|| self.total / self.count as f64)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an average within its bounds")]
    fn put(self, bytes: &mut Vec<u8>) {
        let average = self.average().unwrap_or_default().clamp(0.0, MAX_MEASURE);
        put(bytes, self.count);
        put(bytes, (average * THOUSANDTHS).round() as u64);
    }

    #[expect(clippy::cast_precision_loss, reason = "a measure")]
    fn take(numbers: &mut Numbers<'_>) -> Option<Self> {
        let count = numbers.take()?;
        let average = numbers.take()? as f64 / THOUSANDTHS;
        Some(Self { total: average * count as f64, count })
    }
}

/// The heartbeats of one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct HeartbeatMinute {
    /// A bit for each second, set if a heartbeat arrived in it. Sets of several servers are joined by OR.
    seconds: u64,
    load: Measure,
    memory: Measure,
}

/// The heartbeats of one hour, by minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatHour(BTreeMap<u64, HeartbeatMinute>);

impl HeartbeatHour {
    /// Adds a heartbeat at a time in Unix seconds.
    pub fn note(&mut self, second: i64, load: Option<f64>, memory: Option<f64>) {
        let of_hour = second.rem_euclid(HOUR);
        let minute = self.0.entry((of_hour / MINUTE).unsigned_abs()).or_default();
        minute.seconds |= 1_u64 << (of_hour % MINUTE);
        minute.load.note(load);
        minute.memory.note(memory);
    }

    /// Adds the heartbeats of the same hour that another server received, or that were stored before.
    pub fn add(&mut self, other: &Self) {
        for (number, other) in &other.0 {
            let minute = self.0.entry(*number).or_default();
            minute.seconds |= other.seconds;
            minute.load.add(other.load);
            minute.memory.add(other.memory);
        }
    }

    /// Summarises the heartbeats of the whole hour.
    #[must_use]
    pub fn summary(&self) -> HeartbeatSummary {
        let mut summary = HeartbeatSummary::default();
        for (number, minute) in &self.0 {
            summary.note(minute, i64::try_from(*number).unwrap_or_default() * MINUTE);
        }
        summary
    }

    /// Summarises the heartbeats of one minute of the hour, 0 to 59. The summary is empty if no heartbeat arrived in
    /// that minute.
    #[must_use]
    pub fn minute(&self, number: u64) -> HeartbeatSummary {
        let mut summary = HeartbeatSummary::default();
        if let Some(minute) = self.0.get(&number) {
            summary.note(minute, 0);
        }
        summary
    }

    /// Converts the heartbeats into the bytes that are stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.0.len() * 20);
        put(&mut bytes, FORM);
        for (number, minute) in &self.0 {
            put(&mut bytes, *number);
            put(&mut bytes, minute.seconds);
            minute.load.put(&mut bytes);
            minute.memory.put(&mut bytes);
        }
        bytes
    }

    /// Reads stored heartbeats; `None` if they are damaged or have another format.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut numbers = Numbers::new(bytes);
        if numbers.take()? != FORM {
            return None;
        }
        let mut minutes = BTreeMap::new();
        while !numbers.is_at_end() {
            let number = numbers.take().filter(|number| *number < 60)?;
            let seconds = numbers.take()?;
            let (load, memory) = (Measure::take(&mut numbers)?, Measure::take(&mut numbers)?);
            minutes.insert(number, HeartbeatMinute { seconds, load, memory });
        }
        Some(Self(minutes))
    }
}

/// The summary of the heartbeats of a minute or hour: their number, the times of the first and the last one, the
/// longest time between two, and the load and memory that they reported.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeartbeatSummary {
    heartbeats: i64,
    /// Seconds from the start of the minute or hour.
    first: i64,
    last: i64,
    longest_gap: i64,
    load: Measure,
    memory: Measure,
}

impl HeartbeatSummary {
    /// Adds a later minute, which begins `offset` seconds after the start.
    fn note(&mut self, minute: &HeartbeatMinute, offset: i64) {
        for second in (0..MINUTE).filter(|second| (minute.seconds >> second) & 1 == 1) {
            let at = offset + second;
            if self.heartbeats == 0 {
                self.first = at;
            } else {
                self.longest_gap = self.longest_gap.max(at - self.last);
            }
            self.last = at;
            self.heartbeats += 1;
        }
        self.load.add(minute.load);
        self.memory.add(minute.memory);
    }

    /// Whether at least one heartbeat arrived.
    #[must_use]
    pub const fn has_heartbeats(&self) -> bool {
        self.heartbeats > 0
    }

    /// Converts the summary into a point of the history. The minute or hour starts at `at`, in Unix seconds, and
    /// `length` seconds of it have passed.
    #[must_use]
    pub fn point(&self, at: i64, length: i64) -> AgentHistoryPoint {
        let gap = if self.has_heartbeats() { self.first.max(self.longest_gap).max(length - self.last) } else { length };
        AgentHistoryPoint {
            at: DateTime::from_timestamp(at, 0).unwrap_or(DateTime::UNIX_EPOCH).into(),
            load: self.load.average(),
            memory: self.memory.average(),
            heartbeats: self.heartbeats,
            longest_gap_seconds: gap,
        }
    }

    /// Converts the summary into the bytes that are stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        put(&mut bytes, FORM);
        for number in [self.heartbeats, self.first, self.last, self.longest_gap] {
            put(&mut bytes, number.max(0).unsigned_abs());
        }
        self.load.put(&mut bytes);
        self.memory.put(&mut bytes);
        bytes
    }

    /// Reads a stored summary; `None` if it is damaged or has another format.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut numbers = Numbers::new(bytes);
        if numbers.take()? != FORM {
            return None;
        }
        Some(Self {
            heartbeats: numbers.take_signed()?,
            first: numbers.take_signed()?,
            last: numbers.take_signed()?,
            longest_gap: numbers.take_signed()?,
            load: Measure::take(&mut numbers)?,
            memory: Measure::take(&mut numbers)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-04-25T13:00:00Z.
    const START: i64 = 1_777_122_000;

    fn hour(heartbeats: &[(i64, Option<f64>)]) -> HeartbeatHour {
        let mut hour = HeartbeatHour::default();
        for (second, load) in heartbeats {
            hour.note(START + second, *load, Some(100.0));
        }
        hour
    }

    #[test]
    fn a_minute_has_averages_and_its_longest_gap() {
        let minute = hour(&[(5, Some(1.0)), (35, None), (36, Some(2.0)), (70, Some(9.0))]).minute(0).point(START, 60);
        assert_eq!((minute.heartbeats, minute.longest_gap_seconds), (3, 30));
        assert_eq!((minute.load, minute.memory), (Some(1.5), Some(100.0)));
    }

    #[test]
    fn the_gap_before_the_first_and_after_the_last_heartbeat_counts() {
        assert_eq!(hour(&[(50, None)]).minute(0).point(START, 60).longest_gap_seconds, 50);
        assert_eq!(hour(&[(10, None)]).minute(0).point(START, 60).longest_gap_seconds, 50);
        assert_eq!(hour(&[(10, None)]).minute(0).point(START, 15).longest_gap_seconds, 10, "15 seconds have passed");
        assert_eq!(hour(&[]).minute(0).point(START, 60).longest_gap_seconds, 60);
        assert_eq!(hour(&[(600, None), (3_000, None)]).summary().point(START, HOUR).longest_gap_seconds, 2_400);
    }

    #[test]
    fn heartbeats_of_two_servers_are_those_of_one() {
        let (mut one, other) = (hour(&[(5, Some(1.0)), (65, Some(3.0))]), hour(&[(35, Some(2.0))]));
        one.add(&other);
        assert_eq!(one, hour(&[(5, Some(1.0)), (35, Some(2.0)), (65, Some(3.0))]));
    }

    #[test]
    fn a_history_is_read_as_it_was_stored() {
        let hour = hour(&[(0, Some(0.25)), (59, None), (3_599, Some(7.25))]);
        let bytes = hour.to_bytes();
        assert_eq!(HeartbeatHour::from_bytes(&bytes), Some(hour.clone()));
        assert_eq!(HeartbeatHour::from_bytes(&bytes[..bytes.len() - 1]), None, "it is damaged");
        assert_eq!(
            HeartbeatHour::from_bytes(&[FORM.to_le_bytes()[0], 60, 0, 0, 0, 0, 0]),
            None,
            "there is no such minute"
        );
        let summary = hour.summary();
        assert_eq!(HeartbeatSummary::from_bytes(&summary.to_bytes()), Some(summary));
        assert_eq!(HeartbeatSummary::from_bytes(&[2]), None, "another form");
    }

    #[test]
    fn the_last_point_holds_the_present() {
        let now = START + 75;
        assert_eq!(HistoryStep::Minute.first(now), START + 60 - 1_439 * 60);
        assert_eq!(HistoryStep::Hour.first(now), START - 719 * HOUR);
    }
}
