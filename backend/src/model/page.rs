//! Pages: what is asked for, and what came.

use serde::Serialize;

use super::fields::{Fields, FromFields, integer, parsed};

/// The part of a list that is asked for, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which page, from 1.
    pub page: u64,
    /// Items per page, 1 to 100.
    pub limit: u64,
}

/// Items per page when none are named.
pub const DEFAULT_LIMIT: u64 = 20;
/// The most items per page.
pub const MAX_LIMIT: u64 = 100;

impl Default for Window {
    fn default() -> Self {
        Self { page: 1, limit: DEFAULT_LIMIT }
    }
}

impl Window {
    /// How many items come before this page.
    #[must_use]
    pub const fn offset(self) -> u64 {
        let offset = (self.page - 1).saturating_mul(self.limit);
        // What both engines take as an OFFSET.
        if offset > i64::MAX as u64 { i64::MAX as u64 } else { offset }
    }
}

impl FromFields for Window {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let page = fields.optional("page", &[], parsed(integer(1, i64::MAX)));
        let limit = fields.optional("limit", &[], parsed(integer(1, MAX_LIMIT.cast_signed())));
        Some(Self { page: page?.map_or(1, i64::unsigned_abs), limit: limit?.map_or(DEFAULT_LIMIT, i64::unsigned_abs) })
    }
}

/// How many items there are in all pages together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Exactly so many.
    Exactly(u64),
    /// Counting stopped there.
    AtLeast(u64),
}

impl Total {
    /// Where counting stops when the figure is not maintained.
    pub const COUNTING_STOPS_AT: u64 = 10_000;

    /// What counting up to one more than [`Self::COUNTING_STOPS_AT`] says.
    #[must_use]
    pub const fn counted(found: u64) -> Self {
        if found > Self::COUNTING_STOPS_AT { Self::AtLeast(Self::COUNTING_STOPS_AT) } else { Self::Exactly(found) }
    }

    const fn figure(self) -> u64 {
        match self {
            Self::Exactly(figure) | Self::AtLeast(figure) => figure,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items of this page, newest first.
    pub items: Vec<T>,
    /// Where the page stands.
    pub pagination: Pagination,
}

impl<T> Page<T> {
    /// A page of `items`, cut from `total` at `window`.
    #[must_use]
    pub const fn new(items: Vec<T>, window: Window, total: Total) -> Self {
        Self { items, pagination: Pagination::new(window, total) }
    }
}

/// Where a page stands in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// Which page this is, from 1.
    #[schema(minimum = 1, example = 1)]
    pub page: u64,
    /// The most items a page holds.
    #[schema(minimum = 1, maximum = 100, example = 20)]
    pub limit: u64,
    /// How many items there are in all; see `totalIsAtLeast`.
    #[schema(minimum = 0, example = 1)]
    pub total: u64,
    /// How many pages `total` fills; 0 when there is none.
    #[schema(minimum = 0, example = 1)]
    pub pages: u64,
    /// Present and true when counting stopped at 10,000.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub total_is_at_least: bool,
}

impl Pagination {
    const fn new(window: Window, total: Total) -> Self {
        let figure = total.figure();
        Self {
            page: window.page,
            limit: window.limit,
            total: figure,
            pages: figure.div_ceil(window.limit),
            total_is_at_least: matches!(total, Total::AtLeast(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_last_page_holds_the_last_item(total in 0_u64..1_000_000, limit in 1_u64..=100) {
            let pages = Pagination::new(Window { page: 1, limit }, Total::Exactly(total)).pages;
            proptest::prop_assert!(pages * limit >= total);
            let last = Window { page: pages.max(1), limit };
            proptest::prop_assert!(pages == 0 || last.offset() < total);
        }
    }
}
