//! Runs one transfer: copies and publishes its files, records the end and reports it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mftplus_protocol::{backoff::Backoff, failure_code::FailureCode};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::server::wire::{Status, TransferDetails};
use crate::storage::allowed_roots::FileAccess;
use crate::storage::open::Connect;
use crate::storage::path_text::text;
use crate::transfer::claimed_state_files::Claim;
use crate::transfer::context::TransferContext;
use crate::transfer::control::Control;
use crate::transfer::error::{CopyError, at};
use crate::transfer::local_copy::copy;
use crate::transfer::part_lock;
use crate::transfer::publish::{check_all, is_published, is_verified, publish};
use crate::transfer::report_batcher::ReportReply;
use crate::transfer::source_entries::{Plan, PlanError};
use crate::transfer::state::{CopyResult, FinalReport, Phase, StreamState, Verify};
use crate::transfer::storage_copy::{self, source_and_destination::Opener};

/// Displays the progress of a copy; it is called repeatedly, and dropped when the copy ends.
pub(crate) type ShowProgress = Box<dyn FnMut(&Control) + Send>;

/// How a copy ended in this process.
#[derive(Debug)]
pub(crate) enum CopyOutcome {
    /// The copy is complete and published.
    Completed(CopyResult),
    /// The copy failed, for this reason.
    Failed(String),
    /// The copy was cancelled, for this reason.
    Cancelled(String),
    /// The copy was paused and can be resumed.
    Stopped,
}

/// A transfer that has ended, with the task that reports it.
pub(crate) struct EndedTransfer {
    pub(crate) outcome: CopyOutcome,
    /// The server's answer to the final report; `None` if there is nothing to report.
    pub(crate) reply: Option<JoinHandle<Option<ReportReply>>>,
}

/// A transfer that has ended and is not reported yet.
pub(crate) struct UnreportedOutcome {
    claim: Claim,
    id: Uuid,
    report: FinalReport,
    directives: Vec<Uuid>,
}

/// Runs the transfer of `claim` once `admitted` has completed, and reports its progress and end. `plan` is the listing
/// of a local source, if it was made already; `show` displays the progress.
pub(crate) async fn run_transfer(
    context: &Arc<TransferContext>,
    claim: Claim,
    plan: Option<Plan>,
    show: Option<ShowProgress>,
    admitted: impl Future<Output = ()>,
) -> io::Result<EndedTransfer> {
    let (outcome, unreported) = carry_out(context, claim, plan, show, admitted).await?;
    Ok(EndedTransfer { outcome, reply: unreported.map(|unreported| unreported.send(context)) })
}

/// Runs the transfer of `claim` once `admitted` has completed, reports its progress, and records its end. The caller
/// sends the final report; there is none if the copy was paused.
pub(crate) async fn carry_out(
    context: &Arc<TransferContext>,
    claim: Claim,
    plan: Option<Plan>,
    mut show: Option<ShowProgress>,
    admitted: impl Future<Output = ()>,
) -> io::Result<(CopyOutcome, Option<UnreportedOutcome>)> {
    let state = &claim.state;
    let id = state.id.ok_or(io::Error::other("the server does not know this transfer yet"))?;
    let total = plan.as_ref().map_or(state.size, |plan| plan.total);
    let control = Control::new(id, state.attempt, total, state.options.verify == Verify::Sha256);
    let control = Arc::new(control.sharing(context.bandwidth.clone()));
    if plan.is_none() && state.known_size().is_none() {
        control.await_plan();
    }
    context.controls.insert(control.clone());
    // A request to stop that came earlier did not reach this control.
    if context.server.is_stopping() {
        control.pause();
    }
    if show.is_none() {
        tracing::info!(transfer.id = %id, source = %state.source, destination = %state.destination, "copying");
    }

    tokio::select! {
        biased;
        // Before that, the transfer is queued on the server.
        () = admitted => context.reporter.track(control.clone()),
        () = control.stopped() => {}
    }
    let (worker, access) = (control.clone(), context.file_access(state.options.is_confined));
    let servers = context.servers.clone();
    let backoff = context.server.timing.backoff;
    let mut work = tokio::task::spawn_blocking(move || {
        let mut claim = claim;
        let copied = match claim.state.stream.clone() {
            Some(stream) => copy_stream(&mut claim, stream, &access, servers.as_ref(), backoff, &worker),
            None => copy_and_publish(&mut claim, plan, &access, &worker),
        };
        (claim, copied)
    });
    let (mut claim, copied) = loop {
        tokio::select! {
            finished = &mut work => break finished.map_err(io::Error::other)?,
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                if let Some(show) = &mut show {
                    show(&control);
                }
            }
        }
    };
    drop(show);

    // If so, the part file belongs to another copy.
    let is_in_use = matches!(copied, Err(CopyError::InUse(_)));
    // If so, a retry continues the part file, and a server could not remove it at the moment anyway.
    let is_unreachable = matches!(&copied, Err(error) if error.is_temporary());
    let code = copied.as_ref().err().map(CopyError::failure_code);
    let outcome = match copied {
        Ok(copied) => {
            if let Some(warning) = &copied.warning {
                tracing::warn!(transfer.id = %id, "the copy is complete with a warning: {warning}");
            }
            CopyOutcome::Completed(copied)
        }
        Err(CopyError::Stopped) => control.cancellation().map_or(CopyOutcome::Stopped, CopyOutcome::Cancelled),
        Err(error) => CopyOutcome::Failed(error.to_string()),
    };
    if matches!(outcome, CopyOutcome::Stopped) {
        context.reporter.untrack(id);
        context.controls.remove(id);
        return Ok((outcome, None));
    }
    let discards_part = !is_in_use && !is_unreachable && !matches!(outcome, CopyOutcome::Completed(_));
    let report = report(&outcome, code, &control);
    let (disk, recorded) = (context.clone(), report.clone());
    let recording = move || {
        if discards_part {
            discard_part(&disk, &claim);
        }
        let result = claim.record_end(recorded);
        (claim, result)
    };
    let (claim, recorded) = context.server.blocking(recording).await?;
    if let Err(error) = recorded {
        tracing::error!(transfer.id = %id, %error, "cannot record how the transfer ended; it is still reported");
    }
    context.controls.remove(id);
    let unreported = UnreportedOutcome { claim, id, report, directives: control.take_directives() };
    Ok((outcome, Some(unreported)))
}

