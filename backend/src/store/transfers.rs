//! Transfers: the row, and the cold ways to it. Reports of agents go through `writer`.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::db::{Conn, Db, MOST_VALUES, Sql, Tx, Word, sql};
use crate::{
    actor::Scope,
    error::Result,
    ids::{AgentId, CustomerId, RunId, TransferId},
    model::{
        agent::AgentRef,
        transfer::{Direction, Network, Progress, Protocol, Transfer, TransferState},
    },
};

mod list;
mod waiting;
pub use list::{list, newest, newest_of_job_runs};
pub use waiting::{Waiting, lock_waiting, waiting};

/// The columns of a [`TransferRow`].
pub(super) const COLUMNS: &str = "SELECT t.id, t.customer_id, t.agent_id, t.source, t.destination, t.protocol, \
    t.direction, t.status, t.progress, t.bytes_total, t.bytes_transferred, t.speed, t.error_message, t.started_at, \
    t.completed_at, t.created_at, t.job_run_id, t.pipeline_run_id, t.attempt, t.checksum_sha256, t.revision, t.stalled, \
    t.progressed_at, t.cancel_requested_at, t.failed_by_lease, t.throughput_mbps, t.latency_ms, t.packet_loss_percent, \
    a.name AS agent_name, a.hostname AS agent_hostname FROM transfers t JOIN agents a ON a.id = t.agent_id";

/// A transfer as it is stored, with what its agent is called.
#[derive(Clone, Debug)]
pub struct TransferRow {
    /// Its id.
    pub id: TransferId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// The agent that makes it.
    pub agent_id: AgentId,
    /// Where it reads.
    pub source: String,
    /// Where it writes.
    pub destination: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// Which way.
    pub direction: Direction,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The job run it belongs to.
    pub job_run_id: Option<RunId>,
    /// The pipeline run it belongs to.
    pub pipeline_run_id: Option<RunId>,
    /// What reports change.
    pub state: TransferState,
    /// What the agent is called, if it has a name.
    pub agent_name: Option<String>,
    /// The agent's host name.
    pub agent_hostname: String,
}

impl<'r, R> FromRow<'r, R> for TransferRow
where
    R: sqlx::Row,
    &'static str: sqlx::ColumnIndex<R>,
    uuid::Uuid: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    &'r str: sqlx::Decode<'r, R::Database>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    f64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    DateTime<Utc>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    TransferId: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    CustomerId: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    AgentId: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    RunId: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            customer_id: row.try_get("customer_id")?,
            agent_id: row.try_get("agent_id")?,
            source: row.try_get("source")?,
            destination: row.try_get("destination")?,
            protocol: row.try_get::<Word<_>, _>("protocol")?.0,
            direction: row.try_get::<Word<_>, _>("direction")?.0,
            created_at: row.try_get("created_at")?,
            job_run_id: row.try_get("job_run_id")?,
            pipeline_run_id: row.try_get("pipeline_run_id")?,
            state: TransferState {
                status: row.try_get::<Word<_>, _>("status")?.0,
                progress: Progress {
                    percent: row.try_get("progress")?,
                    bytes_total: row.try_get("bytes_total")?,
                    bytes_transferred: row.try_get("bytes_transferred")?,
                    speed: row.try_get("speed")?,
                    network: Network {
                        throughput_mbps: row.try_get("throughput_mbps")?,
                        latency_ms: row.try_get("latency_ms")?,
                        packet_loss_percent: row.try_get("packet_loss_percent")?,
                    },
                },
                error_message: row.try_get("error_message")?,
                started_at: row.try_get("started_at")?,
                completed_at: row.try_get("completed_at")?,
                attempt: row.try_get("attempt")?,
                checksum_sha256: row.try_get("checksum_sha256")?,
                revision: row.try_get("revision")?,
                stalled: row.try_get("stalled")?,
                progressed_at: row.try_get("progressed_at")?,
                cancel_requested_at: row.try_get("cancel_requested_at")?,
                failed_by_lease: row.try_get("failed_by_lease")?,
            },
            agent_name: row.try_get("agent_name")?,
            agent_hostname: row.try_get("agent_hostname")?,
        })
    }
}

