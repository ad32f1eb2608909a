//! Runs work items: records each in the journal, reports its start, carries it out, and reports its end.

use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context as _;
use mftplus_protocol::characters::printable;
use mftplus_protocol::wire::StepStatus;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use crate::server::http::ApiError;
use crate::server::wire::{RunEnd, Status, StepUpdate, StepView};
use crate::transfer::claimed_state_files::{Claim, Claimed};
use crate::transfer::report_batcher::ReportReply;
use crate::transfer::run_transfer::{UnreportedOutcome, cancel_idle};
use crate::work::agent::Agent;
use crate::work::journal::ItemState;
use crate::work::queue::Ticket;
use crate::work::work_item::{Task, WorkItem};

/// The reason that is reported for work that the server has cancelled.
pub(crate) const CANCELLED_ON_SERVER: &str = "cancelled on the server";

/// Decides when a directive is acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Acknowledgement {
    /// Acknowledge now: the directive is carried out.
    Done,
    /// Acknowledge when the work that the directive started has ended.
    InProgress,
    /// Do not acknowledge: the server will deliver the directive again.
    Deferred,
}

/// How a work item ended.
pub(crate) struct Outcome {
    /// The end of the item, which is reported to the server.
    pub(crate) end: RunEnd,
    /// The end of the item's transfer, which is reported before `end`; `None` if there is no transfer.
    pub(crate) copy: Option<UnreportedOutcome>,
}

impl Outcome {
    /// The outcome of an item without a transfer.
    pub(crate) fn of(status: Status, bytes_transferred: u64, error_message: Option<String>) -> Self {
        Self { end: RunEnd { status, bytes_transferred, error_message }, copy: None }
    }

    /// The outcome of an item that failed before any byte was written.
    pub(crate) fn failed(reason: String) -> Self {
        Self::of(Status::Failed, 0, Some(reason))
    }

    /// The outcome of an item whose transfer has ended in an earlier process, which was killed before it recorded the
    /// end of the item.
    pub(crate) fn as_recorded(claim: Claim) -> Self {
        let outcome = match &claim.state.report {
            Some(report) => {
                // The warning about a completed copy is reported for the transfer only.
                let error = report.error.clone().filter(|_| report.status != Status::Completed);
                Self::of(report.status, report.bytes_transferred, error)
            }
            None => Self::failed("the copy failed".to_owned()),
        };
        Self { copy: UnreportedOutcome::of_claim(claim), ..outcome }
    }
}

/// The execution of an item; `None` if the process ends first.
pub(crate) type Execution = Pin<Box<dyn Future<Output = anyhow::Result<Option<Outcome>>> + Send>>;

/// A function that carries out an item after its start was reported. The claim is that of the transfer which an earlier
/// process started for the item, if any.
pub(crate) type StepExecutor = fn(Arc<Agent>, WorkItem, Option<Claim>, Ticket) -> Execution;

/// Records a new work item in the journal and starts it. An item that the journal contains already is not started
/// again.
pub(crate) async fn accept(
    agent: &Arc<Agent>,
    item: WorkItem,
    execute: StepExecutor,
) -> anyhow::Result<Acknowledgement> {
    if agent.server.is_stopping() {
        return Ok(Acknowledgement::Deferred);
    }
    let (key, directive) = (item.key(), item.directive);
    match agent.journal.state_of(&key) {
        ItemState::Finished => return Ok(Acknowledgement::Done),
        ItemState::Open => {
            // The server may have requested the same item with another directive.
            if agent.journal.get(&key).is_some_and(|open| open.directive != directive) {
                agent.journal.acknowledge_at_end(&key, directive).await?;
            }
            return Ok(Acknowledgement::InProgress);
        }
        ItemState::New => {}
    }
    agent.journal.add(item).await.context("cannot record the work item, so it is not started")?;
    spawn(agent, key, execute).await;
    Ok(Acknowledgement::InProgress)
}

/// Cancels `items`. `directive` is acknowledged when the last of them has ended, or now if `items` is empty.
pub(crate) async fn cancel(agent: &Agent, directive: Uuid, items: &[WorkItem]) -> anyhow::Result<Acknowledgement> {
    let Some((last, earlier)) = items.split_last() else { return Ok(Acknowledgement::Done) };
    // An earlier attempt may still be running, so all of them are cancelled.
    for item in earlier {
        agent.journal.cancel(&item.key(), None).await?;
    }
    agent.journal.cancel(&last.key(), Some(directive)).await?;
    Ok(Acknowledgement::InProgress)
}

