//! Logging to standard error, and metrics.

use std::{io::IsTerminal, sync::OnceLock};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, Registry, fmt, prelude::*, reload};

use crate::config::LogSettings;

mod log_line_escaping_and_length;
pub mod metrics;
mod request_metrics;

use log_line_escaping_and_length::{Form, Lines};
pub use request_metrics::{Recorded, Recording, RequestMetrics};

/// The metrics recorder. There is one in each process, because the `metrics` facade is global.
static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// A handle with which the filter of the log can be replaced.
#[derive(Debug)]
pub struct Logs(reload::Handle<EnvFilter, Registry>);

impl Logs {
    /// Replaces the filter. An invalid filter is logged and ignored.
    pub fn set_filter(&self, filter: &str) {
        let outcome = EnvFilter::try_new(filter)
            .map_err(|error| error.to_string())
            .and_then(|filter| self.0.reload(filter).map_err(|error| error.to_string()));
        if let Err(error) = outcome {
            tracing::warn!(%error, "the log filter was not replaced");
        }
    }
}

/// Starts logging to standard error, including panics. A second call in one process has no effect.
pub fn start_logging(settings: &LogSettings) -> Logs {
    let (filter, handle) = reload::Layer::new(EnvFilter::new(&settings.log));
    let registry = tracing_subscriber::registry().with(filter);
    let is_coloured = std::io::stderr().is_terminal() && !settings.log_json;
    let form = match (settings.log_json, is_coloured) {
        (true, _) => Form::Json,
        (false, true) => Form::Coloured,
        (false, false) => Form::Plain,
    };
    let to_stderr = fmt::layer().with_writer(Lines::new(std::io::stderr, form)).with_ansi(is_coloured);
    // A second call in one process has no effect.
    let outcome = if settings.log_json {
        registry.with(to_stderr.json()).try_init()
    } else {
        registry.with(to_stderr).try_init()
    };
    if outcome.is_ok() {
        // The text of a panic may quote client input: it goes through the log, which keeps it on one line.
        std::panic::set_hook(Box::new(|panic| {
            let backtrace = std::backtrace::Backtrace::capture();
            let backtrace = (backtrace.status() == std::backtrace::BacktraceStatus::Captured).then_some(backtrace);
            tracing::error!(%panic, backtrace = backtrace.map(tracing::field::display), "a task panicked");
        }));
    }
    Logs(handle)
}

/// Histogram buckets of response times in seconds, from a cached read to a long poll.
const SECONDS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// Histogram buckets of reports in one commit.
const BATCHES: [f64; 8] = [1.0, 2.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0];

/// Starts recording metrics, unless this process already does. Returns the handle that renders them, or `None` if
/// another recorder is installed.
pub fn start_metrics() -> Option<&'static PrometheusHandle> {
    if let Some(handle) = METRICS.get() {
        return Some(handle);
    }
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("duration_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("batch_size".to_owned()), &BATCHES));
    let handle = builder.ok()?.install_recorder().ok()?;
    metrics::describe();
    Some(METRICS.get_or_init(|| handle))
}
