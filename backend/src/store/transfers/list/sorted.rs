//! Pages of transfers in another order than newest first.
//!
//! Each field to sort by has a column with an index that ends with the id. A list is read in two parts: first the rows
//! with a value, then those without one, which come last in either direction. The database itself computes the columns,
//! so that they are also correct for rows that an earlier version of the server writes: see the migration
//! `transfer_sorting`.

use chrono::{DateTime, Utc};
use sea_query::Value;
use uuid::Uuid;

use super::Listed;
use crate::{
    actor::Scope,
    error::Result,
    ids::TransferId,
    model::{
        PageRequest, PageStart, Total,
        transfer::{TransferFilter, TransferSort, TransferSortField},
    },
    store::{
        db::{Sql, Tx, sql},
        transfers::scoped,
    },
};

/// The order of reading.
#[derive(Clone, Copy)]
struct Order {
    /// The column to sort by; `None` to sort by id only.
    column: Option<&'static str>,
    is_descending: bool,
    /// Whether the rows without a value come first, because the list is read from its end.
    is_from_the_end: bool,
}

/// A part of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All rows, by their ids.
    Whole,
    /// The rows with a value.
    Valued,
    /// The rows without a value.
    Unvalued,
}

/// The position of a transfer in the order.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The value of the transfer, if it has one.
    value: Option<Value>,
    pub(super) id: Uuid,
}

/// Reads the ids of a page, in the direction of reading, and of one more transfer if there is one; and the total.
pub(super) async fn page(
    tx: &mut Tx,
    listed: &Listed<'_>,
    sort: TransferSort,
    request: PageRequest,
) -> Result<(Vec<(TransferId,)>, Total)> {
    let total = if listed.filter.is_counted() {
        Total::Exactly(listed.kept)
    } else if request.is_counted {
        Total::counted(listed.candidates(&mut *tx).await?.len() as u64)
    } else {
        Total::AtLeast(0)
    };
    let order = Order::of(sort, listed.filter);
    let take = request.limit + 1;
    let ids = match request.start {
        PageStart::Page(_) | PageStart::Offset(_) => {
            let offset = request.offset();
            match total {
                Total::Exactly(total) if offset >= total => Vec::new(),
                // The end of the list is nearer than its beginning.
                Total::Exactly(total) if total - offset < offset => {
                    let take = take.min(total - offset);
                    let mut ids = read(tx, listed, order.reversed(), None, total - offset - take, take).await?;
                    ids.reverse();
                    ids
                }
                Total::Exactly(_) | Total::AtLeast(_) => read(tx, listed, order, None, offset, take).await?,
            }
        }
        PageStart::OlderThan(id) => {
            let place = place(tx, listed.scope, sort.field, id).await?;
            read(tx, listed, order, Some(&place), 0, take).await?
        }
        PageStart::NewerThan(id) => {
            let place = place(tx, listed.scope, sort.field, id).await?;
            read(tx, listed, order.reversed(), Some(&place), 0, take).await?
        }
        PageStart::Oldest => read(tx, listed, order.reversed(), None, 0, take).await?,
    };
    Ok((ids, total))
}

/// Reads the next `take` ids after a position.
pub(super) async fn beyond(
    tx: &mut Tx,
    listed: &Listed<'_>,
    sort: TransferSort,
    place: &Place,
    take: u64,
) -> Result<Vec<(TransferId,)>> {
    read(tx, listed, Order::of(sort, listed.filter), Some(place), 0, take).await
}

/// Skips `skip` ids after a position, or from the beginning without one, and reads the next `take` ids.
async fn read(
    tx: &mut Tx,
    listed: &Listed<'_>,
    order: Order,
    place: Option<&Place>,
    mut skip: u64,
    take: u64,
) -> Result<Vec<(TransferId,)>> {
    let mut parts = order.parts();
    if let Some(place) = place {
        let own = order.part_of(place);
        let before = parts.iter().position(|part| *part == own).unwrap_or(0);
        parts = &parts[before..];
    }
    // Of few transfers the published conditions find all, which are then sorted; of many the index of the order is read
    // until the page is full.
    let is_sorted = order.column.is_some();
    let mut found: Vec<(TransferId,)> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let missing = take - found.len() as u64;
        if missing == 0 {
            break;
        }
        let beyond = place.filter(|_| index == 0);
        let statement =
            order.restricted(listed.conditions(sql("SELECT id FROM transfers WHERE 1 = 1"), is_sorted), *part);
        let statement = match beyond {
            Some(place) => order.beyond(statement, *part, place),
            None => statement,
        };
        let statement = order
            .sorted(statement, *part)
            .push_bind(" LIMIT ", missing.cast_signed())
            .push_bind(" OFFSET ", skip.cast_signed());
        let rows: Vec<(TransferId,)> = statement.fetch_all(&mut *tx).await?;
        let is_last = index + 1 == parts.len();
        if rows.is_empty() && skip > 0 && !is_last {
            // The page begins in the next part: this one is counted, to know where.
            let counted = listed.conditions(sql("SELECT COUNT(*) FROM transfers WHERE 1 = 1"), is_sorted);
            let (rows,): (i64,) = order.restricted(counted, *part).fetch_one(&mut *tx).await?;
            skip = skip.saturating_sub(rows.unsigned_abs());
        } else {
            skip = 0;
        }
        found.extend(rows);
    }
    Ok(found)
}