/// Puts the open item with this key in the work queue, and runs it in a new task.
pub(crate) async fn spawn(agent: &Arc<Agent>, key: String, execute: StepExecutor) {
    let ticket = agent.queue.enqueue();
    let Some(item) = agent.journal.get(&key) else { return };
    // Claim the transfer of an earlier process before another item can use its destination.
    let store = agent.transfers.store.clone();
    let begun = match agent.server.blocking(move || store.claim_begun(item.transfer_key)).await.flatten() {
        Ok(Claimed::Ours(claim)) => {
            ticket.wait_for(&claim.state.paths().destination);
            Ok(Some(*claim))
        }
        Ok(Claimed::Missing) => Ok(None),
        Ok(Claimed::Busy) => Err(
            "another process of this agent holds the transfer of this work item; wait until it has ended, or stop it"
                .to_owned(),
        ),
        Err(error) => Err(error.to_string()),
    };
    let working = agent.clone();
    agent.server.tasks.spawn(async move {
        let result = match begun {
            Ok(begun) => run(&working, &key, begun, ticket, execute).await,
            Err(error) => Err(anyhow::anyhow!(error)),
        };
        if let Err(error) = result {
            tracing::error!(
                item = key,
                "the work item cannot continue; the next start of the agent tries it again: {error:#}"
            );
        }
    });
}

async fn run(
    agent: &Arc<Agent>,
    key: &str,
    begun: Option<Claim>,
    ticket: Ticket,
    execute: StepExecutor,
) -> anyhow::Result<()> {
    let Some(item) = agent.journal.get(key) else { return Ok(()) };
    let (end, final_report) = if let Some(end) = item.end.clone() {
        // The item ended in an earlier process. The final report of its transfer may still be unsent.
        drop(ticket);
        (end, begun.and_then(UnreportedOutcome::of_claim).map(|copy| copy.send(&agent.transfers)))
    } else {
        match announce(agent, &item, &ticket).await? {
            None => return Ok(()),
            Some(Err(error)) => {
                tracing::warn!(item = key, "the server rejects the start of this work item: {error}");
                abandon(agent, begun).await?;
                agent.journal.acknowledge_at_end(key, item.directive).await?;
                return finish(agent, key).await;
            }
            Some(Ok(())) => {}
        }
        let Some(started) = agent.journal.get(key) else { return Ok(()) };
        let done = execute(agent.clone(), started, begun, ticket).await?;
        let Some(Outcome { end, copy }) = done else { return Ok(()) };
        // Recorded before the transfer is reported, so that the end is not lost if the process is killed.
        let recorded = end.clone();
        agent.journal.change(key, |item| item.end = Some(recorded)).await?;
        (end, copy.map(|copy| copy.send(&agent.transfers)))
    };
    if let Some(final_report) = final_report
        && !is_answered(final_report).await
    {
        return Ok(());
    }
    match report(agent, &item, key, &end).await {
        None => Ok(()),
        Some(answer) => {
            match answer {
                Ok(()) => tracing::info!(item = key, status = ?end.status, "the work item has ended"),
                Err(error) => tracing::warn!(item = key, "the server rejects the end of this work item: {error}"),
            }
            finish(agent, key).await
        }
    }
}

/// Cancels the transfer that an earlier process started for an item that the server has rejected.
async fn abandon(agent: &Arc<Agent>, begun: Option<Claim>) -> anyhow::Result<()> {
    if let Some(copy) = cancel_before_start(agent, begun).await?.copy {
        // The report is sent in a task of its own.
        drop(copy.send(&agent.transfers));
    }
    Ok(())
}

/// Ends an item that is cancelled or must not run, before its copy starts or resumes. If its copy has ended already,
/// the recorded outcome is returned.
pub(crate) async fn cancel_before_start(agent: &Arc<Agent>, begun: Option<Claim>) -> anyhow::Result<Outcome> {
    let copy = match begun {
        Some(claim) if claim.state.has_ended() => return Ok(Outcome::as_recorded(claim)),
        Some(claim) => {
            if let Some(id) = claim.state.id {
                Some(cancel_idle(&agent.transfers, claim, id).await?)
            } else {
                agent.server.blocking(move || claim.delete()).await??;
                None
            }
        }
        None => None,
    };
    Ok(Outcome { copy, ..Outcome::of(Status::Cancelled, 0, Some(CANCELLED_ON_SERVER.to_owned())) })
}

/// Whether the server has answered the final report of a transfer.
async fn is_answered(report: JoinHandle<Option<ReportReply>>) -> bool {
    matches!(report.await, Ok(Some(_)))
}

