//! The routes of health checks.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    envelope::{Answer, Reply, Success, json},
};
use crate::{error::Error, model::Instant, service::Readiness};

/// Health of the server. The only answer without the envelope.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// Whether all parts of the server work.
    #[schema(example = "ok")]
    status: HealthStatus,
    /// Current time of the server.
    timestamp: Instant,
    /// Seconds since the server started.
    #[schema(minimum = 0, example = 3600)]
    uptime: i64,
}

/// Whether all parts of the server work.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    /// All parts work.
    Ok,
    /// A part does not work; `GET /api/health/ready` names it.
    Degraded,
}

/// Answer of a process that is alive.
#[derive(Serialize, ToSchema)]
pub(super) struct LivenessData {
    /// Always `true`.
    #[schema(example = true)]
    live: bool,
}

/// Answer of a server that is ready.
#[derive(Serialize, ToSchema)]
pub(super) struct ReadinessData {
    /// Always `true`.
    #[schema(example = true)]
    ready: bool,
    /// State of the parts of the server.
    parts: Readiness,
}

/// Check the API server health status
///
/// Always 200 while the server answers. `degraded` means that the database is unavailable or cannot be written, that
/// its write-ahead log (SQLite) is longer than 1 GiB, that Redis is unavailable, or that the server shuts down. The
/// answer has no envelope.
#[utoipa::path(get, path = "/api/health", tag = "Health", security(()),
    responses((status = 200, description = "Health of the server", body = Health)))]
pub(super) async fn get_health(State(api): State<ApiState>) -> Response {
    let status = if api.cp.readiness().await.is_whole() { HealthStatus::Ok } else { HealthStatus::Degraded };
    let (timestamp, uptime) = api.cp.uptime();
    json(StatusCode::OK, &Health { status, timestamp, uptime })
}

/// Check that the process is alive
///
/// For supervisors that restart a process that does not answer. Does not query the database.
#[utoipa::path(get, path = "/api/health/live", tag = "Health", security(()),
    responses((status = 200, description = "The process is alive", body = Success<LivenessData>)))]
pub(super) async fn get_liveness() -> Answer<LivenessData> {
    Ok(Reply::ok(LivenessData { live: true }))
}

/// Check that the server can take requests
///
/// For load balancers. 503 with the failing part in `details` while the database is unavailable or cannot be written,
/// or while the server shuts down.
#[utoipa::path(get, path = "/api/health/ready", tag = "Health", security(()),
    responses((status = 200, description = "The server can take requests", body = Success<ReadinessData>)))]
pub(super) async fn get_readiness(State(api): State<ApiState>) -> Response {
    let parts = api.cp.readiness().await;
    if parts.is_ready() {
        return Reply::ok(ReadinessData { ready: true, parts }).into_response();
    }
    let failing = match (parts.database, parts.writer) {
        (false, _) => "the database does not answer",
        (true, false) => "the database cannot be written",
        (true, true) => "the server is shutting down",
    };
    let body = serde_json::json!({ "success": false, "error": failing, "details": { "parts": parts } });
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &body);
    if let Some(seconds) = Error::Unavailable(failing).retry_after_seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
