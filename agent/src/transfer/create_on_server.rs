//! Creates a transfer on the server. The request is repeated with the same idempotency key until the server answers it.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::server::context::ServerContext;
use crate::server::http::ApiError;
use crate::server::rate_limit_delays::urgent_delay;
use crate::transfer::claimed_state_files::Claim;

/// Creates the transfer of `claim` on the server and records its id. Temporary failures are retried until `timeout` has
/// passed. `None` if `stop` is cancelled first. If the server rejects the transfer, its state is deleted.
pub(crate) async fn create(
    server: &ServerContext,
    mut claim: Claim,
    timeout: Duration,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Claim>> {
    let deadline = Instant::now() + timeout;
    let mut failures = 0;
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Ok(None),
            asked = timeout_at(deadline, request(server, &claim)) => asked,
        };
        let error = match asked {
            Ok(Ok((id, attempt))) => {
                let recording = move || claim.record_creation(id, attempt).map(|()| claim);
                let recorded = server.blocking(recording).await.flatten();
                return recorded.context("cannot record the transfer").map(Some);
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        failures += 1;
        let address = server.api.server();
        match error {
            Some(error @ ApiError::Unauthorized { .. }) => {
                server.halt(&error);
                server.blocking(move || claim.delete()).await??;
                return Err(error.into());
            }
            // 409: the server still handles an earlier copy of this request.
            Some(error) if !error.is_temporary() && !matches!(error, ApiError::Refused { status: 409, .. }) => {
                server.blocking(move || claim.delete()).await??;
                return Err(anyhow::Error::new(error).context("the server rejects this transfer"));
            }
            Some(error) => {
                let wait = error.retry_after().max(server.timing.backoff.jittered(failures, fastrand::f64()));
                if Instant::now() + wait < deadline {
                    eprintln!("{error}; trying again in {:.0} s", wait.as_secs_f64().ceil());
                    tokio::select! {
                        () = stop.cancelled() => return Ok(None),
                        () = sleep(wait) => continue,
                    }
                }
                return Err(anyhow::Error::new(error).context(format!(
                    "nothing was copied; run the same command again when the server at {address} answers, or with the right --server"
                )));
            }
            None => anyhow::bail!(
                "nothing was copied: the server at {address} did not answer in time; run the same command again: it creates no second transfer"
            ),
        }
    }
}

async fn request(server: &ServerContext, claim: &Claim) -> Result<(uuid::Uuid, u32), ApiError> {
    sleep(urgent_delay(server.api.rate_limit())).await;
    let state = &claim.state;
    let view = server.api.create_transfer(state.idempotency_key, &state.creation()).await?;
    Ok((view.id, view.attempt))
}
