//! Starts new attempts of transfers, which the server requests with the directive `retryTransfer`.

use std::sync::Arc;

use mftplus_protocol::wire::Protocol;
use uuid::Uuid;

use crate::server::wire::{PartOf, Status, TransferView};
use crate::storage::open::Connect;
use crate::transfer::claimed_state_files::{Claim, Claimed, TransferStore};
use crate::transfer::copy_rules::{CopyRules, OnExists};
use crate::transfer::run_transfer::{CopyOutcome, EndedTransfer, report_without_copy, run_transfer, send_final_report};
use crate::transfer::state::{CopyOptions, FinalReport, Phase, StreamState, TransferState};
use crate::transfer::storage_copy::source_and_destination::Ends;
use crate::work::agent::Agent;
use crate::work::item_runner::Acknowledgement;

/// Starts the attempt with the number `attempt` of a transfer. If the transfer is running, the running copy becomes
/// this attempt.
pub(crate) async fn retry(agent: &Arc<Agent>, id: Uuid, attempt: u32) -> anyhow::Result<Acknowledgement> {
    if let Some(control) = agent.transfers.controls.get(id) {
        // The transfer is running, so its copy becomes the new attempt.
        control.raise_attempt(attempt);
        return Ok(Acknowledgement::Done);
    }
    let store = agent.transfers.store.clone();
    let known = match agent.server.blocking(move || store.claim(id)).await?? {
        Claimed::Busy => return Ok(Acknowledgement::Deferred),
        // The transfer belongs to a work item that has not ended.
        Claimed::Ours(claim) if agent.journal.owns_transfer(claim.state.idempotency_key) => {
            return Ok(Acknowledgement::Deferred);
        }
        Claimed::Ours(claim) => Some(*claim),
        Claimed::Missing => None,
    };
    let view = match agent.server.api.name_attempt(id, attempt).await {
        Ok(view) if view.has_ended() => {
            tracing::info!(transfer.id = %id, attempt, "the transfer has ended meanwhile, so it is not retried");
            return Ok(Acknowledgement::Done);
        }
        Ok(view) => view,
        Err(error) if error.is_temporary() => return Ok(Acknowledgement::Deferred),
        Err(error) => {
            tracing::warn!(transfer.id = %id, "the server rejects this retry: {error}");
            return Ok(Acknowledgement::Done);
        }
    };
    let stream = match &known {
        Some(claim) => Ok(claim.state.stream.clone()),
        None => stream_of(&view, agent.transfers.servers.as_ref()),
    };
    let (stream, refusal) = match stream {
        Ok(stream) => (stream, None),
        Err(reason) => (None, Some(reason)),
    };
    let store = agent.transfers.store.clone();
    let stored = agent.server.blocking(move || store_attempt(&store, known, view, attempt, stream)).await??;
    let Some(mut claim) = stored else { return Ok(Acknowledgement::Deferred) };
    if let Some(reason) = refusal {
        let report = FinalReport { attempt: claim.state.attempt, ..report_without_copy(Status::Failed, Some(reason)) };
        let recorded = report.clone();
        let recording = move || claim.record_end(recorded).map(|()| claim);
        let claim = agent.server.blocking(recording).await??;
        // The report is stored, so the directive is acknowledged now. If it were acknowledged only after the report,
        // the agent could receive it again in between, and would start an attempt that the server did not request.
        send_final_report(&agent.transfers, claim, id, report, Vec::new());
    } else {
        start(agent, claim);
    }
    Ok(Acknowledgement::Done)
}

/// Runs a transfer in a new task when the work queue admits it, and logs how it ended.
pub(crate) fn start(agent: &Arc<Agent>, claim: Claim) {
    let running = agent.clone();
    agent.server.tasks.spawn(async move {
        let (id, destination) = (claim.state.id, claim.state.paths().destination);
        let ticket = running.queue.enqueue();
        match run_transfer(&running.transfers, claim, None, None, ticket.admitted(&destination)).await {
            Ok(EndedTransfer { outcome, .. }) => match outcome {
                CopyOutcome::Completed(copied) => {
                    tracing::info!(transfer.id = ?id, bytes = copied.bytes, "the transfer is completed");
                }
                CopyOutcome::Failed(reason) => tracing::warn!(transfer.id = ?id, "the transfer has failed: {reason}"),
                CopyOutcome::Cancelled(reason) => {
                    tracing::info!(transfer.id = ?id, "the transfer is cancelled: {reason}");
                }
                CopyOutcome::Stopped => {
                    tracing::info!(transfer.id = ?id, "the transfer is stopped and continues at the next start");
                }
            },
            Err(error) => tracing::error!(transfer.id = ?id, %error, "the transfer cannot run"),
        }
    });
}