/// Determines the position of a transfer. One that does not exist or is outside the scope is placed by its id among the
/// rows without a value.
pub(super) async fn place(tx: &mut Tx, scope: Scope, field: TransferSortField, id: Uuid) -> Result<Place> {
    let Some(column) = column(field) else { return Ok(Place { value: None, id }) };
    let statement = sql("SELECT t.").push(column).push(" FROM transfers t").push_bind(" WHERE t.id = ", id);
    let statement = scoped(statement, scope);
    let value = match field {
        TransferSortField::CreatedAt => None,
        TransferSortField::CompletedAt => {
            let found: Option<(Option<DateTime<Utc>>,)> = statement.fetch_optional(tx).await?;
            found.and_then(|(value,)| value).map(Value::from)
        }
        TransferSortField::Size | TransferSortField::Duration => {
            let found: Option<(Option<i64>,)> = statement.fetch_optional(tx).await?;
            found.and_then(|(value,)| value).map(Value::from)
        }
        TransferSortField::Speed => {
            let found: Option<(Option<f64>,)> = statement.fetch_optional(tx).await?;
            found.and_then(|(value,)| value).map(Value::from)
        }
    };
    Ok(Place { value, id })
}

/// The column with the values of a field; `None` for the time of creation, with which ids begin.
const fn column(field: TransferSortField) -> Option<&'static str> {
    match field {
        TransferSortField::CreatedAt => None,
        TransferSortField::CompletedAt => Some("completed_at"),
        TransferSortField::Size => Some("sort_size"),
        TransferSortField::Duration => Some("sort_duration"),
        TransferSortField::Speed => Some("sort_speed"),
    }
}

impl Order {
    fn of(sort: TransferSort, filter: &TransferFilter) -> Self {
        let statuses = filter.statuses();
        // If none of the transfers can have a value, all of them are in the part without one.
        let has_values = statuses.is_empty() || statuses.iter().any(|status| sort.field.has_values(*status));
        let column = column(sort.field).filter(|_| has_values);
        Self { column, is_descending: sort.descending, is_from_the_end: false }
    }

    const fn reversed(self) -> Self {
        Self { is_descending: !self.is_descending, is_from_the_end: !self.is_from_the_end, ..self }
    }

    const fn parts(self) -> &'static [Part] {
        match (self.column, self.is_from_the_end) {
            (None, _) => &[Part::Whole],
            (Some(_), false) => &[Part::Valued, Part::Unvalued],
            (Some(_), true) => &[Part::Unvalued, Part::Valued],
        }
    }

    const fn part_of(self, place: &Place) -> Part {
        match (self.column, &place.value) {
            (None, _) => Part::Whole,
            (Some(_), Some(_)) => Part::Valued,
            (Some(_), None) => Part::Unvalued,
        }
    }

    /// Adds the condition for the rows of a part.
    fn restricted(self, statement: Sql, part: Part) -> Sql {
        match (part, self.column) {
            (Part::Valued, Some(column)) => statement.push(" AND ").push(column).push(" IS NOT NULL"),
            (Part::Unvalued, Some(column)) => statement.push(" AND ").push(column).push(" IS NULL"),
            (Part::Whole, _) | (_, None) => statement,
        }
    }

    /// Adds the condition for the rows of a part that come after a place in it.
    fn beyond(self, statement: Sql, part: Part, place: &Place) -> Sql {
        let comparison = if self.is_descending { " < " } else { " > " };
        match (part, self.column, &place.value) {
            (Part::Valued, Some(column), Some(value)) => statement
                .push(" AND (")
                .push(column)
                .push(", id)")
                .push(comparison)
                .push_bind("(", value.clone())
                .push_bind(", ", place.id)
                .push(")"),
            _ => statement.push(" AND id").push(comparison).push_bind("", place.id),
        }
    }

    /// Adds the order. Rows without a value are ordered by the column too, so that both engines see that the index has
    /// this order.
    fn sorted(self, statement: Sql, part: Part) -> Sql {
        let direction = if self.is_descending { " DESC" } else { "" };
        match (part, self.column) {
            (Part::Whole, _) | (_, None) => statement.push(" ORDER BY id").push(direction),
            (_, Some(column)) => statement.push(" ORDER BY ").push(column).push(direction).push(", id").push(direction),
        }
    }
}