impl UnreportedOutcome {
    /// The end of the transfer that an earlier process recorded; `None` if it did not record one.
    pub(crate) fn of_claim(claim: Claim) -> Option<Self> {
        let (id, report) = (claim.state.id?, claim.state.report.clone()?);
        Some(Self { claim, id, report, directives: Vec::new() })
    }

    /// The number of bytes at the destination.
    pub(crate) fn bytes(&self) -> u64 {
        self.report.bytes_transferred
    }

    /// Adds a directive that is acknowledged when the server has answered the final report.
    pub(crate) fn acknowledging(mut self, directive: Uuid) -> Self {
        self.directives.push(directive);
        self
    }

    /// Sends the final report until the server answers it, then updates the stored state. See [`send_final_report`].
    pub(crate) fn send(self, context: &Arc<TransferContext>) -> JoinHandle<Option<ReportReply>> {
        send_final_report(context, self.claim, self.id, self.report, self.directives)
    }
}

/// Cancels a transfer that no task runs: removes its part file, and records the end.
pub(crate) async fn cancel_idle(
    context: &Arc<TransferContext>,
    mut claim: Claim,
    id: Uuid,
) -> io::Result<UnreportedOutcome> {
    let report = report_without_copy(Status::Cancelled, None);
    let (disk, recorded) = (context.clone(), report.clone());
    let recording = move || {
        discard_part(&disk, &claim);
        claim.record_end(recorded).map(|()| claim)
    };
    let claim = context.server.blocking(recording).await??;
    context.reporter.untrack(id);
    Ok(UnreportedOutcome { claim, id, report, directives: Vec::new() })
}

/// Sends the final report until the server answers it, then deletes the state, or keeps it for a retry if the transfer
/// failed, and acknowledges the directives. The task returns `None` if the agent shuts down first.
pub(crate) fn send_final_report(
    context: &Arc<TransferContext>,
    claim: Claim,
    id: Uuid,
    report: FinalReport,
    directives: Vec<Uuid>,
) -> JoinHandle<Option<ReportReply>> {
    let answer = context.reporter.finish(id, report);
    let sender = context.clone();
    context.server.tasks.spawn(async move {
        let server = &sender.server;
        let reply = tokio::select! {
            biased;
            answer = answer => answer.unwrap_or_else(|_| ReportReply::Rejected("another report replaced it".into())),
            () = server.closed() => return None,
        };
        if let ReportReply::Rejected(message) = &reply {
            tracing::warn!(transfer.id = %id, "the server rejects the final report: {message}");
        }
        // This is done even if the agent shuts down, so that the next process does not report the transfer again.
        if let Err(error) = server.blocking(move || claim.record_reported()).await.flatten() {
            tracing::warn!(transfer.id = %id, %error, "cannot delete the state of the transfer");
        }
        let acknowledging = async {
            for directive in directives {
                if let Err(error) = server.api.acknowledge(directive).await {
                    tracing::debug!(%error, "a directive is not acknowledged yet");
                }
            }
        };
        tokio::select! {
            biased;
            () = acknowledging => {}
            () = server.closed() => {}
        }
        Some(reply)
    })
}

