//! The whole life of one transfer in this process: copy, put in place, write down the end, tell the server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::command::progress::Display;
use crate::server::reporter::ReportReply;
use crate::server::wire::Status;
use crate::session::Session;
use crate::storage::allowed_roots::FileAccess;
use crate::storage::paths::text;
use crate::transfer::control::Control;
use crate::transfer::copy::{CopyError, at, copy};
use crate::transfer::part;
use crate::transfer::plan::{Plan, PlanError};
use crate::transfer::publish::{check_all, install, is_installed};
use crate::transfer::state::{Copied, FinalReport, Phase, TransferState, Verify};
use crate::transfer::store::Claim;
use crate::work::queue::Place;

/// How a transfer ended here.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The copy is in place.
    Completed(Copied),
    /// It is not, for this reason.
    Failed(String),
    /// It was called off, for this reason.
    Cancelled(String),
    /// It stopped half-way and can be continued.
    Stopped,
}

/// A transfer that has ended, and the server's answer to come.
pub(crate) struct Ended {
    /// How.
    pub(crate) outcome: Outcome,
    /// What the server says to that; none when there is nothing to tell.
    pub(crate) reply: Option<JoinHandle<Option<ReportReply>>>,
}

/// A transfer that has ended, and of which the server has not heard.
pub(crate) struct Untold {
    claim: Claim,
    id: Uuid,
    report: FinalReport,
    directives: Vec<Uuid>,
}

/// Copies what `claim` describes and tells the server all about it.
pub(crate) async fn run_transfer(
    session: &Arc<Session>,
    claim: Claim,
    plan: Option<Plan>,
    display: Display,
) -> io::Result<Ended> {
    let place = session.turns.enlist();
    let (outcome, untold) = carry_out(session, claim, plan, display, &place).await?;
    Ok(Ended { outcome, reply: untold.map(|untold| untold.tell(session)) })
}

/// Copies what `claim` describes when it is the turn of `place`, and writes down how that ended.
pub(crate) async fn carry_out(
    session: &Arc<Session>,
    claim: Claim,
    plan: Option<Plan>,
    mut display: Display,
    place: &Place,
) -> io::Result<(Outcome, Option<Untold>)> {
    let state = &claim.state;
    let id = state.id.ok_or(io::Error::other("the server does not know this transfer yet"))?;
    let total = plan.as_ref().map_or(state.size, |plan| plan.total);
    let control = Arc::new(Control::new(id, state.attempt, total, state.options.verify == Verify::Sha256));
    session.copies.insert(control.clone());
    session.reporter.track(control.clone());
    // Whoever asked before it was known here could not reach it.
    if session.is_stopping() {
        control.pause();
    }
    if matches!(display, Display::Silent) {
        tracing::info!(transfer.id = %id, source = %state.source, destination = %state.destination, "copying");
    }

    let destination = state.paths().destination;
    tokio::select! {
        () = place.turn(&destination) => {}
        () = control.stopped() => {}
    }
    let (worker, access) = (control.clone(), session.file_access(state.options.is_confined));
    let mut work = tokio::task::spawn_blocking(move || {
        let mut claim = claim;
        let copied = work(&mut claim, plan, &access, &worker);
        (claim, copied)
    });
    let (mut claim, copied) = loop {
        tokio::select! {
            finished = &mut work => break finished.map_err(io::Error::other)?,
            () = tokio::time::sleep(Duration::from_millis(200)) => display.show(&control),
        }
    };
    display.close();

    // What grows there belongs to another copy then.
    let is_in_use = matches!(copied, Err(CopyError::InUse(_)));
    let outcome = match copied {
        Ok(copied) => Outcome::Completed(copied),
        Err(CopyError::Stopped) => control.cancellation().map_or(Outcome::Stopped, Outcome::Cancelled),
        Err(error) => Outcome::Failed(error.to_string()),
    };
    if matches!(outcome, Outcome::Stopped) {
        session.reporter.untrack(id);
        session.copies.remove(id);
        return Ok((outcome, None));
    }
    if !is_in_use && !matches!(outcome, Outcome::Completed(_)) {
        discard(session, &claim.state);
    }
    let report = report(&outcome, &control);
    if let Err(error) = claim.ended(report.clone()) {
        tracing::error!(transfer.id = %id, %error, "cannot write down how the transfer ended; it is reported all the same");
    }
    session.copies.remove(id);
    let untold = Untold { claim, id, report, directives: control.take_directives() };
    Ok((outcome, Some(untold)))
}

impl Untold {
    /// What an earlier process had ended, if it has a report.
    pub(crate) fn left(claim: Claim) -> Option<Self> {
        let (id, report) = (claim.state.id?, claim.state.report.clone()?);
        Some(Self { claim, id, report, directives: Vec::new() })
    }

    /// Bytes at the destination when it ended.
    pub(crate) fn bytes(&self) -> u64 {
        self.report.bytes_transferred
    }

