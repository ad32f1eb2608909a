//! The progress of job runs, computed from their transfers.

use chrono::{DateTime, Utc};

use super::RunId;
use crate::{
    error::Result,
    model::job::RunStatus,
    store::db::{Conn, Db, Sql, row, sql},
};

/// The progress of a run: sums over its transfers.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The run.
    pub run_id: RunId,
    /// The number of transferred bytes; at most [`i64::MAX`].
    pub bytes: i64,
    /// The number of transfers that are queued or running.
    pub open: i64,
    /// The number of running transfers.
    pub running: i64,
    /// The number of failed transfers.
    pub failed: i64,
    /// The number of cancelled transfers.
    pub cancelled: i64,
    /// The latest time at which one of the transfers made progress; `None` if none has.
    pub progressed_at: Option<DateTime<Utc>>,
    /// The latest time at which one of the transfers ended; `None` if none has.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Progress {
    /// Returns the final status that follows from the transfers; `None` while one of them is queued or running.
    #[must_use]
    pub const fn outcome(&self) -> Option<RunStatus> {
        if self.open > 0 {
            None
        } else if self.failed > 0 {
            Some(RunStatus::Failed)
        } else if self.cancelled > 0 {
            Some(RunStatus::Cancelled)
        } else {
            Some(RunStatus::Completed)
        }
    }

    /// Returns the latest time at which a transfer of the run made progress or ended; `None` if none has.
    #[must_use]
    pub fn heard_at(&self) -> Option<DateTime<Utc>> {
        self.progressed_at.max(self.ended_at)
    }
}

row! {
    struct SumsRow {
        run_id: RunId,
        bytes_high: i64,
        bytes_low: i64,
        open: i64,
        running: i64,
        failed: i64,
        cancelled: i64,
        progressed_at: Option<DateTime<Utc>>,
        ended_at: Option<DateTime<Utc>>,
    }
}

impl From<SumsRow> for Progress {
    fn from(row: SumsRow) -> Self {
        let bytes = (i128::from(row.bytes_high) << 32) + i128::from(row.bytes_low);
        Self {
            run_id: row.run_id,
            bytes: i64::try_from(bytes.max(0)).unwrap_or(i64::MAX),
            open: row.open,
            running: row.running,
            failed: row.failed,
            cancelled: row.cancelled,
            progressed_at: row.progressed_at,
            ended_at: row.ended_at,
        }
    }
}

/// The SELECT of the sums. Bytes are summed in two halves of 32 bits, since the sum of two files of 2^62 bytes would
/// overflow 64 bits, which is an error on both engines. The casts are for PostgreSQL, where a sum of BIGINTs is
/// NUMERIC.
const SUMS: &str = "SELECT t.job_run_id AS run_id, \
    CAST(SUM(t.bytes_transferred / 4294967296) AS BIGINT) AS bytes_high, \
    CAST(SUM(t.bytes_transferred % 4294967296) AS BIGINT) AS bytes_low, \
    SUM(CASE WHEN t.status IN ('queued', 'running') THEN 1 ELSE 0 END) AS open, \
    SUM(CASE WHEN t.status = 'running' THEN 1 ELSE 0 END) AS running, \
    SUM(CASE WHEN t.status = 'failed' THEN 1 ELSE 0 END) AS failed, \
    SUM(CASE WHEN t.status = 'cancelled' THEN 1 ELSE 0 END) AS cancelled, \
    MAX(t.progressed_at) AS progressed_at, MAX(t.completed_at) AS ended_at FROM transfers t";

/// Computes the progress of a run; `None` if it has no transfers.
pub async fn progress_of(conn: impl Into<Conn<'_>>, run: RunId) -> Result<Option<Progress>> {
    let statement: Sql = sql(SUMS).push_bind(" WHERE t.job_run_id = ", run).push(" GROUP BY t.job_run_id");
    Ok(statement.fetch_optional::<SumsRow>(conn).await?.map(Progress::from))
}

/// Computes the progress of all active runs that have transfers.
pub async fn progress(db: &Db) -> Result<Vec<Progress>> {
    let statement = sql(SUMS).push(
        " JOIN job_runs r ON r.id = t.job_run_id WHERE r.status = 'running' AND t.job_run_id IS NOT NULL \
         GROUP BY t.job_run_id ORDER BY t.job_run_id",
    );
    Ok(statement.fetch_all::<SumsRow>(db).await?.into_iter().map(Progress::from).collect())
}
