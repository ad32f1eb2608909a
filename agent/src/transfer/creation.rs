//! Creates a transfer on the server: repeats the request until it is answered, with one idempotency key.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::random::random_u64;
use crate::server::backoff::{backoff, urgent_delay};
use crate::server::http::ApiError;
use crate::server::wire::CreateTransfer;
use crate::session::Session;
use crate::transfer::store::Claim;

/// Repeats the request until the server answers or `timeout` has passed; none if the process stops.
pub(crate) async fn create(
    session: &Arc<Session>,
    mut claim: Claim,
    timeout: Duration,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Claim>> {
    let deadline = Instant::now() + timeout;
    let mut failures = 0;
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Ok(None),
            asked = timeout_at(deadline, request(session, &claim)) => asked,
        };
        let error = match asked {
            Ok(Ok((id, attempt))) => {
                claim.record_creation(id, attempt).context("cannot remember the transfer")?;
                return Ok(Some(claim));
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        failures += 1;
        let server = session.server.api.server();
        match error {
            Some(error @ ApiError::Unauthorized { .. }) => {
                session.server.halt(&error);
                claim.delete()?;
                return Err(error.into());
            }
            // 409: the server still handles an earlier copy of this request.
            Some(error) if !error.is_temporary() && !matches!(error, ApiError::Refused { status: 409, .. }) => {
                claim.delete()?;
                return Err(anyhow::Error::new(error).context("the server does not take this transfer"));
            }
            Some(error) => {
                let wait = error.retry_after().max(backoff(session.server.timing.backoff, failures, random_u64()));
                if Instant::now() + wait < deadline {
                    eprintln!("{error}; trying again in {:.0} s", wait.as_secs_f64().ceil());
                    tokio::select! {
                        () = stop.cancelled() => return Ok(None),
                        () = sleep(wait) => continue,
                    }
                }
                return Err(anyhow::Error::new(error).context(format!(
                    "nothing was copied: start the server at {server} (or give the right --server), then give the same command again"
                )));
            }
            None => anyhow::bail!(
                "nothing was copied: {server} did not answer in time; give the same command again, it makes no second transfer"
            ),
        }
    }
}

async fn request(session: &Session, claim: &Claim) -> Result<(uuid::Uuid, u32), ApiError> {
    sleep(urgent_delay(session.server.api.rate_limit())).await;
    let state = &claim.state;
    let transfer = CreateTransfer {
        source_url: &state.source,
        destination_path: &state.destination,
        direction: state.direction,
        protocol: "local",
        size: state.size,
        part_of: &state.part_of,
    };
    let view = session.server.api.create_transfer(state.idempotency_key, &transfer).await?;
    Ok((view.id, view.attempt))
}
