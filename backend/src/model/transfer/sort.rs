//! The order of a list of transfers.

use serde_json::Value;
use strum::{Display, EnumString, VariantNames};

use super::TransferStatus;
use crate::model::{
    field_reader::{Check, Fields, FromFields},
    sort_order,
};

/// What transfers are sorted by. Transfers without the value come last in either direction; of two with the same value,
/// the id decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString, VariantNames, async_graphql::Enum)]
#[strum(serialize_all = "camelCase")]
pub enum TransferSortField {
    /// Time of creation.
    #[default]
    CreatedAt,
    /// End time; without it while the transfer has not ended.
    CompletedAt,
    /// Total size in bytes, if it is known.
    Size,
    /// Time from the start to the end of a transfer that has ended.
    Duration,
    /// Average bytes per second of a completed transfer.
    Speed,
}

/// The order of a list of transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::InputObject)]
pub struct TransferSort {
    /// What transfers are sorted by.
    pub field: TransferSortField,
    /// Whether the highest values come first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for TransferSort {
    /// Newest first.
    fn default() -> Self {
        Self { field: TransferSortField::CreatedAt, descending: true }
    }
}

impl FromFields for TransferSort {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("sort", &[], |value| parse(&value)).map(Option::unwrap_or_default)
    }
}

fn parse(value: &Value) -> Check<TransferSort> {
    sort_order::parse(value).map(|(field, descending)| TransferSort { field, descending })
}

impl TransferSortField {
    /// Whether transfers with this status can have a value in this field.
    #[must_use]
    pub const fn has_values(self, status: TransferStatus) -> bool {
        match self {
            Self::CreatedAt | Self::Size => true,
            Self::CompletedAt | Self::Duration => status.has_ended(),
            Self::Speed => matches!(status, TransferStatus::Completed),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("createdAt", TransferSortField::CreatedAt, false)]
    #[case("-completedAt", TransferSortField::CompletedAt, true)]
    #[case("-size", TransferSortField::Size, true)]
    #[case("duration", TransferSortField::Duration, false)]
    #[case("speed", TransferSortField::Speed, false)]
    fn a_minus_means_descending(#[case] text: &str, #[case] field: TransferSortField, #[case] descending: bool) {
        assert_eq!(parse(&json!(text)), Ok(TransferSort { field, descending }));
    }

    #[rstest]
    #[case("")]
    #[case("-")]
    #[case("--size")]
    #[case("Size")]
    #[case("created_at")]
    fn other_fields_are_refused_with_those_that_exist(#[case] text: &str) {
        let problem = parse(&json!(text)).expect_err("it is refused");
        assert!(problem.contains("createdAt, completedAt, size, duration, speed"), "{problem}");
    }
}
