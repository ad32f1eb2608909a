//! The server: listeners, background tasks and graceful shutdown.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Result;
use axum::{Router, extract::ConnectInfo, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::{Instant, interval, timeout_at};

use crate::{
    app::{Ambient, App},
    config::ServeSettings,
    dashboard, graphql, pipeline_engine, rest, scheduler, series_collector, sweeper,
    telemetry::{self, RequestMetrics},
    transport::{ConnectionLimits, Connections, PublicUrl},
    webhooks,
};

mod active_request;
pub mod certificate;
mod delivery_runtime;
pub mod issued_certificate;
mod listener;
mod observed_stream;
pub mod signals;
pub mod tls;

use certificate::ServerCertificate;
use delivery_runtime::DeliveryRuntime;
use issued_certificate::IssuedCertificate;
pub use listener::Listeners;
use listener::bind;
use tls::Tls;

/// How long active requests may continue after the server received SIGINT or SIGTERM.
const GRACE_PERIOD: Duration = Duration::from_secs(15);
/// How long the whole shutdown may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// The upper bound of API connections, even if the machine allows more.
const MAX_CONNECTIONS: usize = 65_536;
/// File descriptors that are reserved for databases, files, metrics and webhooks.
const RESERVED_FILES: usize = 128 + webhooks::MAX_AT_ONCE * webhooks::FILES;
/// How often recorded samples are compacted.
const UPKEEP: Duration = Duration::from_secs(5);
/// The maximum number of connections of the metrics listener.
const METRICS_CONNECTIONS: usize = 16;

/// Serves until the future of `stop` completes. `stop` is called once the server is up; before that, SIGINT and SIGTERM
/// end the process at once.
///
/// # Errors
///
/// A message for the operator that names the setting or part that failed.
pub async fn serve<S: Future<Output = ()> + Send>(settings: &ServeSettings, stop: impl FnOnce() -> S) -> Result<()> {
    let metrics = telemetry::start_metrics();
    let total = most_connections();
    let listeners = bind("MFTPLUS_LISTEN", &settings.listen).await?;
    let metrics_listeners = bind("MFTPLUS_METRICS_LISTEN", &settings.metrics_listen).await?;
    let mtls_listeners = match &settings.mtls_listen {
        Some(address) => bind("MFTPLUS_MTLS_LISTEN", address).await?,
        None => Vec::new(),
    };
    let certificate = match settings.tls_files().map_err(anyhow::Error::msg)? {
        Some(files) => Some(ServerCertificate::load(files).await?),
        None => None,
    };
    let deliveries = DeliveryRuntime::start()?;
    let app = App::start(settings, Ambient::default()).await?;
    if let Some(password) = app.ensure_first_admin(settings).await? {
        // Printed once, and never logged.
        println!("First administrator: {} with the password {password}", settings.admin_email);
        println!("Keep it: it is not shown again.");
    }
    #[cfg(feature = "test-clock")]
    app.follow_test_clock();
    app.tasks.spawn(sweeper::run(Arc::clone(&app.cp)));
    app.tasks.spawn(scheduler::run(Arc::clone(&app.cp)));
    app.tasks.spawn(series_collector::run(Arc::clone(&app.cp)));
    app.tasks.spawn(pipeline_engine::run(Arc::clone(&app.cp)));
    let cp = Arc::clone(&app.cp);
    app.tasks.spawn(async move { cp.detect_lost_messages().await });
    let cp = Arc::clone(&app.cp);
    app.tasks.spawn(async move { cp.checkpoint_wal_when_long().await });

    let render = move || async move { metrics.map(PrometheusHandle::render).unwrap_or_default() };
    let metrics_router = Router::new().route("/metrics", get(render));
    let metrics_limits = ConnectionLimits::of_metrics(METRICS_CONNECTIONS);
    let scrapes = Listeners::new(metrics_router, metrics_limits);
    for listener in metrics_listeners {
        scrapes.listen(listener);
    }

    let address = listeners[0].local_addr()?;
    let graphql = graphql::Settings { deliveries: deliveries.deliveries(), ..app.graphql(settings) };
    let dashboard = dashboard::layer(settings.public_url.as_ref().map_or("", PublicUrl::path));
    let outer = (dashboard, RequestMetrics::default());
    let router = rest::router_within(app.api(settings), outer.clone()).merge(graphql::router(graphql).layer(outer));
    let router = match &settings.public_url {
        Some(url) => url.serve(router),
        None => router,
    };
    let api = Listeners::new(router, ConnectionLimits::of_api(total));
    if let Some(handle) = metrics {
        let upkeep = keep_metrics(handle.clone(), api.connections().clone(), total);
        app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(upkeep));
    }
    if let Some(tls) = mutual_tls(settings, &app, certificate.as_ref())? {
        for listener in mtls_listeners {
            tracing::info!(address = %listener.local_addr()?, "serving agents with client certificates");
            api.listen_tls(listener, tls.clone());
        }
    }
    let tls = match certificate {
        Some(certificate) => {
            app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(Arc::clone(&certificate).follow()));
            Some(Tls::new(certificate)?)
        }
        None => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    for listener in listeners {
        tracing::info!(address = %listener.local_addr()?, scheme, connections = total, "serving");
        match tls.clone() {
            Some(tls) => api.listen_tls(listener, tls),
            None => api.listen(listener),
        }
    }
    let stop = stop();
    // A browser cannot open `0.0.0.0` or `[::]`.
    let url = if address.ip().is_unspecified() {
        format!("{scheme}://localhost:{}", address.port())
    } else {
        format!("{scheme}://{address}")
    };
    let public = settings.public_url.as_ref().map_or_else(|| url.clone(), ToString::to_string);
    println!("MFTPlus serves {url}, its reference is at {public}/api/docs");
    stop.await;
    tracing::info!("stopping: active requests are finished first");
    let begun = Instant::now();
    // Readiness fails, long polls are answered, and sockets are closed.
    app.stop.cancel();
    let (is_done, _) = tokio::join!(api.close(begun + GRACE_PERIOD), scrapes.close(begun + GRACE_PERIOD));
    if !is_done {
        tracing::warn!("some requests did not end in time");
    }
    // The writer ends when the last reference to the control plane is dropped, and the router holds one.
    drop(api);
    if timeout_at(begun + DEADLINE, app.close()).await.is_ok() {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped, although some background tasks did not end in time");
    }
    drop(deliveries);
    Ok(())
}

