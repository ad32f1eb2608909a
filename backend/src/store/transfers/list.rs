//! Pages of transfers. The ids of a page are found with an index only; then the rows are read by id.
//!
//! The totals of the published filters are stored in counters, so that a page is read from the nearer end of the list.
//! Additive filters have no index of their own: one index with the columns of all filters is scanned, which is fast for
//! any combination, and at most [`Total::COUNTING_STOPS_AT`] matches are counted. Other orders are in [`sorted`].

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use sea_query::Value;
use uuid::Uuid;

use super::{TransferRow, scoped};
use crate::{
    actor::Scope,
    error::Result,
    ids::{AgentId, RunId, TransferId},
    model::{
        Page, PageRequest, PageStart, Total,
        transfer::{TransferFilter, TransferSort},
    },
    store::{
        db::{Db, MOST_VALUES, Sql, TextSearch, Tx, sql},
        pagination,
        transfer_counts::{self, Counted},
    },
};

mod export;
mod sorted;
mod text_search;

pub use export::{ExportPlace, export_page};
use text_search::{Text, TextPlan};

/// The maximum number of parts of one compound statement.
const MOST_PARTS: usize = 100;
/// The number of candidates up to which it is faster to find them by customer, agent and status and to check the other
/// conditions for each.
const FEW: u64 = 2_000;
/// The number of ids after which counting stops, and one more.
const COUNTED_IDS: i64 = Total::COUNTING_STOPS_AT.cast_signed() + 1;

/// The transfers that are listed.
struct Listed<'a> {
    scope: Scope,
    counted: Counted,
    filter: &'a TransferFilter,
    /// The number of transfers that match the published conditions.
    kept: u64,
    text: Option<Text>,
}

/// Reads a page of the transfers in the scope.
pub async fn list(
    db: &Db,
    scope: Scope,
    filter: &TransferFilter,
    sort: TransferSort,
    request: PageRequest,
) -> Result<Page<TransferRow>> {
    // One moment for the total and the page: the far end of a list is found by counting back from its total.
    let mut tx = db.snapshot().await?;
    let Some(listed) = Listed::begin(&mut tx, scope, filter, None).await? else {
        return Ok(pagination::page(Vec::new(), request, Total::Exactly(0)));
    };
    let (ids, total) = listed.ids(&mut tx, sort, request).await?;
    let page = pagination::page(ids, request, total);
    let items = listed.rows(&mut tx, &page.items).await?;
    Ok(Page { items, request, total: page.total, has_more: page.has_more })
}

impl<'a> Listed<'a> {
    /// Prepares a list of the transfers that the filter selects. With a plan, the text of the filter is searched
    /// according to it. Returns `None` if the filter's customer or agent is outside the scope.
    async fn begin(
        tx: &mut Tx,
        scope: Scope,
        filter: &'a TransferFilter,
        plan: Option<TextPlan>,
    ) -> Result<Option<Self>> {
        let Some(counted) = counted(tx, scope, filter).await? else { return Ok(None) };
        let kept = transfer_counts::total(&mut *tx, counted, filter.only_status()).await?;
        let text = match (&filter.q, plan) {
            (Some(part), None) => Some(Text::find(tx, part, kept).await?),
            (Some(part), Some(plan)) => Some(Text::planned(tx, part, plan).await?),
            (None, _) => None,
        };
        Ok(Some(Self { scope, counted, filter, kept, text }))
    }

    /// Reads the ids of a page, in the direction of reading, and of one more transfer if there is one; and the total.
    async fn ids(&self, tx: &mut Tx, sort: TransferSort, request: PageRequest) -> Result<(Vec<(TransferId,)>, Total)> {
        let Self { counted, filter, kept, .. } = *self;
        Ok(match request.start {
            _ if sort != TransferSort::default() => sorted::page(tx, self, sort, request).await?,
            PageStart::Page(_) | PageStart::Offset(_) if filter.is_counted() => {
                (page_of_counted(tx, counted, filter, request, kept).await?, Total::Exactly(kept))
            }
            PageStart::Page(_) | PageStart::Offset(_) => page_of_walked(tx, self, request).await?,
            PageStart::OlderThan(_) | PageStart::NewerThan(_) | PageStart::Oldest => {
                let total = match (filter.is_counted(), request.is_counted) {
                    (true, _) => Total::Exactly(kept),
                    (false, true) => Total::counted(self.candidates(&mut *tx).await?.len() as u64),
                    (false, false) => Total::AtLeast(0),
                };
                (self.cut(request).fetch_all(tx).await?, total)
            }
        })
    }

