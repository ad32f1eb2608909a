//! Pages of transfers for an export. Each page begins where the previous page ended, even if transfers have changed
//! meanwhile.

use super::{
    Listed,
    sorted::{self, Place},
    text_search::TextPlan,
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

/// Where the next page of an export begins: after the last transfer of the previous page, at its position when that
/// page was read.
#[derive(Clone, Debug)]
pub struct ExportPlace {
    place: Place,
    /// How the first page has searched for the text of the filter; `None` if the filter has no text.
    plan: Option<TextPlan>,
}

/// Reads a page of the transfers in the scope for an export, and where the next page begins; `None` if this is the last
/// page. `after` is the result of the previous page, or `None` for the first one.
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
    let plan = after.and_then(|after| after.plan);
    let Some(listed) = Listed::begin(&mut tx, scope, filter, plan).await? else { return Ok((Vec::new(), None)) };
    let start = after.map_or(PageStart::Page(1), |after| PageStart::OlderThan(after.place.id));
    let request = PageRequest { start, limit, is_counted: false };
    let ids = match after {
        Some(after) if sort != TransferSort::default() => {
            sorted::beyond(&mut tx, &listed, sort, &after.place, limit + 1).await?
        }
        _ => listed.ids(&mut tx, sort, request).await?.0,
    };
    let page = pagination::page(ids, request, Total::AtLeast(0));
    let items = listed.rows(&mut tx, &page.items).await?;
    let next = match page.items.last() {
        Some((last,)) if page.has_more => {
            let place = sorted::place(&mut tx, scope, sort.field, last.0).await?;
            Some(ExportPlace { place, plan: listed.text.as_ref().map(|text| text.plan) })
        }
        _ => None,
    };
    Ok((items, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{scratch_database::Scratch, test_rows::transfer, transfers::insert};

    #[tokio::test]
    async fn the_matches_of_a_text_are_counted_for_the_first_page_only() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        for number in 11..14 {
            insert(&mut tx, &transfer(number, &scratch.agent), "a.csv", "b.csv").await.unwrap();
        }
        tx.commit().await.unwrap();
        let filter = TransferFilter { q: Some("ftp.example".to_owned()), ..TransferFilter::default() };
        let sort = TransferSort::default();
        let (rows, next) = export_page(&scratch.db, Scope::All, &filter, sort, None, 2).await.unwrap();
        assert_eq!(rows.len(), 2);
        let next = next.unwrap();
        let mut tx = scratch.db.snapshot().await.unwrap();
        let listed = Listed::begin(&mut tx, Scope::All, &filter, next.plan).await.unwrap().unwrap();
        assert!(listed.text.is_some_and(|text| text.found.is_none()));
        drop(tx);
        let (rows, next) = export_page(&scratch.db, Scope::All, &filter, sort, Some(&next), 2).await.unwrap();
        assert_eq!((rows.len(), next.is_none()), (1, true));
    }
}
