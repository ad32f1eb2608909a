//! What the program says of itself: logs to standard error, and metrics.

use std::{io::IsTerminal, sync::OnceLock};

use axum_prometheus::{PrometheusMetricLayer, PrometheusMetricLayerBuilder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::LogSettings;

/// The recorder of metrics: there is one per process, since the `metrics` facade is global.
static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Logs from here on.
pub fn start_logging(settings: &LogSettings) {
    let filter = EnvFilter::new(&settings.log);
    let registry = tracing_subscriber::registry().with(filter);
    let to_stderr = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // A second start in one process keeps the first.
    let outcome = if settings.log_json {
        registry.with(to_stderr.json()).try_init()
    } else {
        registry.with(to_stderr).try_init()
    };
    drop(outcome);
}

/// Seconds in which requests are answered, from a cached read to a patient long poll.
const SECONDS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// Reports in one commit.
const BATCHES: [f64; 8] = [1.0, 2.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0];

/// Starts recording metrics; what renders them, or nothing if another recorder is installed.
pub fn start_metrics() -> Option<&'static PrometheusHandle> {
    if let Some(handle) = METRICS.get() {
        return Some(handle);
    }
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("duration_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("batch_size".to_owned()), &BATCHES));
    let handle = builder.ok()?.install_recorder().ok()?;
    Some(METRICS.get_or_init(|| handle))
}

/// Counts requests and measures how long they take, by method, route and status.
#[must_use]
pub fn request_metrics(handle: &PrometheusHandle) -> PrometheusMetricLayer<'static> {
    let handle = handle.clone();
    PrometheusMetricLayerBuilder::new().with_prefix("mftplus").with_metrics_from_fn(|| handle).build_pair().0
}
