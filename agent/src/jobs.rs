//! Runs jobs: one run is one copy from the job's source to its destination.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::Value;
use uuid::Uuid;

use crate::directives::Act;
use crate::endpoints;
use crate::errand::{self, Done, ask};
use crate::errands::{Errand, Task};
use crate::paths::{Pair, text};
use crate::plan::Plan;
use crate::progress::Display;
use crate::random::random_uuid;
use crate::session::Session;
use crate::state::{CopyOptions, Phase, TransferState, Verify};
use crate::store::{BeginError, Claim};
use crate::transfer::{Outcome, Untold, call_off, carry_out};
use crate::transport::ApiError;
use crate::turns::Place;
use crate::wire::{CreateTransfer, Directive, Job, PartOf, RunEnd, Status};

/// Why a run that was called off did not go on.
const CALLED_OFF: &str = "cancelled on the server";

/// `startJob`.
pub(crate) fn start(session: &Arc<Session>, directive: &Directive) -> anyhow::Result<Act> {
    let job = directive.payload.get("job").context("no `job`")?;
    let job: Job = serde_json::from_value(job.clone()).context("`job` is not a job")?;
    errand::accept(
        session,
        Errand {
            directive: directive.id,
            task: Task::Job { job, run: None },
            transfer_key: random_uuid(),
            is_cancelled: false,
            answers: Vec::new(),
            end: None,
        },
    )
}

/// `cancelJobRun`.
pub(crate) fn cancel(session: &Session, directive: &Directive) -> anyhow::Result<Act> {
    let wanted = directive.payload.get("runId").and_then(Value::as_str).context("no `runId`")?;
    let wanted: Uuid = wanted.parse().context("`runId` is not an id")?;
    let is_meant = |errand: &Errand| matches!(&errand.task, Task::Job { run: Some(run), .. } if *run == wanted);
    let may_come = |errand: &Errand| matches!(&errand.task, Task::Job { run: None, .. });
    errand::cancel(session, directive.id, is_meant, may_come)
}

/// Does the work of a run; nothing, when the process ends before.
pub(crate) async fn run(
    session: &Arc<Session>,
    errand: &Errand,
    job: &Job,
    run: Uuid,
    begun: Option<Claim>,
    place: Place,
) -> anyhow::Result<Option<Done>> {
    if job.protocol != "local" {
        return Ok(Some(failed(format!(
            "protocol {} is not supported by this agent yet; it copies between local paths only",
            job.protocol
        ))));
    }
    let pair = match &begun {
        Some(claim) => {
            Ok(Pair { source: claim.state.source.clone().into(), destination: claim.state.destination.clone().into() })
        }
        None => resolve(job).await?,
    };
    let pair = match pair {
        Ok(pair) => pair,
        Err(error) => return Ok(Some(failed(error.to_string()))),
    };
    let stop = session.errands.stop(&errand.key());
    tokio::select! {
        biased;
        () = stop.cancelled() => return called_off(session, begun).map(Some),
        () = session.stopping() => return Ok(None),
        () = place.turn(&pair.destination) => {}
    }
    let (claim, plan) = match begun {
        Some(mut claim) => {
            claim.state.options.max_rate = session.bounds.max_rate;
            (claim, None)
        }
        None => match prepare(session, errand, job, run, &pair).await? {
            Ok((claim, plan)) => (claim, Some(plan)),
            Err(done) => return Ok(Some(done)),
        },
    };
    let claim = match claim.state.phase {
        Phase::Creating => match create(session, claim).await? {
            None => return Ok(None),
            Some(Ok(claim)) => claim,
            Some(Err(done)) => return Ok(Some(done)),
        },
        Phase::Copying | Phase::Installing => claim,
        // An earlier process was killed between the two notes of how it ended.
        Phase::Reporting | Phase::Failed => return Ok(Some(as_reported(claim))),
    };
    let id = claim.state.id.context("the transfer has no id")?;
    let copying = carry_out(session, claim, plan, Display::Silent, &place);
    tokio::pin!(copying);
    let (outcome, untold) = tokio::select! {
        biased;
        ended = &mut copying => ended?,
        () = stop.cancelled() => {
            if let Some(control) = session.copies.get(id) {
                control.cancel(CALLED_OFF);
            }
            copying.await?
        }
    };
    let end = match outcome {
        Outcome::Stopped => return Ok(None),
        Outcome::Completed(copied) => end(Status::Completed, copied.bytes, None),
        Outcome::Failed(reason) => end(Status::Failed, untold.as_ref().map_or(0, Untold::bytes), Some(reason)),
        Outcome::Cancelled(reason) => end(Status::Cancelled, untold.as_ref().map_or(0, Untold::bytes), Some(reason)),
    };
    Ok(Some(Done { end, copy: untold }))
}