/// Stores the new attempt, so that the directive can be acknowledged; `None` if another process has claimed the
/// transfer. Blocking.
fn store_attempt(
    store: &TransferStore,
    known: Option<Claim>,
    view: TransferView,
    attempt: u32,
    stream: Option<StreamState>,
) -> std::io::Result<Option<Claim>> {
    let attempt = view.attempt.max(attempt);
    if let Some(mut claim) = known {
        claim.state.attempt = attempt;
        claim.state.phase = Phase::Copying;
        claim.state.report = None;
        claim.save()?;
        return Ok(Some(claim));
    }
    store.adopt(TransferState {
        id: Some(view.id),
        idempotency_key: Uuid::new_v4(),
        source: view.source,
        destination: view.destination,
        direction: view.direction.unwrap_or_default(),
        size: 0,
        attempt,
        // The options of the first attempt are lost, so existing files are not replaced.
        options: CopyOptions { is_confined: true, ..CopyOptions::default() },
        part_of: PartOf::default(),
        phase: Phase::Copying,
        copied: None,
        report: None,
        stream,
    })
}

/// The state of a copy through storages for a transfer whose state is lost; `None` if source and destination are local.
/// The error says why this agent cannot copy it.
fn stream_of(view: &TransferView, servers: &dyn Connect) -> Result<Option<StreamState>, String> {
    let Some(protocol) = Protocol::from_name(&view.protocol) else {
        return Err(format!("protocol {} is not supported by this version of the agent", view.protocol));
    };
    let direction = view.direction.unwrap_or_default();
    let ends = Ends::read(&view.source, &view.destination, direction, Some(protocol), None)
        .map_err(|error| error.to_string())?;
    if ends.are_local() {
        return Ok(None);
    }
    let protocol = ends.protocol(servers).map_err(|error| error.to_string())?;
    // The copy rules are lost as well, so existing files are not replaced.
    Ok(Some(StreamState::new(protocol, CopyRules { on_exists: OnExists::Fail, ..CopyRules::default() })))
}

#[cfg(test)]
mod tests {
    use mftplus_protocol::wire::Protocol;
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    use super::stream_of;
    use crate::server::wire::TransferView;
    use crate::storage::error::{StorageError, StorageErrorKind};
    use crate::storage::location::RemoteLocation;
    use crate::storage::open::{Connect, Connected};

    /// No server is known.
    struct NoServers;

    impl Connect for NoServers {
        fn protocol(&self, location: &RemoteLocation) -> Result<Protocol, StorageError> {
            Err(StorageError::new(StorageErrorKind::Other, "connect to", location.host.as_str(), "unknown"))
        }

        fn connect(
            &self,
            location: &RemoteLocation,
            _credentials: Option<&str>,
            _stop: &CancellationToken,
        ) -> Result<Connected, StorageError> {
            Err(StorageError::new(StorageErrorKind::Other, "connect to", location.host.as_str(), "unknown"))
        }
    }

    fn view(protocol: &str, source: &str) -> TransferView {
        let (source, destination, protocol) = (source.to_owned(), "/b".to_owned(), protocol.to_owned());
        TransferView { id: Uuid::new_v4(), source, destination, protocol, attempt: 2, direction: None, status: None }
    }

    #[test]
    fn a_transfer_without_state_is_copied_again_only_if_its_ends_are_clear() {
        assert_eq!(stream_of(&view("local", "/a"), &NoServers), Ok(None));
        assert_eq!(stream_of(&view("local", "file:///a%0Ab"), &NoServers), Ok(None));
        for (protocol, source) in [("local", "a"), ("carrier-pigeon", "/a"), ("sftp", "/a"), ("sftp", "sftp://host/a")]
        {
            assert!(stream_of(&view(protocol, source), &NoServers).is_err(), "{protocol} {source}");
        }
    }
}
