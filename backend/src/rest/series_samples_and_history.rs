//! The routes of series, of the samples of transfers and of the history of agents.

use axum::extract::State;
use serde::Serialize;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema, Type,
        schema::{ArrayBuilder, ObjectBuilder, SchemaType},
    },
};

use super::{
    ApiState,
    caller::UserCaller,
    envelope::{Answer, Reply, Success},
    extract::{Id, Query},
};
use crate::{
    ids::{AgentId, CustomerId, JobId, TransferId},
    model::{
        Instant,
        heartbeat_history::{AgentHistoryPoint, HistoryStep},
        series::{self, Series, SeriesMetric, SeriesRequest, SeriesStep},
        transfer::TransferSample,
    },
};

/// The query parameters of a series.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the wire; queries are read field by field")]
pub(super) struct SeriesQuery {
    /// What is counted.
    metric: SeriesMetric,
    /// Start of the window. The first point is the minute, hour, day or month that contains it.
    #[param(example = "2026-04-25T00:00:00Z")]
    from: Instant,
    /// End of the window, exclusive; after `from`.
    #[param(example = "2026-04-25T12:00:00Z")]
    to: Instant,
    /// Length of the period that a point covers. The window may have at most 2,000 points.
    step: SeriesStep,
    /// IANA name of the time zone of days and months. Only with the steps `1d` and `1mo`.
    #[param(default = "UTC", example = "Europe/Berlin", min_length = 1, max_length = 64)]
    tz: Option<String>,
    /// Only what belongs to this customer.
    #[param(rename = "customerId")]
    customer_id: Option<CustomerId>,
    /// Only what belongs to this agent. Not with the step `1m`.
    #[param(rename = "agentId")]
    agent_id: Option<AgentId>,
    /// Only what belongs to this job. Not with the step `1m`.
    #[param(rename = "jobId")]
    job_id: Option<JobId>,
    /// Whether the answer has the window that this one is compared with, too: a week earlier, or the one before it if the
    /// window is longer than a week.
    #[param(default = false)]
    baseline: Option<bool>,
}

/// A point of a series: its time and its value.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct SeriesPoint(series::SeriesPoint);

impl PartialSchema for SeriesPoint {
    fn schema() -> RefOr<Schema> {
        let items = ObjectBuilder::new().schema_type(SchemaType::Array(vec![Type::Number, Type::Null]));
        let text = "Start of the point in Unix seconds, and its value. The value is null if nothing is known about the \
                    point, or if no transfer ended in it, so that there is no rate or average.";
        ArrayBuilder::new()
            .items(items)
            .min_items(Some(2))
            .max_items(Some(2))
            .description(Some(text))
            .examples([serde_json::json!([1_777_122_000, 1_048_576.0])])
            .into()
    }
}

impl ToSchema for SeriesPoint {}

/// A series.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SeriesData {
    /// What is counted.
    metric: SeriesMetric,
    /// Length of the period that a point covers.
    step: SeriesStep,
    /// Points that end at this time or earlier do not change any more.
    final_until: Instant,
    /// Points in chronological order.
    #[schema(max_items = 2000)]
    points: Vec<SeriesPoint>,
    /// Points of the window that this one is compared with, in the same order; null unless `baseline` is true.
    #[schema(required)]
    baseline: Option<Vec<SeriesPoint>>,
}

impl From<Series> for SeriesData {
    fn from(series: Series) -> Self {
        let points =
            |points: Vec<series::SeriesPoint>| -> Vec<SeriesPoint> { points.into_iter().map(SeriesPoint).collect() };
        Self {
            metric: series.metric,
            step: series.step,
            final_until: series.final_until,
            points: points(series.points),
            baseline: series.baseline.map(points),
        }
    }
}

/// Get a series
///
/// What happened in each minute, hour, day or month of a window. Minutes are kept for 8 days, for all transfers and for
/// each customer; hours are kept for 400 days, for each agent and job too. A minute is final 2 minutes after its end. Days
/// and months begin at midnight in the time zone `tz`; where its offset is not a whole number of hours, an hour counts to
/// the day in which it begins.
#[utoipa::path(get, path = "/api/series", tag = "Series", security(("bearer" = [])), params(SeriesQuery),
    responses((status = 200, description = "The series", body = Success<SeriesData>)))]
pub(super) async fn get_series(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Query(request): Query<SeriesRequest>,
) -> Answer<SeriesData> {
    Ok(Reply::ok(api.cp.get_series(&actor, &request).await?.into()))
}

/// The samples of a transfer.
#[derive(Serialize, ToSchema)]
pub(super) struct TransferSamplesData {
    /// Samples in the order of time.
    #[schema(max_items = 300)]
    samples: Vec<TransferSample>,
}

/// Get a transfer's samples
///
/// Bytes and speed of the transfer over time: at most 300 samples, at least 10 seconds apart. Samples of a transfer that
/// runs longer are thinned evenly. They are kept for 30 days.
#[utoipa::path(get, path = "/api/transfers/{id}/samples", tag = "Transfers", security(("bearer" = [])),
    params(("id" = TransferId, Path, description = "The transfer's id")),
    responses((status = 200, description = "The samples", body = Success<TransferSamplesData>)))]
pub(super) async fn get_transfer_samples(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<TransferId>,
) -> Answer<TransferSamplesData> {
    Ok(Reply::ok(TransferSamplesData { samples: api.cp.get_transfer_samples(&actor, id).await? }))
}

/// The query parameter of an agent's history.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the wire; queries are read field by field")]
pub(super) struct HistoryQuery {
    /// Length of the period that a point covers: `1m` for the last 24 hours, `1h` for the last 30 days. Default: `1m`.
    #[param(inline)]
    step: Option<HistoryStep>,
}

/// The history of an agent.
#[derive(Serialize, ToSchema)]
pub(super) struct AgentHistoryData {
    /// Points in chronological order, without those about which nothing is known.
    #[schema(max_items = 1440)]
    points: Vec<AgentHistoryPoint>,
}

/// Get an agent's history
///
/// Load, memory and heartbeats of the last 24 hours by minute, or of the last 30 days by hour. Points from before the
/// registration, and those in which no server was running, are left out.
#[utoipa::path(get, path = "/api/agents/{id}/history", tag = "Agents", security(("bearer" = [])),
    params(("id" = AgentId, Path, description = "The agent's id"), HistoryQuery),
    responses((status = 200, description = "The history", body = Success<AgentHistoryData>)))]
pub(super) async fn get_agent_history(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<AgentId>,
    Query(step): Query<HistoryStep>,
) -> Answer<AgentHistoryData> {
    Ok(Reply::ok(AgentHistoryData { points: api.cp.get_agent_history(&actor, id, step).await? }))
}