    /// Sends the final report until the server has answered, then forgets the transfer.
    pub(crate) fn tell(self, session: &Arc<Session>) -> JoinHandle<Option<ReportReply>> {
        tell(session, self.claim, self.id, self.report, self.directives)
    }
}

/// Ends a transfer on which nobody works any more, as called off.
pub(crate) fn call_off(session: &Arc<Session>, mut claim: Claim, id: Uuid) -> io::Result<Untold> {
    discard(session, &claim.state);
    let report = end_without_work(Status::Cancelled, None);
    claim.ended(report.clone())?;
    session.reporter.untrack(id);
    Ok(Untold { claim, id, report, directives: Vec::new() })
}

/// Sends the report that `claim` holds until the server has answered, then forgets the transfer.
pub(crate) fn tell(
    session: &Arc<Session>,
    claim: Claim,
    id: Uuid,
    report: FinalReport,
    directives: Vec<Uuid>,
) -> JoinHandle<Option<ReportReply>> {
    let answer = session.reporter.finish(id, report);
    let teller = session.clone();
    session.background(async move {
        let reply = answer.await.unwrap_or_else(|_| ReportReply::Rejected("another report took its place".into()));
        if let ReportReply::Rejected(message) = &reply {
            tracing::warn!(transfer.id = %id, "the server does not take the final report: {message}");
        }
        if let Err(error) = claim.settled() {
            tracing::warn!(transfer.id = %id, %error, "cannot remove what was remembered of the transfer");
        }
        for directive in directives {
            if let Err(error) = teller.api.acknowledge(directive).await {
                tracing::debug!(%error, "a directive is not acknowledged yet");
            }
        }
        reply
    })
}

/// Removes an incomplete copy that nobody will continue.
pub(crate) fn discard(session: &Session, state: &TransferState) {
    let access = session.file_access(state.options.is_confined);
    let paths = state.paths();
    // Copies of files do not grow as folders: that one is somebody else's.
    let is_of_a_file = || {
        let source = access.source(&paths.source).ok();
        source.and_then(|source| source.metadata().ok()).is_some_and(|there| there.is_file())
    };
    let removed = access.destination(&paths.destination).map_err(|error| error.to_string());
    let removed = removed.and_then(|path| {
        let part = path.part();
        let is_foreign = part.symlink_metadata().is_ok_and(|there| there.is_dir()) && is_of_a_file();
        if is_foreign || part::is_in_use(&part) { Ok(()) } else { part.remove().map_err(|error| error.to_string()) }
    });
    if let Err(error) = removed {
        tracing::warn!(error, "cannot remove {}; remove it by hand", text(&state.part()));
    }
}

/// The final report of a transfer, whichever attempt, on which this process did not work.
pub(crate) fn end_without_work(status: Status, error: Option<String>) -> FinalReport {
    FinalReport { status, bytes_transferred: 0, attempt: 0, checksum_sha256: None, error }
}

fn report(outcome: &Outcome, control: &Control) -> FinalReport {
    let (status, checksum_sha256, error) = match outcome {
        Outcome::Completed(copied) => (Status::Completed, copied.checksum.clone(), None),
        Outcome::Failed(reason) => (Status::Failed, None, Some(reason.clone())),
        Outcome::Cancelled(_) | Outcome::Stopped => (Status::Cancelled, None, None),
    };
    FinalReport { status, bytes_transferred: control.copied(), attempt: control.attempt(), checksum_sha256, error }
}

/// Everything that blocks.
fn work(claim: &mut Claim, plan: Option<Plan>, access: &FileAccess, control: &Control) -> Result<Copied, CopyError> {
    let paths = claim.state.paths();
    let options = claim.state.options;
    let target = access.destination(&paths.destination)?;
    let part = target.part();
    if let (Phase::Installing, Some(copied)) = (claim.state.phase, claim.state.copied.clone()) {
        let is_installed = is_installed(&part, &target);
        if is_installed || part.has_entry() {
            control.set_total(copied.bytes);
            control.add_resumed(copied.bytes);
            if !is_installed {
                install(&part, &target, options.overwrite)?;
            }
            return Ok(copied);
        }
    }
    if control.is_stopped() {
        return Err(CopyError::Stopped);
    }
    let plan = match plan {
        Some(plan) => plan,
        None => Plan::of(&access.source(&paths.source)?)?,
    };
    control.set_total(plan.total);
    paths.check().map_err(PlanError::Name)?;
    check_all(&plan, &target, options.overwrite)?;
    // Held until the copy has its final name.
    let reserved = part::reserve(&part, plan.is_folder)?;
    let copied = copy(&plan, (&part, &reserved), options, control)?;
    claim.state.phase = Phase::Installing;
    claim.state.copied = Some(copied.clone());
    claim.save().map_err(at("remember the copy to", &target))?;
    install(&part, &target, options.overwrite)?;
    Ok(copied)
}
