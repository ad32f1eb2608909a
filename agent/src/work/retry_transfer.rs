//! New attempts of transfers, which the server orders with `retryTransfer`.

use std::sync::Arc;

use mftplus_protocol::wire::Protocol;
use uuid::Uuid;

use crate::agent::Agent;
use crate::server::wire::{PartOf, Status, TransferView};
use crate::storage::job_paths::local_path;
use crate::transfer::run::{CopyOutcome, EndedTransfer, report_without_copy, run_transfer, send_final_report};
use crate::transfer::state::{CopyOptions, FinalReport, Phase, TransferState};
use crate::transfer::store::{Claim, Claimed, TransferStore};
use crate::work::item_runner::Acknowledgement;

/// Starts the attempt `attempt` of a transfer.
pub(crate) async fn retry(agent: &Arc<Agent>, id: Uuid, attempt: u32) -> anyhow::Result<Acknowledgement> {
    if let Some(control) = agent.transfers.controls.get(id) {
        // It is running: this copy becomes the new attempt.
        control.raise_attempt(attempt);
        return Ok(Acknowledgement::Done);
    }
    let store = agent.transfers.store.clone();
    let known = match agent.server.blocking(move || store.claim(id)).await?? {
        Claimed::Busy => return Ok(Acknowledgement::Deferred),
        // It belongs to a work item that has not ended.
        Claimed::Ours(claim) if agent.journal.owns_transfer(claim.state.idempotency_key) => {
            return Ok(Acknowledgement::Deferred);
        }
        Claimed::Ours(claim) => Some(*claim),
        Claimed::Missing => None,
    };
    let view = match agent.server.api.begin_attempt(id, attempt).await {
        Ok(view) => view,
        Err(error) if error.is_temporary() => return Ok(Acknowledgement::Deferred),
        Err(error) => {
            tracing::warn!(transfer.id = %id, "the server rejects this retry: {error}");
            return Ok(Acknowledgement::Done);
        }
    };
    let refusal = unsupported(&view);
    let store = agent.transfers.store.clone();
    let stored = agent.server.blocking(move || store_attempt(&store, known, view, attempt)).await??;
    let Some(mut claim) = stored else { return Ok(Acknowledgement::Deferred) };
    if let Some(reason) = refusal {
        let report = FinalReport { attempt: claim.state.attempt, ..report_without_copy(Status::Failed, Some(reason)) };
        let recorded = report.clone();
        let recording = move || claim.record_end(recorded).map(|()| claim);
        let claim = agent.server.blocking(recording).await??;
        // The report is stored, so the directive is done: if it were acknowledged after the report, it could be received
        // once more between the two, and would start an attempt that the server did not request.
        send_final_report(&agent.transfers, claim, id, report, Vec::new());
    } else {
        start(agent, claim);
    }
    Ok(Acknowledgement::Done)
}

/// Runs a transfer in a task of its own, and logs how it ended.
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

/// Stores the new attempt before the directive is acknowledged. Blocking.
fn store_attempt(
    store: &TransferStore,
    known: Option<Claim>,
    view: TransferView,
    attempt: u32,
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
        stream: None,
    })
}

/// Why this agent cannot copy the transfer; `None` if it can.
fn unsupported(view: &TransferView) -> Option<String> {
    if view.protocol != Protocol::Local.as_str() {
        return Some(format!(
            "protocol {} is not supported by this agent yet; it copies between local paths only",
            view.protocol
        ));
    }
    [&view.source, &view.destination].into_iter().find_map(|path| local_path(path).err()).map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::unsupported;
    use crate::server::wire::TransferView;

    fn view(protocol: &str, source: &str) -> TransferView {
        let (source, destination, protocol) = (source.to_owned(), "/b".to_owned(), protocol.to_owned());
        TransferView { id: Uuid::new_v4(), source, destination, protocol, attempt: 2, direction: None }
    }

    #[test]
    fn only_absolute_local_paths_are_copied_again() {
        assert_eq!(unsupported(&view("local", "/a")), None);
        assert_eq!(unsupported(&view("local", "file:///a%0Ab")), None);
        assert!(unsupported(&view("local", "a")).is_some());
        let reason = unsupported(&view("sftp", "sftp://host/a"));
        assert!(reason.is_some_and(|reason| reason.starts_with("protocol sftp is not supported")));
    }
}
