//! The copy of a job run or transfer step.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context as _;
use mftplus_protocol::wire::Protocol;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::server::http::ApiError;
use crate::server::wire::{CopyRuleFields, Direction, PartOf, Status};
use crate::storage::allowed_roots::FileAccess;
use crate::storage::command_line_copy_paths::CopyPaths;
use crate::storage::job_paths;
use crate::storage::open::Connect;
use crate::storage::path_text::{from_text, text};
use crate::transfer::claimed_state_files::{BeginError, Claim};
use crate::transfer::copy_rules::CopyRules;
use crate::transfer::run_transfer::{CopyOutcome, UnreportedOutcome, carry_out};
use crate::transfer::source_entries::{Plan, PlanError};
use crate::transfer::state::{CopyOptions, Phase, StreamState, TransferState, Verify};
use crate::transfer::storage_copy::source_and_destination::Ends;
use crate::work::agent::Agent;
use crate::work::item_runner::{CANCELLED_ON_SERVER, Outcome, cancel_before_start, request_until_answered};
use crate::work::queue::Ticket;
use crate::work::work_item::WorkItem;

/// A copy that a job run or transfer step requests.
#[derive(Debug)]
pub(crate) struct CopyRequest {
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) protocol: String,
    pub(crate) direction: Direction,
    pub(crate) verify: Verify,
    pub(crate) rules: CopyRuleFields,
    pub(crate) part_of: PartOf,
    pub(crate) access: FileAccess,
}

/// Executes the copy when `ticket` is admitted; `None` if the process ends first. `begun` is the transfer that an
/// earlier process started for `item`. `watch` runs during the copy and gets the id of the transfer.
pub(crate) async fn copy(
    agent: &Arc<Agent>,
    item: &WorkItem,
    request: CopyRequest,
    begun: Option<Claim>,
    ticket: &Ticket,
    stop: &CancellationToken,
    watch: impl AsyncFnOnce(Uuid) -> Infallible,
) -> anyhow::Result<Option<Outcome>> {
    let (pair, stream) = match &begun {
        Some(Claim { state, .. }) => (state.paths(), None),
        None => match resolve_paths(agent, &request).await? {
            Ok(resolved) => resolved,
            Err(error) => return Ok(Some(Outcome::failed(error))),
        },
    };
    let is_new = begun.is_none();
    let admitted = async {
        if is_new {
            ticket.admitted_or_next_for(&pair.destination).await
        } else {
            ticket.admitted(&pair.destination).await;
            true
        }
    };
    // A new transfer that has to wait is created first, so that the server shows it as queued. Not while another one with
    // the same destination may come before: one of the two would be refused.
    let is_queued = tokio::select! {
        biased;
        () = stop.cancelled() => return cancel_before_start(agent, begun).await.map(Some),
        () = agent.server.stopping() => return Ok(None),
        is_admitted = admitted => !is_admitted,
    };
    let (claim, plan) = match begun {
        Some(mut claim) => {
            claim.state.options.max_rate = agent.transfers.bandwidth.per_copy();
            (claim, None)
        }
        None => match prepare(agent, item, &request, &pair, stream, is_queued).await? {
            Ok(prepared) => prepared,
            Err(done) => return Ok(Some(done)),
        },
    };
    let claim = match claim.state.phase {
        Phase::Creating => match create(agent, claim).await? {
            None => return Ok(None),
            Some(Ok(claim)) => claim,
            Some(Err(done)) => return Ok(Some(done)),
        },
        Phase::Copying | Phase::Publishing => claim,
        // An earlier process was killed after it recorded the end of the transfer, and before it recorded the end of
        // the item.
        Phase::Reporting | Phase::Failed => return Ok(Some(Outcome::as_recorded(claim))),
    };
    let id = claim.state.id.context("the transfer has no id")?;
    let copying = carry_out(&agent.transfers, claim, plan, None, ticket.admitted(&pair.destination));
    tokio::pin!(copying);
    let (outcome, unreported) = tokio::select! {
        biased;
        ended = &mut copying => ended?,
        () = stop.cancelled() => {
            if let Some(control) = agent.transfers.controls.get(id) {
                control.cancel(CANCELLED_ON_SERVER);
            }
            copying.await?
        }
        never = watch(id) => match never {},
    };
    let bytes = unreported.as_ref().map_or(0, UnreportedOutcome::bytes);
    let done = match outcome {
        CopyOutcome::Stopped => return Ok(None),
        CopyOutcome::Completed(copied) => Outcome::of(Status::Completed, copied.bytes, None),
        CopyOutcome::Failed(reason) => Outcome::of(Status::Failed, bytes, Some(reason)),
        CopyOutcome::Cancelled(reason) => Outcome::of(Status::Cancelled, bytes, Some(reason)),
    };
    Ok(Some(Outcome { copy: unreported, ..done }))
}