/// TLS for the listener of client certificates; `None` if the server accepts no client certificates. The server
/// presents the operator's certificate or, without one, a certificate that the authority issues.
fn mutual_tls(
    settings: &ServeSettings,
    app: &App,
    certificate: Option<&Arc<ServerCertificate>>,
) -> Result<Option<Tls>> {
    let Some(authority) = &app.authority else { return Ok(None) };
    let clock = app.clock.clone();
    if let Some(certificate) = certificate {
        return Ok(Some(Tls::mutual(Arc::clone(certificate), authority, clock)?));
    }
    let names = issued_certificate::names(settings);
    let issued = IssuedCertificate::issue(Arc::clone(authority), names, clock.clone())?;
    app.tasks.spawn(app.stop.clone().run_until_cancelled_owned(Arc::clone(&issued).follow()));
    Ok(Some(Tls::mutual(issued, authority, clock)?))
}

/// Compacts recorded samples every [`UPKEEP`], because the recorder otherwise keeps each sample until the next scrape.
/// Also sets the gauges of open connections.
async fn keep_metrics(handle: PrometheusHandle, connections: Connections, total: usize) {
    let mut ticks = interval(UPKEEP);
    loop {
        ticks.tick().await;
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        {
            metrics::gauge!("mftplus_connections").set(connections.len() as f64);
            metrics::gauge!("mftplus_connections_limit").set(total as f64);
        }
        handle.run_upkeep();
    }
}

/// The maximum number of connections of the API: the limit of open files, raised as far as the machine allows, less
/// [`RESERVED_FILES`].
fn most_connections() -> usize {
    let files = rlimit::increase_nofile_limit(u64::MAX).or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "the limit of open files cannot be raised");
        rlimit::getrlimit(rlimit::Resource::NOFILE).map(|(soft, _)| soft)
    });
    let files = usize::try_from(files.unwrap_or(1024)).unwrap_or(usize::MAX);
    let total = files.saturating_sub(RESERVED_FILES).clamp(16, MAX_CONNECTIONS);
    if total < 512 {
        tracing::warn!(files, connections = total, "the limit of open files is low: raise it with `ulimit -n`");
    }
    total
}

/// The request extension with the address of the client. Tests and benchmarks that call the router directly must add
/// it.
pub type Peer = ConnectInfo<SocketAddr>;
