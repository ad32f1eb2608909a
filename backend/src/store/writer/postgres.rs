//! The batch statements in PostgreSQL's dialect: a column of the batch travels as one array. Rows are locked in the order
//! of their ids (and not against references to them, which cold paths take in another order), so that batches of several servers never wait for each other in a circle.

use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use uuid::Uuid;

use super::{Loaded, batch::guarded, figures::Guarded};
use crate::{
    error::Result,
    ids::{AgentId, TransferId},
    store::{
        agents::{self, AgentRow},
        transfers::{self, TransferRow},
    },
};

pub(super) async fn load_agents(tx: &mut PgConnection, ids: &[AgentId]) -> Result<Vec<AgentRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!("{} WHERE revoked_at IS NULL AND id = ANY($1) ORDER BY id FOR NO KEY UPDATE", agents::COLUMNS);
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(AssertSqlSafe(text)).bind(ids).fetch_all(&mut *tx).await?;
    Ok(rows.iter().map(AgentRow::from_row).collect::<sqlx::Result<_>>()?)
}

pub(super) async fn load_transfers(line: &mut PgConnection, ids: &[TransferId]) -> Result<Vec<TransferRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!("{} WHERE t.id = ANY($1) ORDER BY t.id FOR NO KEY UPDATE OF t", transfers::COLUMNS);
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(AssertSqlSafe(text)).bind(ids).fetch_all(line).await?;
    Ok(rows.iter().map(TransferRow::from_row).collect::<sqlx::Result<_>>()?)
}

/// One value of each row.
fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

pub(super) async fn save_agents(tx: &mut PgConnection, rows: &[&AgentRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE agents SET status = v.status, last_heartbeat = v.last_heartbeat, offline_since = v.offline_since, \
         ip_address = v.ip_address, load = v.load, memory = v.memory, revision = v.revision \
         FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::float8[], \
         $7::float8[], $8::bigint[]) \
         AS v (id, status, last_heartbeat, offline_since, ip_address, load, memory, revision) WHERE agents.id = v.id",
    )
    .bind(column(rows, |row| row.id.0))
    .bind(column(rows, |row| row.status.0.to_string()))
    .bind(column(rows, |row| row.last_heartbeat))
    .bind(column(rows, |row| row.offline_since))
    .bind(column(rows, |row| row.ip_address.clone()))
    .bind(column(rows, |row| row.load))
    .bind(column(rows, |row| row.memory))
    .bind(column(rows, |row| row.revision))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Writes the figures of the rows. A row without the revision it was seen with violates `NOT NULL`: then nothing is
/// written.
pub(super) async fn save_figures(line: &mut PgConnection, rows: &[Guarded<'_>]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE transfers SET progress = v.progress, bytes_total = v.bytes_total, \
         bytes_transferred = v.bytes_transferred, speed = v.speed, error_message = v.error_message, \
         checksum_sha256 = v.checksum_sha256, \
         revision = CASE WHEN transfers.revision = v.seen THEN v.revision END, progressed_at = v.progressed_at, \
         throughput_mbps = v.throughput_mbps, latency_ms = v.latency_ms, packet_loss_percent = v.packet_loss_percent \
         FROM UNNEST($1::uuid[], $2::float8[], $3::bigint[], $4::bigint[], $5::float8[], $6::text[], $7::text[], \
         $8::bigint[], $9::timestamptz[], $10::float8[], $11::float8[], $12::float8[], $13::bigint[]) \
         AS v (id, progress, bytes_total, bytes_transferred, speed, error_message, checksum_sha256, revision, \
         progressed_at, throughput_mbps, latency_ms, packet_loss_percent, seen) \
         WHERE transfers.id = v.id",
    )
    .bind(column(rows, |guarded| guarded.row.id.0))
    .bind(column(rows, |guarded| guarded.row.state.progress.percent))
    .bind(column(rows, |guarded| guarded.row.state.progress.bytes_total))
    .bind(column(rows, |guarded| guarded.row.state.progress.bytes_transferred))
    .bind(column(rows, |guarded| guarded.row.state.progress.speed))
    .bind(column(rows, |guarded| guarded.row.state.error_message.clone()))
    .bind(column(rows, |guarded| guarded.row.state.checksum_sha256.clone()))
    .bind(column(rows, |guarded| guarded.row.state.revision))
    .bind(column(rows, |guarded| guarded.row.state.progressed_at))
    .bind(column(rows, |guarded| guarded.row.state.progress.network.throughput_mbps))
    .bind(column(rows, |guarded| guarded.row.state.progress.network.latency_ms))
    .bind(column(rows, |guarded| guarded.row.state.progress.network.packet_loss_percent))
    .bind(column(rows, |guarded| guarded.seen))
    .execute(line)
    .await?;
    Ok(())
}

/// The figures, and then what only a change of status touches: such batches are rare beside those of figures alone.
pub(super) async fn save_whole(tx: &mut PgConnection, rows: &[&Loaded]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    save_figures(tx, &guarded(rows)).await?;
    sqlx::query(
        "UPDATE transfers SET status = v.status, started_at = v.started_at, completed_at = v.completed_at, \
         attempt = v.attempt, stalled = v.stalled, cancel_requested_at = v.cancel_requested_at, \
         failed_by_lease = v.failed_by_lease \
         FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::boolean[], \
         $7::timestamptz[], $8::boolean[]) \
         AS v (id, status, started_at, completed_at, attempt, stalled, cancel_requested_at, failed_by_lease) \
         WHERE transfers.id = v.id",
    )
    .bind(column(rows, |loaded| loaded.row.id.0))
    .bind(column(rows, |loaded| loaded.row.state.status.to_string()))
    .bind(column(rows, |loaded| loaded.row.state.started_at))
    .bind(column(rows, |loaded| loaded.row.state.completed_at))
    .bind(column(rows, |loaded| loaded.row.state.attempt))
    .bind(column(rows, |loaded| loaded.row.state.stalled))
    .bind(column(rows, |loaded| loaded.row.state.cancel_requested_at))
    .bind(column(rows, |loaded| loaded.row.state.failed_by_lease))
    .execute(&mut *tx)
    .await?;
    Ok(())
}