    /// Reads the transfers with these ids, in the order of the ids.
    async fn rows(&self, tx: &mut Tx, ids: &[(TransferId,)]) -> Result<Vec<TransferRow>> {
        let places: HashMap<TransferId, usize> = ids.iter().enumerate().map(|(place, (id,))| (*id, place)).collect();
        let mut items = rows(tx, self.scope, ids).await?;
        items.sort_unstable_by_key(|row| places.get(&row.id).copied());
        Ok(items)
    }

    /// Adds all conditions to a statement about `transfers`. `is_sorted` says that the statement reads transfers in the
    /// order of another index than that of their creation.
    fn conditions(&self, statement: Sql, is_sorted: bool) -> Sql {
        let Self { counted, filter, kept, text, .. } = self;
        // The transfers of a run, and rare texts, have an index of their own: the other conditions must not choose another.
        let is_found = filter.job_run_id.is_some() || text.as_ref().is_some_and(|text| text.plan.is_rare);
        let is_walked = is_found || (*kept > FEW && (is_sorted || !filter.is_counted()));
        let statement =
            if is_walked { faceted(statement, *counted, filter) } else { indexed(statement, *counted, filter) };
        let statement = additive(statement, filter);
        match text {
            None => statement,
            Some(text) if text.plan.is_rare => text.search.among(statement),
            Some(text) => text.search.checked(statement),
        }
    }

    /// Returns a statement that reads the matches of the text in their order and checks the other conditions; `None` if
    /// another way is faster.
    fn walked_text(&self) -> Option<(&TextSearch, Sql)> {
        let search = self.text.as_ref().filter(|text| text.plan.is_walked).map(|text| &text.search)?;
        Some((search, additive(faceted(search.joined(), self.counted, self.filter), self.filter)))
    }

    /// Reads the newest ids that match all conditions, at most [`COUNTED_IDS`].
    async fn candidates(&self, tx: &mut Tx) -> Result<Vec<(TransferId,)>> {
        let only_text = TransferFilter { q: self.filter.q.clone(), ..TransferFilter::default() };
        if let Some(Text { found: Some(found), .. }) = &self.text
            && self.counted == Counted::All
            && *self.filter == only_text
        {
            return Ok(found.clone());
        }
        let statement = match self.walked_text() {
            Some((search, statement)) => search.ordered(statement, false),
            None => self.conditions(sql("SELECT id FROM transfers WHERE 1 = 1"), false).push(" ORDER BY id DESC"),
        };
        statement.push_bind(" LIMIT ", COUNTED_IDS).fetch_all(tx).await
    }

    /// Builds a statement for the ids of a page, in the direction of reading, and of one more transfer if there is one.
    fn cut(&self, request: PageRequest) -> Sql {
        let Some((search, statement)) = self.walked_text() else {
            return pagination::cut(self.conditions(sql("SELECT id FROM transfers WHERE 1 = 1"), false), request);
        };
        let statement = match request.start {
            PageStart::OlderThan(id) | PageStart::NewerThan(id) => search.beyond(statement, id, request.is_upward()),
            PageStart::Page(_) | PageStart::Offset(_) | PageStart::Oldest => statement,
        };
        search
            .ordered(statement, request.is_upward())
            .push_bind(" LIMIT ", request.limit.cast_signed() + 1)
            .push_bind(" OFFSET ", request.offset().cast_signed())
    }
}

/// Reads the ids of a page with additive filters and of one more transfer if there is one, and the total.
async fn page_of_walked(tx: &mut Tx, listed: &Listed<'_>, request: PageRequest) -> Result<(Vec<(TransferId,)>, Total)> {
    let found = listed.candidates(&mut *tx).await?;
    let total = Total::counted(found.len() as u64);
    let end = request.offset().saturating_add(request.limit);
    if end < found.len() as u64 || matches!(total, Total::Exactly(_)) {
        let skip = usize::try_from(request.offset()).unwrap_or(usize::MAX);
        let take = usize::try_from(request.limit + 1).unwrap_or(usize::MAX);
        return Ok((found.into_iter().skip(skip).take(take).collect(), total));
    }
    Ok((listed.cut(request).fetch_all(tx).await?, total))
}

/// Reads the newest transfers of each of these agents, newest first; at most the number that follows each id.
pub async fn newest(db: &Db, scope: Scope, of: &[(AgentId, u64)]) -> Result<Vec<TransferRow>> {
    newest_where(db, scope, "SELECT id FROM transfers WHERE agent_id = ", of).await
}

/// Reads the newest transfers of each of these job runs, newest first; at most the number that follows each id.
pub async fn newest_of_job_runs(db: &Db, scope: Scope, of: &[(RunId, u64)]) -> Result<Vec<TransferRow>> {
    newest_where(db, scope, "SELECT id FROM transfers WHERE job_run_id = ", of).await
}

