//! Pages of transfers for an export. Each begins where the one before ended, whatever has changed meanwhile.

use super::{
    Listed,
    sorted::{self, Place},
};
use crate::{
    actor::Scope,
    error::Result,
    model::{
        PageRequest, PageStart, Total,
        transfer::{TransferFilter, TransferSort},
    },
    store::{db::Db, pagination, transfers::TransferRow},
};

/// Where the next page of an export begins: behind the last transfer of the page before, as it was when that was read.
#[derive(Clone, Debug)]
pub struct ExportPlace(Place);

/// A page of the transfers in the scope for an export, and where the next one begins, if there is one.
pub async fn export_page(
    db: &Db,
    scope: Scope,
    filter: &TransferFilter,
    sort: TransferSort,
    after: Option<&ExportPlace>,
    limit: u64,
) -> Result<(Vec<TransferRow>, Option<ExportPlace>)> {
    // One moment for the page and the place at which it ends.
    let mut tx = db.snapshot().await?;
    let Some(listed) = Listed::begin(&mut tx, scope, filter).await? else { return Ok((Vec::new(), None)) };
    let start = after.map_or(PageStart::Page(1), |ExportPlace(place)| PageStart::OlderThan(place.id));
    let request = PageRequest { start, limit, is_counted: false };
    let ids = match after {
        Some(ExportPlace(place)) if sort != TransferSort::default() => {
            sorted::beyond(&mut tx, &listed, sort, place, limit + 1).await?
        }
        _ => listed.ids(&mut tx, sort, request).await?.0,
    };
    let page = pagination::page(ids, request, Total::AtLeast(0));
    let items = listed.rows(&mut tx, &page.items).await?;
    let next = match page.items.last() {
        Some((last,)) if page.has_more => Some(ExportPlace(sorted::place(&mut tx, scope, sort.field, last.0).await?)),
        _ => None,
    };
    Ok((items, next))
}
