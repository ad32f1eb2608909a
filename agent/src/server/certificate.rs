//! Obtains the client certificate of this agent, and renews it 30 days before it expires.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{sleep, timeout};

use crate::identity::certificate::{CertificateRequest, ClientCertificate};
use crate::server::api::Api;
use crate::server::context::ServerContext;

/// The time between two checks whether the certificate must be renewed.
const CHECK_INTERVAL: Duration = Duration::from_hours(1);
/// The minimum time between two requests for a certificate; doubled after each failure up to [`CHECK_INTERVAL`].
const RETRY_INTERVAL: Duration = Duration::from_mins(1);
/// The maximum time that the first check waits for a response of the server, from which it learns the server's time.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// Generates a private key, and requests a certificate for it from the server.
pub(crate) async fn obtain(api: &Api) -> anyhow::Result<ClientCertificate> {
    let request = CertificateRequest::generate(api.agent_id())?;
    let issued = api.issue_certificate(request.csr()).await.context("the server issued no client certificate")?;
    Ok(request.complete(issued.pem, issued.expires_at))
}

/// Renews the certificate before it expires, and when the server refuses it. Ends when the agent shuts down, or at once
/// if this agent needs no certificate.
pub(crate) async fn keep(server: Arc<ServerContext>, state_dir: PathBuf) {
    let route = server.api.route();
    if !route.wants_certificate() {
        return;
    }
    // Without a response, the clock of this machine is used.
    let _ = timeout(FIRST_ANSWER, route.plain().answered()).await;
    let (mut is_refused, mut retry) = (false, RETRY_INTERVAL);
    loop {
        match check(&server, &state_dir, is_refused).await {
            Ok(is_new) => {
                retry = RETRY_INTERVAL;
                if is_new {
                    sleep(RETRY_INTERVAL).await;
                }
            }
            Err(error) => {
                tracing::warn!("this agent gets no client certificate: {error:#}");
                sleep(retry).await;
                retry = (retry * 2).min(CHECK_INTERVAL);
                continue;
            }
        }
        is_refused = timeout(CHECK_INTERVAL, route.plain().certificate_refused()).await.is_ok();
    }
}

/// Renews the certificate if it is due or was refused, and presents the new one from then on. Returns whether the
/// certificate was renewed.
async fn check(server: &ServerContext, state_dir: &Path, is_refused: bool) -> anyhow::Result<bool> {
    let route = server.api.route();
    let now = route.now();
    match route.certificate() {
        Some(certificate) if !is_refused && !certificate.is_due(now) => {
            // An earlier check took the certificate for expired, because the clock was wrong.
            if !route.is_secured() {
                route.use_certificate(certificate)?;
            }
            Ok(false)
        }
        _ => {
            let certificate = obtain(&server.api).await?;
            let (stored, folder) = (certificate.clone(), state_dir.to_owned());
            server.blocking(move || stored.save(&folder)).await??;
            tracing::info!(expires = %certificate.expires_at(), "the server issued a client certificate");
            route.use_certificate(certificate)?;
            Ok(true)
        }
    }
}
