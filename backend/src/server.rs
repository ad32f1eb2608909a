//! Listeners, and an orderly end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{Router, extract::ConnectInfo, routing::get};
use tokio::{net::TcpListener, time::timeout};

use crate::{
    app::{Ambient, App},
    config::ServeSettings,
    dashboard, engine, graphql, rest, scheduler, sweeper, telemetry,
};

/// How long requests at work may take to end when the server stops.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves until `stop` is done.
///
/// # Errors
///
/// A sentence saying which setting or which part failed.
pub async fn serve(settings: &ServeSettings, stop: impl Future<Output = ()> + Send) -> Result<()> {
    let metrics = telemetry::start_metrics();
    let listener = bind("MFTPLUS_LISTEN", settings.listen).await?;
    let metrics_listener = bind("MFTPLUS_METRICS_LISTEN", settings.metrics_listen).await?;
    let app = App::start(settings, Ambient::default()).await?;
    if let Some(password) = app.ensure_first_admin(settings).await? {
        // Once, and nowhere else: not in the log.
        println!("First administrator: {} with the password {password}", settings.admin_email);
        println!("Keep it: it is not shown again.");
    }
    app.tasks.spawn(sweeper::run(Arc::clone(&app.cp)));
    app.tasks.spawn(scheduler::run(Arc::clone(&app.cp)));
    app.tasks.spawn(engine::run(Arc::clone(&app.cp)));
    let cp = Arc::clone(&app.cp);
    app.tasks.spawn(async move { cp.watch_for_gaps().await });

    let render =
        move || async move { metrics.map(metrics_exporter_prometheus::PrometheusHandle::render).unwrap_or_default() };
    let metrics_router = Router::new().route("/metrics", get(render));
    let metrics_stop = app.stop.clone().cancelled_owned();
    app.tasks.spawn(async move {
        let server = axum::serve(metrics_listener, metrics_router).with_graceful_shutdown(metrics_stop);
        // Serving ends with the process at the latest.
        drop(server.await);
    });

    let address = listener.local_addr()?;
    let router = rest::router(app.api(settings)).merge(graphql::router(app.graphql(settings)));
    let router = match metrics {
        Some(handle) => router.layer(telemetry::request_metrics(handle)),
        None => router,
    };
    let router = match &settings.public_url {
        Some(url) => url.serve(dashboard::in_front_of(router, url.path())),
        None => dashboard::in_front_of(router, ""),
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let cancelled = app.stop.clone().cancelled_owned();
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // Answers are small and wait for nothing: they must not wait for more to send.
        drop(stream.set_nodelay(true));
    });
    #[expect(clippy::disallowed_methods, reason = "the tracker would wait for requests longer than `PATIENCE`")]
    let server = tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(cancelled).into_future());
    tracing::info!(%address, "serving");
    let url = format!("http://{address}");
    let public = settings.public_url.as_ref().map_or_else(|| url.clone(), ToString::to_string);
    println!("MFTPlus serves {url}, its reference is at {public}/api/docs");
    stop.await;
    tracing::info!("stopping: what is at work is finished first");
    // Health says so, long polls are answered, the listener closes.
    app.stop.cancel();
    if timeout(PATIENCE, server).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    app.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{setting}: cannot listen on {address}"))
}

/// The type of the address that handlers learn of their peer; named here for those who call the router themselves.
pub type Peer = ConnectInfo<SocketAddr>;
