//! Reads a window of a list that is ordered by id, newest first.

use super::db::Sql;
use crate::model::{Page, Start, Total, Window};

/// Adds the window to a statement that ends within its `WHERE`. It reads one row more than the limit, to know whether there are
/// more.
pub(super) fn cut(statement: Sql, window: Window) -> Sql {
    let rows = window.limit.cast_signed() + 1;
    match window.start {
        Start::Page(_) | Start::Offset(_) => {
            statement.push_bind(" ORDER BY id DESC LIMIT ", rows).push_bind(" OFFSET ", window.offset().cast_signed())
        }
        Start::OlderThan(id) => statement.push_bind(" AND id < ", id).push_bind(" ORDER BY id DESC LIMIT ", rows),
        Start::NewerThan(id) => statement.push_bind(" AND id > ", id).push_bind(" ORDER BY id LIMIT ", rows),
        Start::Oldest => statement.push_bind(" ORDER BY id LIMIT ", rows),
    }
}

/// [`page`] without the rows that cannot be read.
pub(super) fn page_of_readable<T>(rows: Vec<Option<T>>, window: Window, total: Total) -> Page<T> {
    let Page { items, window, total, has_more } = page(rows, window, total);
    Page { items: items.into_iter().flatten().collect(), window, total, has_more }
}

/// The page of the rows that a statement of [`cut`] has returned.
pub(super) fn page<T>(mut rows: Vec<T>, window: Window, total: Total) -> Page<T> {
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    if window.is_upward() {
        rows.reverse();
    }
    Page { items: rows, window, total, has_more }
}