async fn newest_where<T: Copy + Into<Value>>(
    db: &Db,
    scope: Scope,
    condition: &'static str,
    of: &[(T, u64)],
) -> Result<Vec<TransferRow>> {
    let mut tx = db.snapshot().await?;
    let mut found = Vec::new();
    for of in of.chunks(MOST_PARTS) {
        let mut statement = sql("");
        for (index, (owner, count)) in of.iter().enumerate() {
            let lead = if index == 0 { "SELECT id FROM (" } else { " UNION ALL SELECT id FROM (" };
            statement = statement
                .push(lead)
                .push_bind(condition, *owner)
                .push_bind(" ORDER BY id DESC LIMIT ", count.cast_signed())
                .push(") AS part");
        }
        let ids: Vec<(TransferId,)> = statement.fetch_all(&mut tx).await?;
        for ids in ids.chunks(MOST_VALUES) {
            found.extend(rows(&mut tx, scope, ids).await?);
        }
    }
    found.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    Ok(found)
}

/// Determines the stored totals for the scope together with the filter's customer and agent; `None` if these are
/// outside the scope.
async fn counted(tx: &mut Tx, scope: Scope, filter: &TransferFilter) -> Result<Option<Counted>> {
    let customer = match (scope, filter.customer_id) {
        (Scope::Customer(own), Some(named)) if own != named => return Ok(None),
        (Scope::Customer(customer), _) | (Scope::All | Scope::Agent(_), Some(customer)) => Some(customer),
        (Scope::All | Scope::Agent(_), None) => None,
    };
    let agent = match (scope, filter.agent_id) {
        (Scope::Agent(own), Some(named)) if own != named => return Ok(None),
        (Scope::Agent(agent), _) | (Scope::All | Scope::Customer(_), Some(agent)) => Some(agent),
        (Scope::All | Scope::Customer(_), None) => None,
    };
    Ok(match (agent, customer) {
        (None, None) => Some(Counted::All),
        (None, Some(customer)) => Some(Counted::Customer(customer)),
        (Some(agent), None) => Some(Counted::Agent(agent)),
        (Some(agent), Some(customer)) => {
            let statement = sql("SELECT id FROM agents WHERE id = $1 AND customer_id = $2").bind(agent).bind(customer);
            let found: Option<(Uuid,)> = statement.fetch_optional(tx).await?;
            found.map(|_| Counted::Agent(agent))
        }
    })
}

/// Reads the ids of a page with the published filters, and of one more transfer if there is one.
async fn page_of_counted(
    tx: &mut Tx,
    counted: Counted,
    filter: &TransferFilter,
    request: PageRequest,
    total: u64,
) -> Result<Vec<(TransferId,)>> {
    let offset = request.offset();
    if offset >= total {
        return Ok(Vec::new());
    }
    let take = (request.limit + 1).min(total - offset);
    let behind = total - offset - take;
    let (skip, from_the_oldest) = if behind < offset { (behind, true) } else { (offset, false) };
    let statement = walk(counted, filter, from_the_oldest)
        .push_bind(" LIMIT ", take.cast_signed())
        .push_bind(" OFFSET ", skip.cast_signed());
    let mut ids = statement.fetch_all(tx).await?;
    if from_the_oldest {
        ids.reverse();
    }
    Ok(ids)
}

/// A scan of the index of the published filters, from the oldest or the newest on.
///
/// The last condition limits where the scan begins, not where it ends: the end follows from the total. So rows need not
/// be compared with the end, which saves a third of the time.
fn walk(counted: Counted, filter: &TransferFilter, from_the_oldest: bool) -> Sql {
    let statement = sql("SELECT id FROM transfers");
    let status = filter.only_status().map(|status| status.to_string());
    match (counted, status, from_the_oldest) {
        (Counted::All, None, true) => statement.push(" ORDER BY id"),
        (Counted::All, None, false) => statement.push(" ORDER BY id DESC"),
        (Counted::All, Some(status), true) => {
            statement.push_bind(" WHERE status >= ", status).push(" ORDER BY status, id")
        }
        (Counted::All, Some(status), false) => {
            statement.push_bind(" WHERE status <= ", status).push(" ORDER BY status DESC, id DESC")
        }
        (Counted::Customer(customer), None, true) => {
            statement.push_bind(" WHERE customer_id >= ", customer).push(" ORDER BY customer_id, id")
        }
        (Counted::Customer(customer), None, false) => {
            statement.push_bind(" WHERE customer_id <= ", customer).push(" ORDER BY customer_id DESC, id DESC")
        }
        (Counted::Agent(agent), None, true) => {
            statement.push_bind(" WHERE agent_id >= ", agent).push(" ORDER BY agent_id, id")
        }
        (Counted::Agent(agent), None, false) => {
            statement.push_bind(" WHERE agent_id <= ", agent).push(" ORDER BY agent_id DESC, id DESC")
        }
        (Counted::Customer(_) | Counted::Agent(_), Some(_), true) => {
            indexed(statement.push(" WHERE 1 = 1"), counted, filter).push(" ORDER BY id")
        }
        (Counted::Customer(_) | Counted::Agent(_), Some(_), false) => {
            indexed(statement.push(" WHERE 1 = 1"), counted, filter).push(" ORDER BY id DESC")
        }
    }
}

