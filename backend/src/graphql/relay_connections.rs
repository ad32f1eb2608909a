//! Relay connections over the pages of the control plane. A cursor is the id of its object.

use async_graphql::{
    Context, OutputType, SimpleObject,
    connection::{Connection as Relay, DefaultConnectionName, DefaultEdgeName, Edge, EmptyFields},
};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    model::{DEFAULT_LIMIT, MAX_LIMIT, Page, PageRequest, PageStart, Total},
};

/// The fields of a connection beside its items.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(super) struct Totals {
    /// Total number of items. If `totalIsAtLeast` is `true`, there may be more.
    total_count: u64,
    /// Whether there may be more items than `totalCount`. With some lists and filters, counting stops at 10,000.
    total_is_at_least: bool,
}

/// A Relay connection of `T` objects, with their total number.
pub(super) type Connection<T> = Relay<String, T, Totals, EmptyFields, DefaultConnectionName, DefaultEdgeName>;

/// The arguments of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionArguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) before: Option<String>,
    pub(super) page: Option<i32>,
}

impl ConnectionArguments {
    /// Converts the arguments into a page request. `is_counted` says whether the total is needed.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`] for numbers out of bounds, invalid cursors, and arguments that exclude each other.
    pub(super) fn page_request(self, is_counted: bool) -> Result<PageRequest> {
        let Self { first, after, last, before, page } = self;
        let limit = match (bounded("first", first)?, bounded("last", last)?) {
            (Some(_), Some(_)) => return Err(Error::field("last", "cannot be given together with `first`")),
            (first, last) => first.or(last).unwrap_or(DEFAULT_LIMIT),
        };
        let start = match (page, after, before) {
            (Some(page), None, None) if last.is_none() => {
                let page = u64::try_from(page).ok().filter(|page| *page > 0);
                PageStart::Page(page.ok_or_else(|| Error::field("page", "must be at least 1"))?)
            }
            (Some(_), ..) => return Err(Error::field("page", "is only allowed together with `first`")),
            (None, Some(_), Some(_)) => return Err(Error::field("before", "cannot be given together with `after`")),
            (None, Some(_), None) if last.is_some() => {
                return Err(Error::field("after", "is only allowed together with `first`"));
            }
            (None, None, Some(_)) if first.is_some() => {
                return Err(Error::field("before", "is only allowed together with `last`"));
            }
            (None, Some(after), None) => PageStart::OlderThan(cursor("after", &after)?),
            (None, None, Some(before)) => PageStart::NewerThan(cursor("before", &before)?),
            (None, None, None) if last.is_some() => PageStart::Oldest,
            (None, None, None) => PageStart::Page(1),
        };
        Ok(PageRequest { start, limit, is_counted })
    }
}

/// The maximum number of items that the arguments request, from which the complexity of the connection is computed.
pub(super) fn size(first: Option<i32>, last: Option<i32>) -> usize {
    usize::try_from(first.or(last).unwrap_or(20)).unwrap_or(0).min(100)
}

/// Whether the client selects the total of a connection. If not, the items need not be counted.
pub(super) fn wants_total(ctx: &Context<'_>) -> bool {
    let selected = ctx.look_ahead();
    selected.field("totalCount").exists() || selected.field("totalIsAtLeast").exists()
}

fn bounded(name: &'static str, number: Option<i32>) -> Result<Option<u64>> {
    let Some(number) = number else { return Ok(None) };
    match u64::try_from(number) {
        Ok(number @ 1..=MAX_LIMIT) => Ok(Some(number)),
        _ => Err(Error::field(name, "must be from 1 to 100")),
    }
}

fn cursor(name: &'static str, text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| Error::field(name, "is not a cursor of this list"))
}

/// Converts a page into a connection. `id` returns the id of an item, which is its cursor.
pub(super) fn connection<T: OutputType>(page: Page<T>, id: impl Fn(&T) -> Uuid) -> Connection<T> {
    let totals = Totals { total_count: page.total.count(), total_is_at_least: matches!(page.total, Total::AtLeast(_)) };
    let mut connection = Relay::with_additional_fields(page.has_newer(), page.has_older(), totals);
    connection.edges.extend(page.items.into_iter().map(|item| Edge::new(id(&item).to_string(), item)));
    connection
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_do_not_go_together_are_refused() {
        let id = Uuid::nil().to_string();
        let arguments = ConnectionArguments { first: Some(5), last: Some(5), ..ConnectionArguments::default() };
        assert!(arguments.page_request(true).is_err());
        let arguments =
            ConnectionArguments { page: Some(2), after: Some(id.clone()), ..ConnectionArguments::default() };
        assert!(arguments.page_request(true).is_err());
        let arguments = ConnectionArguments { first: Some(5), before: Some(id), ..ConnectionArguments::default() };
        assert!(arguments.page_request(true).is_err());
        assert!(ConnectionArguments { first: Some(101), ..ConnectionArguments::default() }.page_request(true).is_err());
        assert!(ConnectionArguments { page: Some(0), ..ConnectionArguments::default() }.page_request(true).is_err());
        assert!(
            ConnectionArguments { after: Some("x".to_owned()), ..ConnectionArguments::default() }
                .page_request(true)
                .is_err()
        );
    }

    #[test]
    fn what_is_left_out_means_the_newest_twenty() {
        assert!(
            ConnectionArguments::default().page_request(true).is_ok_and(|request| request == PageRequest::default())
        );
    }
}