/// The paths of the copy, and its state if it goes through storages. The inner error is the reason why the copy fails.
async fn resolve_paths(
    agent: &Agent,
    request: &CopyRequest,
) -> anyhow::Result<Result<(CopyPaths, Option<StreamState>), String>> {
    match stream_of(request, agent.transfers.servers.as_ref()) {
        Err(error) => return Ok(Err(error)),
        Ok(None) => {}
        Ok(Some(stream)) => {
            let (source, destination) = (from_text(&request.source), from_text(&request.destination));
            return Ok(Ok((CopyPaths { source, destination }, Some(stream))));
        }
    }
    let (source, destination, access) = (request.source.clone(), request.destination.clone(), request.access.clone());
    let resolve = move || job_paths::resolve(&source, &destination, &access).map_err(|error| error.to_string());
    Ok(tokio::task::spawn_blocking(resolve).await?.map(|pair| (pair, None)))
}

/// The state of a copy through storages; `None` for a copy between local paths without rules. The error is the reason
/// why the copy fails.
fn stream_of(request: &CopyRequest, servers: &dyn Connect) -> Result<Option<StreamState>, String> {
    let fields = &request.rules;
    let rules = CopyRules::read(fields)?;
    let Some(protocol) = Protocol::from_name(&request.protocol) else {
        return Err(format!("protocol {} is not supported by this version of the agent", request.protocol));
    };
    let (source, destination) = (&request.source, &request.destination);
    let ends = Ends::read(source, destination, request.direction, Some(protocol), fields.endpoint.as_deref())
        .map_err(|error| error.to_string())?;
    if ends.are_local() && rules == CopyRules::default() {
        return Ok(None);
    }
    let protocol = ends.protocol(servers).map_err(|error| error.to_string())?;
    let (endpoint, credentials) = (fields.endpoint.clone(), fields.credentials.clone());
    Ok(Some(StreamState { endpoint, credentials, ..StreamState::new(protocol, rules) }))
}

/// Stores the state of the transfer before it is created on the server. Lists the source of a copy between local paths,
/// unless the copy is queued, because an earlier copy may still change the source.
async fn prepare(
    agent: &Agent,
    item: &WorkItem,
    request: &CopyRequest,
    pair: &CopyPaths,
    stream: Option<StreamState>,
    is_queued: bool,
) -> anyhow::Result<Result<(Claim, Option<Plan>), Outcome>> {
    let (source, access) = (pair.source.clone(), request.access.clone());
    let walk = move || Plan::of(&access.source(&source).map_err(PlanError::Access)?).map(Some);
    let listed = if stream.is_some() || is_queued { Ok(None) } else { tokio::task::spawn_blocking(walk).await? };
    let plan = match listed {
        Ok(plan) => plan,
        Err(error) => return Ok(Err(Outcome::failed(error.to_string()))),
    };
    let state = TransferState {
        id: None,
        idempotency_key: item.transfer_key,
        source: text(&pair.source),
        destination: text(&pair.destination),
        direction: request.direction,
        size: plan.as_ref().map_or(0, |plan| plan.total),
        attempt: 1,
        // The files of an earlier run are replaced.
        options: CopyOptions {
            verify: request.verify,
            overwrite: true,
            max_rate: agent.transfers.bandwidth.per_copy(),
            is_confined: true,
        },
        part_of: request.part_of.clone(),
        phase: Phase::Creating,
        copied: None,
        report: None,
        stream,
    };
    let store = agent.transfers.store.clone();
    match agent.server.blocking(move || store.begin(state)).await? {
        Ok(claim) => Ok(Ok((claim, plan))),
        Err(BeginError::Io(error)) => Err(error).context("cannot use the state folder"),
        Err(error) => Ok(Err(Outcome::failed(error.to_string()))),
    }
}

/// Creates the transfer on the server, which creates no second one for the same idempotency key. `None` if the process
/// ends first.
async fn create(agent: &Arc<Agent>, mut claim: Claim) -> anyhow::Result<Option<Result<Claim, Outcome>>> {
    let state = claim.state.clone();
    let transfer = state.creation();
    let created = request_until_answered(agent, || async {
        match agent.server.api.create_transfer(state.idempotency_key, &transfer).await {
            // The server still handles an earlier copy of this request.
            Err(ApiError::Refused { status: 409, message }) => Err(ApiError::BadResponse { status: 409, message }),
            other => other,
        }
    });
    match created.await {
        None => Ok(None),
        Some(Ok(view)) => {
            let recording = move || claim.record_creation(view.id, view.attempt).map(|()| claim);
            let recorded = agent.server.blocking(recording).await.flatten();
            Ok(Some(Ok(recorded.context("cannot record the transfer")?)))
        }
        Some(Err(error)) => {
            agent.server.blocking(move || claim.delete()).await??;
            Ok(Some(Err(Outcome::failed(format!("the server rejects the transfer: {error}")))))
        }
    }
}
