//! The copy that a job's run or a transfer step consists of.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::command::progress::Display;
use crate::server::http::ApiError;
use crate::server::wire::{CreateTransfer, Direction, PartOf, Status};
use crate::session::Session;
use crate::storage::allowed_roots::FileAccess;
use crate::storage::paths::{CopyPaths, text};
use crate::storage::resolve;
use crate::transfer::plan::{Plan, PlanError};
use crate::transfer::run::{CopyOutcome, UnreportedOutcome, cancel_idle, carry_out};
use crate::transfer::state::{CopyOptions, Phase, TransferState, Verify};
use crate::transfer::store::{BeginError, Claim};
use crate::work::item::{Done, ask};
use crate::work::queue::Place;
use crate::work::task::Errand;

/// Why an errand that was called off did not go on.
pub(crate) const CALLED_OFF: &str = "cancelled on the server";

/// What to copy.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) protocol: String,
    pub(crate) direction: Direction,
    pub(crate) verify: Verify,
    pub(crate) part_of: PartOf,
    pub(crate) access: FileAccess,
}

/// Copies when it is its turn; nothing, when the process ends before. While bytes move, `watch` is given the transfer's id.
pub(crate) async fn copy(
    session: &Arc<Session>,
    errand: &Errand,
    order: Order,
    begun: Option<Claim>,
    place: &Place,
    stop: &CancellationToken,
    watch: impl AsyncFnOnce(Uuid) -> Infallible,
) -> anyhow::Result<Option<Done>> {
    if order.protocol != "local" {
        return Ok(Some(Done::failed(format!(
            "protocol {} is not supported by this agent yet; it copies between local paths only",
            order.protocol
        ))));
    }
    let pair = match &begun {
        Some(Claim { state, .. }) => state.paths(),
        None => match resolve(&order).await? {
            Ok(pair) => pair,
            Err(error) => return Ok(Some(Done::failed(error))),
        },
    };
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
        None => match prepare(session, errand, &order, &pair).await? {
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
        Phase::Copying | Phase::Publishing => claim,
        // An earlier process was killed between the two notes of how it ended.
        Phase::Reporting | Phase::Failed => return Ok(Some(as_reported(claim))),
    };
    let id = claim.state.id.context("the transfer has no id")?;
    let copying = carry_out(session, claim, plan, Display::Silent, place);
    tokio::pin!(copying);
    let (outcome, unreported) = tokio::select! {
        biased;
        ended = &mut copying => ended?,
        () = stop.cancelled() => {
            if let Some(control) = session.controls.get(id) {
                control.cancel(CALLED_OFF);
            }
            copying.await?
        }
        never = watch(id) => match never {},
    };
    let bytes = unreported.as_ref().map_or(0, UnreportedOutcome::bytes);
    let done = match outcome {
        CopyOutcome::Stopped => return Ok(None),
        CopyOutcome::Completed(copied) => Done::of(Status::Completed, copied.bytes, None),
        CopyOutcome::Failed(reason) => Done::of(Status::Failed, bytes, Some(reason)),
        CopyOutcome::Cancelled(reason) => Done::of(Status::Cancelled, bytes, Some(reason)),
    };
    Ok(Some(Done { copy: unreported, ..done }))
}

/// Ends a copy that was called off, or never may begin, before it went on.
pub(crate) fn called_off(session: &Arc<Session>, begun: Option<Claim>) -> anyhow::Result<Done> {
    let copy = match begun {
        Some(claim) => {
            if let Some(id) = claim.state.id {
                Some(cancel_idle(session, claim, id)?)
            } else {
                claim.delete()?;
                None
            }
        }
        None => None,
    };
    Ok(Done { copy, ..Done::of(Status::Cancelled, 0, Some(CALLED_OFF.to_owned())) })
}

async fn resolve(order: &Order) -> anyhow::Result<Result<CopyPaths, String>> {
    let (source, destination, access) = (order.source.clone(), order.destination.clone(), order.access.clone());
    let resolve = move || resolve::resolve(&source, &destination, &access).map_err(|error| error.to_string());
    Ok(tokio::task::spawn_blocking(resolve).await?)
}

/// Walks the source and makes the copy durable before the server hears of it.
async fn prepare(
    session: &Session,
    errand: &Errand,
    order: &Order,
    pair: &CopyPaths,
) -> anyhow::Result<Result<(Claim, Plan), Done>> {
    let (source, access) = (pair.source.clone(), order.access.clone());
    let walk = move || Plan::of(&access.source(&source).map_err(PlanError::AccessError)?);
    let plan = match tokio::task::spawn_blocking(walk).await? {
        Ok(plan) => plan,
        Err(error) => return Ok(Err(Done::failed(error.to_string()))),
    };
    let begun = session.store.begin(TransferState {
        id: None,
        idempotency_key: errand.transfer_key,
        source: text(&pair.source),
        destination: text(&pair.destination),
        direction: order.direction,
        size: plan.total,
        attempt: 1,
        // What an earlier run wrote must not stop this one.
        options: CopyOptions {
            verify: order.verify,
            overwrite: true,
            max_rate: session.bounds.max_rate,
            is_confined: true,
        },
        part_of: order.part_of.clone(),
        phase: Phase::Creating,
        copied: None,
        report: None,
    });
    match begun {
        Ok(claim) => Ok(Ok((claim, plan))),
        Err(BeginError::Io(error)) => Err(error).context("cannot use the state folder"),
        Err(error) => Ok(Err(Done::failed(error.to_string()))),
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
            Err(ApiError::Refused { status: 409, message }) => Err(ApiError::BadResponse { status: 409, message }),
            other => other,
        }
    });
    match created.await {
        None => Ok(None),
        Some(Ok(view)) => {
            claim.record_creation(view.id, view.attempt).context("cannot remember the transfer")?;
            Ok(Some(Ok(claim)))
        }
        Some(Err(error)) => {
            claim.delete()?;
            Ok(Some(Err(Done::failed(format!("the server does not take the transfer: {error}")))))
        }
    }
}

fn as_reported(claim: Claim) -> Done {
    let done = match &claim.state.report {
        Some(report) => Done::of(report.status, report.bytes_transferred, report.error.clone()),
        None => Done::failed("the copy failed".to_owned()),
    };
    Done { copy: UnreportedOutcome::of_claim(claim), ..done }
}