/// The conditions that the indexes of the published filters answer.
fn indexed(statement: Sql, counted: Counted, filter: &TransferFilter) -> Sql {
    let statement = match counted {
        Counted::All => statement,
        Counted::Customer(customer) => statement.push_bind(" AND customer_id = ", customer),
        Counted::Agent(agent) => statement.push_bind(" AND agent_id = ", agent),
    };
    match filter.only_status() {
        Some(status) => statement.push_bind(" AND status = ", status.to_string()),
        None => statement,
    }
}

/// The same conditions as [`indexed`], written so that no index of the published filters is used and the one scan of
/// all filter columns remains.
fn faceted(statement: Sql, counted: Counted, filter: &TransferFilter) -> Sql {
    let statement = match counted {
        Counted::All => statement,
        Counted::Customer(customer) => statement.push_bind(" AND COALESCE(customer_id, customer_id) = ", customer),
        Counted::Agent(agent) => statement.push_bind(" AND COALESCE(agent_id, agent_id) = ", agent),
    };
    match filter.only_status() {
        Some(status) => statement.push_bind(" AND COALESCE(status, status) = ", status.to_string()),
        None => statement,
    }
}

fn additive(mut statement: Sql, filter: &TransferFilter) -> Sql {
    if filter.statuses().len() > 1 {
        let any_of = filter.statuses().iter().map(|status| status.to_string().into());
        statement = statement.push(" AND status IN ").push_tuple(any_of);
    }
    if let Some(run) = filter.job_run_id {
        statement = statement.push_bind(" AND job_run_id = ", run);
    }
    if let Some(protocol) = filter.protocol {
        statement = statement.push_bind(" AND protocol = ", protocol.to_string());
    }
    if let Some(direction) = filter.direction {
        statement = statement.push_bind(" AND direction = ", direction.to_string());
    }
    // An index holds the few that are stalled.
    if let Some(stalled) = filter.stalled {
        let condition = if stalled { " AND id IN" } else { " AND id NOT IN" };
        statement = statement.push(condition).push(" (SELECT id FROM transfers WHERE stalled)");
    }
    // Ids begin with the milliseconds of their creation, so instants are ranges of ids.
    if let Some(after) = filter.created_after {
        statement = statement.push_bind(" AND id >= ", first_id(after.0.timestamp_millis() + 1));
    }
    if let Some(before) = filter.created_before {
        statement = statement.push_bind(" AND id < ", first_id(ceil_millis(before.0)));
    }
    if let Some(after) = filter.completed_after {
        statement = statement.push_bind(" AND completed_at > ", after.0.trunc_subsecs(3));
    }
    if let Some(prefix) = &filter.search {
        let end = format!("{prefix}\u{10ffff}");
        statement = statement
            .push_bind(" AND ((source_name >= ", prefix.clone())
            .push_bind(" AND source_name < ", end.clone())
            .push_bind(") OR (destination_name >= ", prefix.clone())
            .push_bind(" AND destination_name < ", end)
            .push("))");
    }
    statement
}

/// Returns the lowest possible id of an object that is created in this Unix millisecond.
pub(in crate::store) fn first_id(millis: i64) -> Uuid {
    Uuid::from_u128(u128::from(millis.unsigned_abs()) << 80)
}

fn ceil_millis(at: DateTime<Utc>) -> i64 {
    let millis = at.timestamp_millis();
    if at.timestamp_subsec_nanos().is_multiple_of(1_000_000) { millis } else { millis + 1 }
}

/// The rows with these ids. They are restricted to the scope again, whatever the totals say.
async fn rows(tx: &mut Tx, scope: Scope, ids: &[(TransferId,)]) -> Result<Vec<TransferRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let statement =
        TransferRow::TABLE.select().push(" WHERE t.id IN ").push_tuple(ids.iter().map(|(id,)| (*id).into()));
    let rows = scoped(statement, scope).push(" ORDER BY t.id DESC").fetch_readable(tx).await?;
    Ok(rows.into_iter().flatten().collect())
}
