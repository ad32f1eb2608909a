//! The order of a list of jobs or pipelines.

use strum::{Display, EnumString, VariantNames};

use super::{
    field_reader::{Fields, FromFields},
    sort_order,
};

/// What jobs and pipelines are sorted by. Those without the value come last in either direction; of two with the same
/// value, the id decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString, VariantNames, async_graphql::Enum)]
#[strum(serialize_all = "camelCase")]
pub enum ScheduledSortField {
    /// Time of creation.
    #[default]
    CreatedAt,
    /// Next slot of the schedule; without it while nothing is planned.
    NextRunAt,
}

/// The order of a list of jobs or pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::InputObject)]
pub struct ScheduledSort {
    /// What jobs and pipelines are sorted by.
    pub field: ScheduledSortField,
    /// Whether the latest times come first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for ScheduledSort {
    /// Newest first.
    fn default() -> Self {
        Self { field: ScheduledSortField::CreatedAt, descending: true }
    }
}

impl FromFields for ScheduledSort {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let order = fields.optional("sort", &[], |value| sort_order::parse(&value))?;
        Some(order.map_or_else(Self::default, |(field, descending)| Self { field, descending }))
    }
}
