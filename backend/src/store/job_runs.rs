//! The table of job runs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::db::{
    Conn, Db, MOST_VALUES, Sql, Tx, sql,
    table::{table, values},
};
use crate::{
    actor::Scope,
    error::Result,
    ids::{AgentId, CustomerId, DirectiveId, JobId, RunId},
    model::job::{JobRun, RunState},
};

mod list;
mod overdue;
mod progress_from_transfers;
pub use list::{list, newest};
pub use overdue::{Overdue, overdue};
pub use progress_from_transfers::{Progress, progress, progress_of};

/// A job run as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRunRow {
    /// The id of the run, which begins with the milliseconds of its start.
    pub id: RunId,
    /// The job of the run.
    pub job_id: JobId,
    /// The customer of the run's agent.
    pub customer_id: CustomerId,
    /// The agent that executes the run.
    pub agent_id: AgentId,
    /// The directive that started the run; `None` if the agent started it without one.
    pub directive_id: Option<DirectiveId>,
    /// The scheduled time of the run's slot; `None` if the run has no slot because a user or the agent started it.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The start time of the run.
    pub started_at: DateTime<Utc>,
    /// The number of the attempt, counted from 1.
    pub attempt: i64,
    /// The run that this run retries; `None` for a first attempt.
    pub retry_of: Option<RunId>,
    /// The fields of the run that change after its start.
    pub state: RunState,
}

table! {
    job_runs: JobRunRow {
        id, job_id, customer_id, agent_id, directive_id, scheduled_for, started_at, attempt, retry_of,
        state: RunState {
            status, completed_at, error_message, bytes_transferred, cancel_requested_at, heard_at, failed_by_lease,
            retry_at, revision,
        },
    }
    from "job_runs r" prefix "r.";

    /// Written when the run starts.
    const CREATED {
        id: Uuid,
        job_id: Uuid,
        customer_id: Uuid,
        agent_id: Uuid,
        directive_id: Uuid,
        scheduled_for: Instant,
        started_at: Instant,
        attempt: Integer,
        retry_of: Uuid,
    }

    /// Written by every change.
    const STATE {
        status: EnumText,
        completed_at: Instant,
        error_message: Text,
        bytes_transferred: Integer,
        cancel_requested_at: Instant,
        heard_at: Instant,
        failed_by_lease: Boolean,
        retry_at: Instant,
        revision: Integer,
    }
}

impl JobRunRow {
    /// Converts the row to the run as clients see it.
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

/// Stores a new run.
pub async fn insert(tx: &mut Tx, run: &JobRunRow) -> Result<()> {
    let columns = values(JobRunRow::CREATED, run).chain(values(JobRunRow::STATE, run));
    JobRunRow::TABLE.insert(columns).execute(tx).await?;
    Ok(())
}

/// Writes the columns of a run that change after its creation. If the stored revision is no longer `seen`, writes
/// nothing and returns false.
pub async fn save(tx: &mut Tx, run: &JobRunRow, seen: i64) -> Result<bool> {
    let statement = JobRunRow::TABLE.update(values(JobRunRow::STATE, run)).push_bind(" WHERE id = ", run.id);
    Ok(statement.push_bind(" AND revision = ", seen).execute(tx).await? == 1)
}

/// Sets the time of the next attempt of a failed run; with `None` for `at` there will be no next attempt. If the stored
/// time is no longer `seen`, writes nothing and returns false.
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

/// Reads a run; `None` if it does not exist or is outside the scope.
pub async fn find(conn: impl Into<Conn<'_>>, scope: Scope, id: RunId) -> Result<Option<JobRunRow>> {
    scoped(JobRunRow::TABLE.select().push_bind(" WHERE r.id = ", id), scope).fetch_optional(conn).await
}

/// Reads the run that a directive started; `None` if it has started no run.
pub async fn by_directive(tx: &mut Tx, id: DirectiveId) -> Result<Option<JobRunRow>> {
    JobRunRow::TABLE.select().push_bind(" WHERE r.directive_id = ", id).fetch_optional(tx).await
}

/// Reads the run that retries `run`; `None` if there is none.
pub async fn retry_of(tx: &mut Tx, job: JobId, run: RunId) -> Result<Option<JobRunRow>> {
    let statement = JobRunRow::TABLE.select().push_bind(" WHERE r.job_id = ", job);
    statement.push_bind(" AND r.retry_of = ", run).fetch_optional(tx).await
}

/// Reads the runs with these ids, newest first.
pub async fn find_all(db: &Db, ids: &[RunId]) -> Result<Vec<JobRunRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = JobRunRow::TABLE.select().push(" WHERE r.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        let rows = statement.push(" ORDER BY r.id DESC").fetch_readable::<JobRunRow>(db).await?;
        found.extend(rows.into_iter().flatten());
    }
    Ok(found)
}

/// Reads the jobs of these runs. Accepts at most 500 ids.
pub async fn jobs_of(tx: &mut Tx, ids: &[RunId]) -> Result<HashMap<RunId, JobId>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = sql("SELECT id, job_id FROM job_runs WHERE id IN ");
    let rows: Vec<(RunId, JobId)> = statement.push_tuple(ids.iter().map(|id| (*id).into())).fetch_all(tx).await?;
    Ok(rows.into_iter().collect())
}

fn scoped(statement: Sql, scope: Scope) -> Sql {
    match scope {
        Scope::All => statement,
        Scope::Customer(customer) => statement.push_bind(" AND r.customer_id = ", customer),
        Scope::Agent(agent) => statement.push_bind(" AND r.agent_id = ", agent),
    }
}

/// Reads the active runs of a job, oldest first.
pub async fn running_of_job(tx: &mut Tx, job: JobId) -> Result<Vec<JobRunRow>> {
    let statement = JobRunRow::TABLE.select().push_bind(" WHERE r.job_id = ", job);
    statement.push(" AND r.status = 'running' ORDER BY r.id").fetch_all(tx).await
}

/// Counts the active runs of each of these jobs. The result has no entry for a job without an active run.
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

/// Cancels the planned retries of a job's runs.
pub async fn cancel_retries(tx: &mut Tx, job: JobId) -> Result<()> {
    sql("UPDATE job_runs SET retry_at = NULL WHERE job_id = $1 AND retry_at IS NOT NULL").bind(job).execute(tx).await?;
    Ok(())
}

/// Deletes the runs of a job.
pub async fn delete(tx: &mut Tx, job: JobId) -> Result<()> {
    sql("DELETE FROM job_runs WHERE job_id = $1").bind(job).execute(tx).await?;
    Ok(())
}
