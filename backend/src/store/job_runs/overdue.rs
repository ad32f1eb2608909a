//! Job runs that are due to be changed because time has passed.

use chrono::{DateTime, Utc};

use super::RunId;
use crate::{
    error::Result,
    store::db::{Db, sql},
};

/// Selects job runs that are due to be changed.
#[derive(Clone, Copy, Debug)]
pub enum Overdue {
    /// Active runs whose lease has ended: their agent has been offline since before this time, or their cancel request
    /// was made before it.
    Lease(DateTime<Utc>),
    /// Active runs without a report since this time.
    Silence(DateTime<Utc>),
    /// Failed runs whose next attempt is due at this time. Runs whose agent is offline are excluded, because there may
    /// be many that wait for long.
    Retry(DateTime<Utc>),
}

/// Reads the ids of the runs that `what` selects, in ascending order and greater than `after`; at most `limit`.
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
