//! Running transfers that make no progress, or whose lease has ended.

use chrono::{DateTime, Utc};

use super::TransferRow;
use crate::{
    error::Result,
    ids::TransferId,
    model::transfer::TransferStatus,
    store::db::{Db, Sql, Tx, sql},
};

/// Selects running transfers.
#[derive(Clone, Copy, Debug)]
pub enum Overdue {
    /// Transfers without progress since this time that are not marked as stalled.
    Progress(DateTime<Utc>),
    /// Transfers whose agent has been offline since before this time, or whose cancel request was made before it.
    Lease(DateTime<Utc>),
}

impl Overdue {
    fn among(self, statement: Sql) -> Sql {
        let running = statement.push_bind(" WHERE t.status = ", TransferStatus::Running.to_string());
        match self {
            Self::Progress(cutoff) => {
                running.push_bind(" AND t.stalled = ", false).push_bind(" AND t.progressed_at < ", cutoff)
            }
            Self::Lease(cutoff) => running
                .push_bind(" AND (a.offline_since < ", cutoff)
                .push_bind(" OR t.cancel_requested_at < ", cutoff)
                .push(")"),
        }
    }
}

/// Reads the ids of the transfers that `what` selects, in ascending order and greater than `after`; at most `limit`.
pub async fn overdue(db: &Db, what: Overdue, after: Option<TransferId>, limit: i64) -> Result<Vec<TransferId>> {
    let mut statement = what.among(sql("SELECT t.id FROM transfers t JOIN agents a ON a.id = t.agent_id"));
    if let Some(after) = after {
        statement = statement.push_bind(" AND t.id > ", after);
    }
    let rows: Vec<(TransferId,)> = statement.push_bind(" ORDER BY t.id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Locks the transfers among `ids` that `what` still selects, and returns them. Skips transfers that another
/// transaction has locked. Accepts at most 500 ids.
pub async fn lock_overdue(tx: &mut Tx, what: Overdue, ids: &[TransferId]) -> Result<Vec<TransferRow>> {
    let statement =
        what.among(TransferRow::TABLE.select()).push(" AND t.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
    statement.push(" ORDER BY t.id").lock_free_rows(tx, "t").fetch_all(tx).await
}