/// Reports the start of the item to the server; `None` if the process ends first. The inner error is the server's
/// rejection. While the server does not answer, later items in the queue may start first.
async fn announce(
    agent: &Arc<Agent>,
    item: &WorkItem,
    ticket: &Ticket,
) -> anyhow::Result<Option<Result<(), ApiError>>> {
    let noting_failure = |error: &ApiError| {
        // A rate limit ends soon, so the order of the queue is kept.
        if error.is_temporary() && !matches!(error, ApiError::Throttled { .. }) {
            ticket.let_others_pass();
        }
    };
    match &item.task {
        Task::Job { run: Some(_), .. } => Ok(Some(Ok(()))),
        Task::Job { job, run: None } => {
            let request =
                || async { agent.server.api.start_job_run(job.id, item.directive).await.inspect_err(noting_failure) };
            let claimed = request_until_answered(agent, request).await;
            let Some(Ok(view)) = claimed else { return Ok(claimed.map(|refused| refused.map(|_| ()))) };
            let claimed = Task::Job { job: job.clone(), run: Some(view.id) };
            agent.journal.change(&item.key(), |item| item.task = claimed).await?;
            tracing::info!(job = printable(&job.name), job.id = %job.id, run.id = %view.id, "the job runs");
            Ok(Some(Ok(())))
        }
        Task::Step(step) => {
            let begins = StepUpdate {
                status: Status::Running,
                attempt: step.attempt,
                progress: None,
                bytes_transferred: None,
                error_message: None,
            };
            let request =
                || async { agent.server.api.update_step(step.path(), &begins).await.inspect_err(noting_failure) };
            let answer = request_until_answered(agent, request).await;
            let Some(Ok((view, directives))) = answer else { return Ok(answer.map(|refused| refused.map(|_| ()))) };
            agent.server.deliver(directives);
            if is_over(&view, step.attempt) {
                let message = format!("attempt {} is {}", view.attempt, printable(&view.status));
                return Ok(Some(Err(ApiError::Refused { status: 409, message })));
            }
            tracing::info!(run.id = %step.run, step = printable(&step.name), attempt = step.attempt, "the step runs");
            Ok(Some(Ok(())))
        }
    }
}

/// Whether this attempt of a step has ended on the server.
pub(crate) fn is_over(view: &StepView, attempt: u32) -> bool {
    view.attempt > attempt || !StepStatus::from_name(&view.status).is_some_and(StepStatus::is_active)
}

/// Reports the end of the item to the server; `None` if the process ends first.
async fn report(agent: &Arc<Agent>, item: &WorkItem, key: &str, end: &RunEnd) -> Option<Result<(), ApiError>> {
    let task = agent.journal.get(key).map_or_else(|| item.task.clone(), |item| item.task);
    match task {
        Task::Job { job, run: Some(run) } => {
            request_until_answered(agent, || agent.server.api.end_job_run(job.id, run, end)).await
        }
        Task::Job { run: None, .. } => Some(Ok(())),
        Task::Step(step) => {
            let ended = StepUpdate {
                status: end.status,
                attempt: step.attempt,
                progress: (end.status == Status::Completed).then_some(100.0),
                bytes_transferred: Some(end.bytes_transferred),
                error_message: end.error_message.clone(),
            };
            let answer = request_until_answered(agent, || agent.server.api.update_step(step.path(), &ended)).await?;
            Some(answer.map(|(_, directives)| agent.server.deliver(directives)))
        }
    }
}

/// Records that the item is finished, and acknowledges its directives.
async fn finish(agent: &Arc<Agent>, key: &str) -> anyhow::Result<()> {
    let finished = agent.journal.finish(key).await;
    let directives = finished.context("cannot record that the work item is finished")?;
    let acknowledging = async {
        for directive in directives {
            // Attempted once: if the server repeats the directive of a finished item, the directive is acknowledged
            // again.
            if let Err(error) = agent.server.api.acknowledge(directive).await {
                tracing::debug!(directive.id = %directive, %error, "not acknowledged yet");
            }
        }
    };
    tokio::select! {
        biased;
        () = acknowledging => {}
        () = agent.server.closed() => {}
    }
    Ok(())
}

/// Repeats a request until the server answers it, with success or a rejection; `None` if the process ends first or the
/// server refuses all further requests.
pub(crate) async fn request_until_answered<T, F>(
    agent: &Arc<Agent>,
    request: impl Fn() -> F,
) -> Option<Result<T, ApiError>>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let mut failures = 0;
    loop {
        let asked = async {
            let _permit = agent.requests.acquire(|| agent.server.api.rate_limit()).await;
            request().await
        };
        let error = tokio::select! {
            () = agent.server.closed() => return None,
            answer = asked => match answer {
                Err(error) if error.is_temporary() => error,
                Err(error) if error.is_fatal() => {
                    agent.server.halt(&error);
                    return None;
                }
                answer => return Some(answer),
            },
        };
        failures += 1;
        if failures == 1 {
            tracing::warn!("{error}; the request is repeated until the server answers");
        }
        let wait = error.retry_after().max(agent.server.timing.backoff.jittered(failures, fastrand::f64()));
        tokio::select! {
            () = agent.server.stopping() => return None,
            () = sleep(wait) => {}
        }
    }
}

/// Reads the id in the field `name` of a directive's payload.
pub(crate) fn id(payload: &Value, name: &str) -> anyhow::Result<Uuid> {
    let id = payload.get(name).and_then(Value::as_str).with_context(|| format!("the directive has no `{name}`"))?;
    id.parse().with_context(|| format!("the `{name}` of the directive must be a UUID"))
}
