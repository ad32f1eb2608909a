//! What a schedule says, before there is a job with it.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use super::schedule_text;
use crate::model::{
    Instant,
    fields::{Fields, FromFields, integer, text},
    schedule::Schedule,
};

/// The most times of a preview.
const MOST: i64 = 100;

/// What is said to look at a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewSchedule {
    /// Its text.
    pub schedule: String,
    /// Its time zone.
    pub timezone: String,
    /// How many of its next times are wanted.
    pub first: usize,
}

impl FromFields for PreviewSchedule {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let schedule = fields.required("schedule", &[], schedule_text);
        let timezone = fields.required("timezone", &[], text(1, 64));
        let first = fields.required("first", &[], integer(1, MOST));
        Some(Self { schedule: schedule?, timezone: timezone?, first: usize::try_from(first?).ok()? })
    }
}

/// Description of a schedule, and its next slots.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct SchedulePreview {
    /// The schedule in plain English.
    pub description: String,
    /// The next slots of the schedule.
    pub slots: Vec<ScheduledTime>,
}

/// A slot of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, SimpleObject)]
pub struct ScheduledTime {
    /// Time of the slot.
    pub at: Instant,
    /// Offset of the schedule's time zone from UTC at that time, in minutes; positive east of Greenwich.
    pub utc_offset_minutes: i64,
}

impl SchedulePreview {
    /// What a schedule says, with its next times after an instant.
    #[must_use]
    pub fn of(schedule: &Schedule, after: DateTime<Utc>, first: usize) -> Self {
        let slots = schedule.upcoming(after).take(first);
        let slots =
            slots.map(|at| ScheduledTime { at: at.into(), utc_offset_minutes: schedule.utc_offset_minutes(at) });
        Self { description: schedule.describe(), slots: slots.collect() }
    }
}
