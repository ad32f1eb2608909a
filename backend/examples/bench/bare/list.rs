//! The list of transfers as JSON: the newest fifty and the total, read with the statements that the MFTPlus server
//! uses.

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, Row, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

const TOTAL: &str = "SELECT COALESCE(SUM(total), 0) FROM transfer_counts WHERE scope_id = $1";

const NEWEST: &str = "SELECT t.id, t.agent_id, COALESCE(a.name, a.hostname) AS agent_name, t.source, t.destination, \
    t.protocol, t.direction, t.status, t.progress, t.bytes_total, t.bytes_transferred, t.speed, t.error_message, \
    t.started_at, t.completed_at, t.created_at, t.attempt, t.checksum_sha256, t.revision, t.stalled, t.progressed_at, \
    t.cancel_requested_at, t.throughput_mbps, t.latency_ms, t.packet_loss_percent \
    FROM (SELECT id FROM transfers ORDER BY id DESC LIMIT 50) AS page \
    JOIN transfers t ON t.id = page.id JOIN agents a ON a.id = t.agent_id ORDER BY t.id DESC";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Transfer {
    id: Uuid,
    agent_id: Uuid,
    agent_name: String,
    source: String,
    destination: String,
    protocol: String,
    direction: String,
    status: String,
    progress: f64,
    bytes_total: Option<i64>,
    bytes_transferred: i64,
    speed: f64,
    error_message: Option<String>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    attempt: i64,
    checksum_sha256: Option<String>,
    revision: i64,
    stalled: bool,
    progressed_at: Option<DateTime<Utc>>,
    cancel_requested_at: Option<DateTime<Utc>>,
    throughput_mbps: Option<f64>,
    latency_ms: Option<f64>,
    packet_loss_percent: Option<f64>,
}

impl FromRow<'_, SqliteRow> for Transfer {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            agent_id: row.try_get("agent_id")?,
            agent_name: row.try_get("agent_name")?,
            source: row.try_get("source")?,
            destination: row.try_get("destination")?,
            protocol: row.try_get("protocol")?,
            direction: row.try_get("direction")?,
            status: row.try_get("status")?,
            progress: row.try_get("progress")?,
            bytes_total: row.try_get("bytes_total")?,
            bytes_transferred: row.try_get("bytes_transferred")?,
            speed: row.try_get("speed")?,
            error_message: row.try_get("error_message")?,
            started_at: row.try_get("started_at")?,
            completed_at: row.try_get("completed_at")?,
            created_at: row.try_get("created_at")?,
            attempt: row.try_get("attempt")?,
            checksum_sha256: row.try_get("checksum_sha256")?,
            revision: row.try_get("revision")?,
            stalled: row.try_get("stalled")?,
            progressed_at: row.try_get("progressed_at")?,
            cancel_requested_at: row.try_get("cancel_requested_at")?,
            throughput_mbps: row.try_get("throughput_mbps")?,
            latency_ms: row.try_get("latency_ms")?,
            packet_loss_percent: row.try_get("packet_loss_percent")?,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<Transfer>,
    total_count: i64,
}

pub(super) async fn newest(State(readers): State<SqlitePool>) -> Response {
    let total_count: i64 = sqlx::query_scalar(TOTAL).bind(Uuid::nil()).fetch_one(&readers).await.unwrap();
    let nodes: Vec<Transfer> = sqlx::query_as(NEWEST).fetch_all(&readers).await.unwrap();
    let body = serde_json::to_vec(&Page { nodes, total_count }).unwrap();
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
