//! Previews of schedules, for schedules that no job has yet.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use super::schedule_text;
use crate::model::{
    Instant,
    field_reader::{Fields, FromFields, integer, text},
    schedule::Schedule,
};

/// The maximum number of slots in a preview.
const MOST: i64 = 100;

/// Input for the preview of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewSchedule {
    /// The text of the schedule.
    pub schedule: String,
    /// The time zone of the schedule.
    pub timezone: String,
    /// The number of slots to return.
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
    /// Describes a schedule, and lists its next slots after the time `after`: at most `first` of them.
    #[must_use]
    pub fn of(schedule: &Schedule, after: DateTime<Utc>, first: usize) -> Self {
        let slots = schedule.upcoming(after).take(first);
        let slots =
            slots.map(|at| ScheduledTime { at: at.into(), utc_offset_minutes: schedule.utc_offset_minutes(at) });
        Self { description: schedule.describe(), slots: slots.collect() }
    }
}