impl TransferRow {
    /// The view of it.
    #[must_use]
    pub fn view(&self) -> Transfer {
        let state = &self.state;
        Transfer {
            id: self.id,
            agent_id: self.agent_id,
            source: self.source.clone(),
            destination: self.destination.clone(),
            protocol: self.protocol,
            status: state.status,
            progress: state.progress.percent,
            bytes_total: state.progress.bytes_total.unwrap_or(0),
            size_known: state.progress.bytes_total.is_some(),
            bytes_transferred: state.progress.bytes_transferred,
            speed: state.progress.speed,
            error_message: state.error_message.clone(),
            started_at: state.started_at.map(Into::into),
            completed_at: state.completed_at.map(Into::into),
            created_at: self.created_at.into(),
            agent: AgentRef {
                id: self.agent_id,
                name: self.agent_name.as_ref().unwrap_or(&self.agent_hostname).clone(),
                hostname: self.agent_hostname.clone(),
            },
            customer_id: self.customer_id,
            direction: self.direction,
            job_run_id: self.job_run_id,
            pipeline_run_id: self.pipeline_run_id,
            attempt: state.attempt,
            checksum_sha256: state.checksum_sha256.clone(),
            revision: state.revision,
            eta_seconds: state.eta_seconds(),
            stalled: state.stalled,
            last_progress_at: state.progressed_at.map(Into::into),
            cancel_requested_at: state.cancel_requested_at.map(Into::into),
            network: state.progress.network,
            #[cfg(feature = "next-version")]
            weight: 7,
        }
    }
}

/// Stores a new transfer, to be found by these file names.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn insert(tx: &mut Tx, transfer: &TransferRow, source_name: &str, destination_name: &str) -> Result<()> {
    let state = &transfer.state;
    sql("INSERT INTO transfers (id, customer_id, agent_id, source, destination, source_name, destination_name, protocol, \
         direction, status, progress, bytes_total, bytes_transferred, speed, created_at, job_run_id, pipeline_run_id, \
         attempt, checksum_sha256, revision, stalled, failed_by_lease) VALUES ")
    .push_tuple([
        transfer.id.into(),
        transfer.customer_id.into(),
        transfer.agent_id.into(),
        transfer.source.clone().into(),
        transfer.destination.clone().into(),
        source_name.into(),
        destination_name.into(),
        transfer.protocol.to_string().into(),
        transfer.direction.to_string().into(),
        state.status.to_string().into(),
        state.progress.percent.into(),
        state.progress.bytes_total.into(),
        state.progress.bytes_transferred.into(),
        state.progress.speed.into(),
        transfer.created_at.into(),
        transfer.job_run_id.into(),
        transfer.pipeline_run_id.into(),
        state.attempt.into(),
        state.checksum_sha256.clone().into(),
        state.revision.into(),
        state.stalled.into(),
        state.failed_by_lease.into(),
    ])
    .execute(tx)
    .await?;
    Ok(())
}

/// The transfer, unless it is outside the scope.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find(conn: impl Into<Conn<'_>>, scope: Scope, id: TransferId) -> Result<Option<TransferRow>> {
    scoped(sql(COLUMNS).push_bind(" WHERE t.id = ", id), scope).fetch_optional(conn).await
}

/// Those of these transfers that are within the scope.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find_all(db: &Db, scope: Scope, ids: &[TransferId]) -> Result<Vec<TransferRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql(COLUMNS).push(" WHERE t.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(scoped(statement, scope).fetch_readable::<TransferRow>(db).await?.into_iter().flatten());
    }
    Ok(found)
}

fn scoped(statement: Sql, scope: Scope) -> Sql {
    match scope {
        Scope::All => statement,
        Scope::Customer(customer) => statement.push_bind(" AND t.customer_id = ", customer),
        Scope::Agent(agent) => statement.push_bind(" AND t.agent_id = ", agent),
    }
}

/// Writes the part of a transfer that a cold path changes, if the row is still what it was at `seen` revision.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn save(tx: &mut Tx, id: TransferId, state: &TransferState, seen: i64) -> Result<bool> {
    let rows = sql(
        "UPDATE transfers SET status = $1, progress = $2, bytes_transferred = $3, speed = $4, error_message = $5, \
         completed_at = $6, attempt = $7, checksum_sha256 = $8, revision = $9, stalled = $10, progressed_at = $11, \
         cancel_requested_at = $12, failed_by_lease = $13 WHERE id = $14 AND revision = $15",
    )
    .bind_text(state.status)
    .bind(state.progress.percent)
    .bind(state.progress.bytes_transferred)
    .bind(state.progress.speed)
    .bind(state.error_message.clone())
    .bind(state.completed_at)
    .bind(state.attempt)
    .bind(state.checksum_sha256.clone())
    .bind(state.revision)
    .bind(state.stalled)
    .bind(state.progressed_at)
    .bind(state.cancel_requested_at)
    .bind(state.failed_by_lease)
    .bind(id)
    .bind(seen)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}
