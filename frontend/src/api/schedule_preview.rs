//! The preview of a schedule.

use cynic::QueryBuilder;

use super::{Request, schema};
use crate::time::Instant;

#[derive(cynic::QueryVariables)]
struct PreviewVariables {
    schedule: String,
    timezone: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "PreviewVariables")]
struct PreviewSchedule {
    #[arguments(schedule: $schedule, timezone: $timezone)]
    schedule_preview: SchedulePreview,
}

/// The description of a schedule, and its next times.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct SchedulePreview {
    pub(crate) description: String,
    pub(crate) slots: Vec<ScheduledTime>,
}

/// A scheduled time.
#[derive(Clone, Copy, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct ScheduledTime {
    pub(crate) at: Instant,
    /// How many minutes the time zone of the schedule is ahead of UTC at this time.
    pub(crate) utc_offset_minutes: i32,
}

/// Gets the description and the next times of a schedule, which only the server can evaluate.
pub(crate) fn preview(schedule: String, timezone: String) -> Request<SchedulePreview> {
    let operation = PreviewSchedule::build(PreviewVariables { schedule, timezone });
    Request::new(&operation, |preview| Ok(preview.schedule_preview))
}
