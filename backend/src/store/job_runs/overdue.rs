//! Job runs that are due to be changed because time has passed.

use chrono::{DateTime, Utc};

use super::RunId;
use crate::{
    error::Result,
    store::db::{Db, sql},
};

/// Selects due runs.
#[derive(Clone, Copy, Debug)]
pub enum Overdue {
    /// Running runs whose lease has ended: their agent has been offline, or their cancel request open, since before
    /// this time.
    Lease(DateTime<Utc>),
    /// Running runs without a report since this time.
    Silence(DateTime<Utc>),
    /// Failed runs whose next attempt is due at this time. Runs whose agent is offline are left out, since there may be
    /// many and they may wait for long.
    Retry(DateTime<Utc>),
}

/// Runs that are due, ordered by id, with ids greater than `after`; at most `limit`.
pub async fn overdue(db: &Db, what: Overdue, after: Option<RunId>, limit: i64) -> Result<Vec<RunId>> {
    let runs = sql("SELECT r.id FROM job_runs r JOIN agents a ON a.id = r.agent_id");
    let mut statement = match what {
        Overdue::Lease(cutoff) => runs
            .push_bind(" WHERE r.status = 'running' AND (a.offline_since < ", cutoff)
            .push_bind(" OR r.cancel_requested_at < ", cutoff)
            .push(")"),
        Overdue::Silence(cutoff) => runs.push_bind(" WHERE r.status = 'running' AND r.heard_at < ", cutoff),
        Overdue::Retry(now) => runs
            .push_bind(" WHERE r.retry_at <= ", now)
            .push(" AND (a.status <> 'offline' OR a.revoked_at IS NOT NULL)"),
    };
    if let Some(after) = after {
        statement = statement.push_bind(" AND r.id > ", after);
    }
    let rows: Vec<(RunId,)> = statement.push_bind(" ORDER BY r.id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