/// Removes the part file of a transfer that will not be resumed. Blocking.
fn discard_part(context: &TransferContext, claim: &Claim) {
    let state = &claim.state;
    let access = context.file_access(state.options.is_confined);
    if let Some(stream) = &state.stream {
        return discard_stream(claim, stream, &access, context.servers.as_ref());
    }
    let paths = state.paths();
    // If the source is a file, a folder at the path of the part file is not of this copy.
    let is_of_a_file = || {
        let source = access.source(&paths.source).ok();
        source.and_then(|source| source.metadata().ok()).is_some_and(|there| there.is_file())
    };
    let removed = access.destination(&paths.destination).map_err(|error| error.to_string());
    let removed = removed.and_then(|path| {
        let part = path.part();
        let is_foreign = part.symlink_metadata().is_ok_and(|there| there.is_dir()) && is_of_a_file();
        if is_foreign || part_lock::is_in_use(&part) {
            Ok(())
        } else {
            part.remove().map_err(|error| error.to_string())
        }
    });
    if let Err(error) = removed {
        tracing::warn!(error, "cannot remove {}; remove it by hand", text(&state.part()));
    }
}

/// Removes the staged files of a copy through storages. Blocking.
fn discard_stream(claim: &Claim, stream: &StreamState, access: &FileAccess, servers: &dyn Connect) {
    // The token of the transfer is cancelled, but its parts must still be removed.
    let opener = Opener::of(&claim.state, access, servers, CancellationToken::new());
    let discarded = opener
        .map_err(CopyError::from)
        .and_then(|opener| storage_copy::discard(claim, stream, &|end| opener.open(end)));
    if let Err(error) = discarded {
        let destination = &claim.state.destination;
        tracing::warn!(destination, %error, "the incomplete copy cannot be removed; remove *.mftplus-part there by hand");
    }
}

/// Copies and publishes files through storages. Blocking.
fn copy_stream(
    claim: &mut Claim,
    stream: StreamState,
    access: &FileAccess,
    servers: &dyn Connect,
    backoff: Backoff,
    control: &Control,
) -> Result<CopyResult, CopyError> {
    let opener = Opener::of(&claim.state, access, servers, control.stop_token())?;
    storage_copy::run(claim, stream, &|end| opener.open(end), backoff, control)
}

/// The final report of a transfer of which this process has copied nothing.
pub(crate) fn report_without_copy(status: Status, error: Option<String>) -> FinalReport {
    FinalReport { status, bytes_transferred: 0, attempt: 0, details: TransferDetails::default(), error }
}

fn report(outcome: &CopyOutcome, code: Option<FailureCode>, control: &Control) -> FinalReport {
    let mut report = FinalReport {
        status: Status::Cancelled,
        bytes_transferred: control.copied(),
        attempt: control.attempt(),
        details: TransferDetails::default(),
        error: None,
    };
    match outcome {
        CopyOutcome::Completed(copied) => {
            report.status = Status::Completed;
            report.error.clone_from(&copied.warning);
            report.details.checksum_sha256.clone_from(&copied.checksum);
        }
        CopyOutcome::Failed(reason) => {
            report.status = Status::Failed;
            report.error = Some(reason.clone());
            report.details.error_code = code.map(|code| code.as_str().to_owned());
        }
        CopyOutcome::Cancelled(_) | CopyOutcome::Stopped => {}
    }
    report
}

/// Copies and publishes files between local paths. Blocking.
fn copy_and_publish(
    claim: &mut Claim,
    plan: Option<Plan>,
    access: &FileAccess,
    control: &Control,
) -> Result<CopyResult, CopyError> {
    let paths = claim.state.paths();
    let options = claim.state.options;
    let target = access.destination(&paths.destination)?;
    let part = target.part();
    if let (Phase::Publishing, Some(copied)) = (claim.state.phase, claim.state.copied.clone()) {
        // Since the state was recorded, another copy may have written to the part or to the destination.
        let _lock = if cfg!(unix) { part_lock::lock_existing(&part)? } else { None };
        let is_published = is_published(&part, &target);
        let found = if is_published { &target } else { &part };
        if found.has_entry() && is_verified(found, &copied, control)? {
            control.set_total(copied.bytes);
            control.add_resumed(copied.bytes);
            if !is_published {
                publish(&part, &target, options.overwrite)?;
            }
            return Ok(copied);
        }
    }
    control.check_stopped()?;
    let plan = match plan {
        Some(plan) => plan,
        None => Plan::of(&access.source(&paths.source)?)?,
    };
    control.set_total(plan.total);
    paths.check().map_err(PlanError::Name)?;
    check_all(&plan, &target, options.overwrite)?;
    // The lock lasts until the copy is published.
    let reserved = part_lock::reserve(&part, plan.is_folder)?;
    let copied = copy(&plan, &part, &reserved, options, control)?;
    claim.state.phase = Phase::Publishing;
    claim.state.copied = Some(copied.clone());
    claim.save().map_err(at("record the copy to", &target))?;
    publish(&part, &target, options.overwrite)?;
    Ok(copied)
}
