//! Pages of lists: the page request, and the items found.

use serde::Serialize;
use uuid::Uuid;

use super::field_reader::{Fields, FromFields, integer, parsed};

/// The request for a part of a list that is ordered newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The position at which the page starts.
    pub start: PageStart,
    /// The maximum number of items. Clients can request 1 to 100.
    pub limit: u64,
    /// Whether the total is requested. If not, the items need not be counted.
    pub is_counted: bool,
}

/// The position at which a page starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// A page number, from 1.
    Page(u64),
    /// A number of items to skip.
    Offset(u64),
    /// The item with this id; the page starts with the next older item.
    OlderThan(Uuid),
    /// The item with this id; the page ends with the next newer item.
    NewerThan(Uuid),
    /// The end of the list: the page holds the oldest items.
    Oldest,
}

/// The number of items per page if the client names no limit.
pub const DEFAULT_LIMIT: u64 = 20;
/// The maximum number of items per page.
pub const MAX_LIMIT: u64 = 100;

impl Default for PageRequest {
    fn default() -> Self {
        Self::page(1, DEFAULT_LIMIT)
    }
}

impl PageRequest {
    /// Requests the page with this number, counted from 1, with at most `limit` items and the total.
    #[must_use]
    pub const fn page(page: u64, limit: u64) -> Self {
        Self { start: PageStart::Page(page), limit, is_counted: true }
    }

    /// The number of items before the page; 0 unless the page is requested by its number or an offset.
    #[must_use]
    pub const fn offset(self) -> u64 {
        let offset = match self.start {
            PageStart::Page(page) => (page - 1).saturating_mul(self.limit),
            PageStart::Offset(offset) => offset,
            PageStart::OlderThan(_) | PageStart::NewerThan(_) | PageStart::Oldest => 0,
        };
        // The largest OFFSET that both engines accept.
        if offset > i64::MAX as u64 { i64::MAX as u64 } else { offset }
    }

    /// Whether the items are read in ascending order, from older to newer ones.
    #[must_use]
    pub const fn is_upward(self) -> bool {
        matches!(self.start, PageStart::NewerThan(_) | PageStart::Oldest)
    }
}

impl FromFields for PageRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let page = fields.optional("page", &[], parsed(integer(1, i64::MAX)));
        let limit = fields.optional("limit", &[], parsed(integer(1, MAX_LIMIT.cast_signed())));
        Some(Self::page(page?.map_or(1, i64::unsigned_abs), limit?.map_or(DEFAULT_LIMIT, i64::unsigned_abs)))
    }
}

/// A page request that may also be made with `limit` and `offset`.
#[derive(Clone, Copy, Debug)]
pub struct OffsetPageRequest(pub PageRequest);

impl FromFields for OffsetPageRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let has_page = fields.holds("page");
        let request = PageRequest::from_fields(fields);
        let offset = fields.optional("offset", &[], parsed(integer(0, i64::MAX)));
        if has_page && !matches!(offset, Some(None)) {
            fields.problem("offset", "cannot be given together with `page`");
        }
        let request = request?;
        let offset = offset?.map(|offset| PageStart::Offset(offset.unsigned_abs()));
        Some(Self(PageRequest { start: offset.unwrap_or(request.start), ..request }))
    }
}

/// The number of items in the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// The exact number.
    Exactly(u64),
    /// A lower bound, at which counting stopped.
    AtLeast(u64),
}

impl Total {
    /// The number at which counting stops if the server does not maintain the total.
    pub const COUNTING_STOPS_AT: u64 = 10_000;

    /// The total for `found` items, when counting stopped at `COUNTING_STOPS_AT + 1`: a `found` above
    /// `COUNTING_STOPS_AT` becomes [`Self::AtLeast`].
    #[must_use]
    pub const fn counted(found: u64) -> Self {
        if found > Self::COUNTING_STOPS_AT { Self::AtLeast(Self::COUNTING_STOPS_AT) } else { Self::Exactly(found) }
    }

    /// The number, whether it is exact or a lower bound.
    #[must_use]
    pub const fn count(self) -> u64 {
        match self {
            Self::Exactly(count) | Self::AtLeast(count) => count,
        }
    }
}

/// The items of a page.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// The request that this page answers.
    pub request: PageRequest,
    /// The number of items in the whole list. It has no meaning if [`PageRequest::is_counted`] is false.
    pub total: Total,
    /// Whether the list has more items after the last one read, in the direction of reading.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Converts each item, and keeps the rest of the page.
    #[must_use]
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, request, total, has_more } = self;
        Page { items: items.into_iter().map(each).collect(), request, total, has_more }
    }

    /// The position of the page in its list, as REST shows it.
    #[must_use]
    pub const fn pagination(&self) -> Pagination {
        Pagination::new(self.request, self.total)
    }

    /// Whether the list has older items than those of the page.
    #[must_use]
    pub const fn has_older(&self) -> bool {
        match self.request.start {
            PageStart::Page(_) | PageStart::Offset(_) | PageStart::OlderThan(_) => self.has_more,
            PageStart::NewerThan(_) => true,
            PageStart::Oldest => false,
        }
    }

    /// Whether the list has newer items than those of the page.
    #[must_use]
    pub const fn has_newer(&self) -> bool {
        match self.request.start {
            PageStart::Page(page) => page > 1,
            PageStart::Offset(offset) => offset > 0,
            PageStart::OlderThan(_) => true,
            PageStart::NewerThan(_) | PageStart::Oldest => self.has_more,
        }
    }
}

/// Position of a page in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// Number of the page, counted from 1.
    #[schema(minimum = 1, example = 1)]
    pub page: u64,
    /// Maximum number of items on a page.
    #[schema(minimum = 1, maximum = 1000, example = 20)]
    pub limit: u64,
    /// Total number of items. If `totalIsAtLeast` is present, there may be more.
    #[schema(minimum = 0, example = 1)]
    pub total: u64,
    /// Number of pages that `total` fills; 0 if there are no items.
    #[schema(minimum = 0, example = 1)]
    pub pages: u64,
    /// `true` if counting stopped at 10,000; otherwise absent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub total_is_at_least: bool,
}

impl Pagination {
    const fn new(request: PageRequest, total: Total) -> Self {
        let count = total.count();
        Self {
            page: match request.start {
                PageStart::Page(page) => page,
                PageStart::Offset(offset) => offset / request.limit + 1,
                PageStart::OlderThan(_) | PageStart::NewerThan(_) | PageStart::Oldest => 1,
            },
            limit: request.limit,
            total: count,
            pages: count.div_ceil(request.limit),
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
            let pages = Pagination::new(PageRequest::page(1, limit), Total::Exactly(total)).pages;
            proptest::prop_assert!(pages * limit >= total);
            let last = PageRequest::page(pages.max(1), limit);
            proptest::prop_assert!(pages == 0 || last.offset() < total);
        }
    }
}
