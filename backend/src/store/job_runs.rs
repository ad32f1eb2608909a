//! Runs of jobs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::db::{Conn, Db, MOST_VALUES, Sql, Tx, Word, sql};
use crate::{
    actor::Scope,
    error::Result,
    ids::{AgentId, CustomerId, DirectiveId, JobId, RunId},
    model::job::{JobRun, RunState, RunStatus},
};

mod due;
mod follow;
mod list;
pub use due::{Due, due};
pub use follow::{Progress, progress, progress_of};
pub use list::{list, newest};

const COLUMNS: &str = "SELECT r.id, r.job_id, r.customer_id, r.agent_id, r.directive_id, r.scheduled_for, r.status, \
    r.started_at, r.completed_at, r.error_message, r.bytes_transferred, r.attempt, r.retry_of, r.cancel_requested_at, \
    r.heard_at, r.failed_by_lease, r.retry_at, r.revision FROM job_runs r";

#[derive(FromRow)]
struct Columns {
    id: RunId,
    job_id: JobId,
    customer_id: CustomerId,
    agent_id: AgentId,
    directive_id: Option<DirectiveId>,
    scheduled_for: Option<DateTime<Utc>>,
    status: Word<RunStatus>,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    error_message: Option<String>,
    bytes_transferred: Option<i64>,
    attempt: i64,
    retry_of: Option<RunId>,
    cancel_requested_at: Option<DateTime<Utc>>,
    heard_at: DateTime<Utc>,
    failed_by_lease: bool,
    retry_at: Option<DateTime<Utc>>,
    revision: i64,
}

/// A run as it is stored.
#[derive(Clone, Debug)]
pub struct JobRunRow {
    /// Its id.
    pub id: RunId,
    /// The job it is a run of.
    pub job_id: JobId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// The agent that makes it.
    pub agent_id: AgentId,
    /// The directive that started it.
    pub directive_id: Option<DirectiveId>,
    /// The slot it is for.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// Which attempt it is.
    pub attempt: i64,
    /// The failed run that it makes again.
    pub retry_of: Option<RunId>,
    /// What changes.
    pub state: RunState,
}

impl From<Columns> for JobRunRow {
    fn from(row: Columns) -> Self {
        Self {
            id: row.id,
            job_id: row.job_id,
            customer_id: row.customer_id,
            agent_id: row.agent_id,
            directive_id: row.directive_id,
            scheduled_for: row.scheduled_for,
            started_at: row.started_at,
            attempt: row.attempt,
            retry_of: row.retry_of,
            state: RunState {
                status: row.status.0,
                completed_at: row.completed_at,
                error_message: row.error_message,
                bytes_transferred: row.bytes_transferred,
                cancel_requested_at: row.cancel_requested_at,
                heard_at: row.heard_at,
                failed_by_lease: row.failed_by_lease,
                retry_at: row.retry_at,
                revision: row.revision,
            },
        }
    }
}

impl JobRunRow {
    /// The view of it.
    #[must_use]
    pub fn view(&self) -> JobRun {
        let state = &self.state;
        JobRun {
            id: self.id,
            job_id: self.job_id,
            status: state.status,
            started_at: self.started_at.into(),
            completed_at: state.completed_at.map(Into::into),
            error_message: state.error_message.clone(),
            bytes_transferred: state.bytes_transferred,
            scheduled_for: self.scheduled_for.map(Into::into),
            attempt: self.attempt,
            retry_of: self.retry_of,
            cancel_requested_at: state.cancel_requested_at.map(Into::into),
            revision: state.revision,
        }
    }
}

async fn all(statement: Sql, conn: impl Into<Conn<'_>>) -> Result<Vec<JobRunRow>> {
    Ok(statement.fetch_all::<Columns>(conn).await?.into_iter().map(JobRunRow::from).collect())
}

async fn one(statement: Sql, conn: impl Into<Conn<'_>>) -> Result<Option<JobRunRow>> {
    Ok(statement.fetch_optional::<Columns>(conn).await?.map(JobRunRow::from))
}

