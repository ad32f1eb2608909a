//! Reads a page of a list that is ordered by id, newest first.

use super::db::Sql;
use crate::model::{Page, PageRequest, PageStart, Total};

/// Adds the order and the limits of a page to a statement that ends with its `WHERE` clause. The statement then reads
/// one row more than the limit, which shows whether there are more.
pub(super) fn cut(statement: Sql, request: PageRequest) -> Sql {
    let rows = request.limit.cast_signed() + 1;
    match request.start {
        PageStart::Page(_) | PageStart::Offset(_) => {
            statement.push_bind(" ORDER BY id DESC LIMIT ", rows).push_bind(" OFFSET ", request.offset().cast_signed())
        }
        PageStart::OlderThan(id) => statement.push_bind(" AND id < ", id).push_bind(" ORDER BY id DESC LIMIT ", rows),
        PageStart::NewerThan(id) => statement.push_bind(" AND id > ", id).push_bind(" ORDER BY id LIMIT ", rows),
        PageStart::Oldest => statement.push_bind(" ORDER BY id LIMIT ", rows),
    }
}

/// Like [`page`], but omits the rows that could not be read.
pub(super) fn page_of_readable<T>(rows: Vec<Option<T>>, request: PageRequest, total: Total) -> Page<T> {
    let Page { items, request, total, has_more } = page(rows, request, total);
    Page { items: items.into_iter().flatten().collect(), request, total, has_more }
}

/// Builds the page from the rows that a statement of [`cut`] returned.
pub(super) fn page<T>(mut rows: Vec<T>, request: PageRequest, total: Total) -> Page<T> {
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    if request.is_upward() {
        rows.reverse();
    }
    Page { items: rows, request, total, has_more }
}