async fn resolve(job: &Job) -> anyhow::Result<Result<Pair, crate::paths::UsageError>> {
    let (source, destination) = (job.source.clone(), job.destination.clone());
    Ok(tokio::task::spawn_blocking(move || endpoints::resolve(&source, &destination)).await?)
}

/// Walks the source and makes the copy durable before the server hears of it.
async fn prepare(
    session: &Session,
    errand: &Errand,
    job: &Job,
    run: Uuid,
    pair: &Pair,
) -> anyhow::Result<Result<(Claim, Plan), Done>> {
    let source = pair.source.clone();
    let plan = match tokio::task::spawn_blocking(move || Plan::of(&source)).await? {
        Ok(plan) => plan,
        Err(error) => return Ok(Err(failed(error.to_string()))),
    };
    let begun = session.store.begin(TransferState {
        id: None,
        idempotency_key: errand.transfer_key,
        source: text(&pair.source)?,
        destination: text(&pair.destination)?,
        direction: job.direction,
        size: plan.total,
        attempt: 1,
        // What an earlier run wrote must not stop this one.
        options: CopyOptions { verify: Verify::Sha256, overwrite: true, max_rate: session.bounds.max_rate },
        part_of: PartOf { job_run_id: Some(run) },
        phase: Phase::Creating,
        copied: None,
        report: None,
    });
    match begun {
        Ok(claim) => Ok(Ok((claim, plan))),
        Err(BeginError::Io(error)) => Err(error).context("cannot use the state folder"),
        Err(error) => Ok(Err(failed(error.to_string()))),
    }
}

/// Makes the transfer known to the server; the same key never makes a second one.
async fn create(session: &Arc<Session>, mut claim: Claim) -> anyhow::Result<Option<Result<Claim, Done>>> {
    let state = claim.state.clone();
    let transfer = CreateTransfer {
        source_url: &state.source,
        destination_path: &state.destination,
        direction: state.direction,
        protocol: "local",
        size: state.size,
        part_of: &state.part_of,
    };
    let created = ask(session, || async {
        match session.api.create_transfer(state.idempotency_key, &transfer).await {
            // The same request of ours is still being worked on.
            Err(ApiError::Refused { status: 409, message }) => Err(ApiError::Broken { status: 409, message }),
            other => other,
        }
    });
    match created.await {
        None => Ok(None),
        Some(Ok(view)) => {
            claim.created(view.id, view.attempt).context("cannot remember the transfer")?;
            Ok(Some(Ok(claim)))
        }
        Some(Err(error)) => {
            claim.forget()?;
            Ok(Some(Err(failed(format!("the server does not take the transfer: {error}")))))
        }
    }
}

/// Ends a run that was called off before its copy went on.
fn called_off(session: &Arc<Session>, begun: Option<Claim>) -> anyhow::Result<Done> {
    let copy = match begun {
        Some(claim) => match claim.state.id {
            Some(id) => Some(call_off(session, claim, id)?),
            None => {
                claim.forget()?;
                None
            }
        },
        None => None,
    };
    Ok(Done { end: end(Status::Cancelled, 0, Some(CALLED_OFF.to_owned())), copy })
}

fn as_reported(claim: Claim) -> Done {
    let end = match &claim.state.report {
        Some(report) => end(report.status, report.bytes_transferred, report.error.clone()),
        None => end(Status::Failed, 0, Some("the copy failed".to_owned())),
    };
    Done { end, copy: Untold::left(claim) }
}

fn failed(reason: String) -> Done {
    Done { end: end(Status::Failed, 0, Some(reason)), copy: None }
}

fn end(status: Status, bytes_transferred: u64, error_message: Option<String>) -> RunEnd {
    RunEnd { status, bytes_transferred, error_message }
}