/// Stores a new run.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn insert(tx: &mut Tx, run: &JobRunRow) -> Result<()> {
    sql("INSERT INTO job_runs (id, job_id, customer_id, agent_id, directive_id, scheduled_for, status, started_at, \
         attempt, retry_of, heard_at, failed_by_lease, revision) VALUES ")
    .push_tuple([
        run.id.into(),
        run.job_id.into(),
        run.customer_id.into(),
        run.agent_id.into(),
        run.directive_id.into(),
        run.scheduled_for.into(),
        run.state.status.to_string().into(),
        run.started_at.into(),
        run.attempt.into(),
        run.retry_of.into(),
        run.state.heard_at.into(),
        run.state.failed_by_lease.into(),
        run.state.revision.into(),
    ])
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the part of a run that changes, if it is still what it was at `seen` revision; whether it did.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn save(tx: &mut Tx, id: RunId, state: &RunState, seen: i64) -> Result<bool> {
    let rows = sql("UPDATE job_runs SET status = $1, completed_at = $2, error_message = $3, bytes_transferred = $4, \
         cancel_requested_at = $5, heard_at = $6, failed_by_lease = $7, retry_at = $8, revision = $9 \
         WHERE id = $10 AND revision = $11")
    .bind_text(state.status)
    .bind(state.completed_at)
    .bind(state.error_message.clone())
    .bind(state.bytes_transferred)
    .bind(state.cancel_requested_at)
    .bind(state.heard_at)
    .bind(state.failed_by_lease)
    .bind(state.retry_at)
    .bind(state.revision)
    .bind(id)
    .bind(seen)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Plans another attempt of a run that failed, or gives it up, if nobody else did meanwhile; whether it did.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn plan_retry(
    tx: &mut Tx,
    id: RunId,
    seen: Option<DateTime<Utc>>,
    at: Option<DateTime<Utc>>,
) -> Result<bool> {
    let statement = sql("UPDATE job_runs SET retry_at = $1 WHERE id = $2").bind(at).bind(id);
    let statement = match seen {
        Some(seen) => statement.push_bind(" AND retry_at = ", seen),
        None => statement.push(" AND retry_at IS NULL"),
    };
    Ok(statement.execute(tx).await? == 1)
}

/// The run, unless it is outside the scope.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find(conn: impl Into<Conn<'_>>, scope: Scope, id: RunId) -> Result<Option<JobRunRow>> {
    one(scoped(sql(COLUMNS).push_bind(" WHERE r.id = ", id), scope), conn).await
}

/// The run that a directive started.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn by_directive(tx: &mut Tx, id: DirectiveId) -> Result<Option<JobRunRow>> {
    one(sql(COLUMNS).push_bind(" WHERE r.directive_id = ", id), tx).await
}

/// The run that makes this one again, if there is one.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn retry_of(tx: &mut Tx, job: JobId, run: RunId) -> Result<Option<JobRunRow>> {
    one(sql(COLUMNS).push_bind(" WHERE r.job_id = ", job).push_bind(" AND r.retry_of = ", run), tx).await
}

/// Those of these runs that there are.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find_all(db: &Db, ids: &[RunId]) -> Result<Vec<JobRunRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql(COLUMNS).push(" WHERE r.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        let rows = statement.push(" ORDER BY r.id DESC").fetch_readable::<Columns>(db).await?;
        found.extend(rows.into_iter().flatten().map(JobRunRow::from));
    }
    Ok(found)
}

fn scoped(statement: Sql, scope: Scope) -> Sql {
    match scope {
        Scope::All => statement,
        Scope::Customer(customer) => statement.push_bind(" AND r.customer_id = ", customer),
        Scope::Agent(agent) => statement.push_bind(" AND r.agent_id = ", agent),
    }
}

/// The runs of a job that are at work, oldest first.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn running_of_job(tx: &mut Tx, job: JobId) -> Result<Vec<JobRunRow>> {
    let statement = sql(COLUMNS).push_bind(" WHERE r.job_id = ", job).push(" AND r.status = 'running' ORDER BY r.id");
    all(statement, tx).await
}

/// How many runs of each of these jobs are at work; nothing for those of which none is.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn running(tx: &mut Tx, jobs: &[JobId]) -> Result<HashMap<JobId, i64>> {
    let mut running = HashMap::new();
    for jobs in jobs.chunks(MOST_VALUES) {
        let rows: Vec<(JobId, i64)> =
            sql("SELECT job_id, COUNT(*) FROM job_runs WHERE status = 'running' AND job_id IN ")
                .push_tuple(jobs.iter().map(|job| (*job).into()))
                .push(" GROUP BY job_id")
                .fetch_all(&mut *tx)
                .await?;
        running.extend(rows);
    }
    Ok(running)
}

/// Gives up the attempts that are planned for a job.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn forget_retries(tx: &mut Tx, job: JobId) -> Result<()> {
    sql("UPDATE job_runs SET retry_at = NULL WHERE job_id = $1 AND retry_at IS NOT NULL").bind(job).execute(tx).await?;
    Ok(())
}

/// Removes the runs of a job.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn delete(tx: &mut Tx, job: JobId) -> Result<()> {
    sql("DELETE FROM job_runs WHERE job_id = $1").bind(job).execute(tx).await?;
    Ok(())
}
