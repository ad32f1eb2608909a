//! The order of lists of jobs and pipelines.

use super::schema;

/// The fields by which jobs and pipelines can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum ScheduledSortField {
    CreatedAt,
    NextRunAt,
}

/// The order of a list of jobs or pipelines. Those without a next run come last.
#[derive(Clone, Debug, PartialEq, Eq, cynic::InputObject)]
pub(crate) struct ScheduledSort {
    pub(crate) field: ScheduledSortField,
    /// Whether the latest times come first.
    pub(crate) descending: bool,
}
