//! The life of one errand: written down, announced to the server, done in its turn, and reported until the server knows.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use crate::random::random_u64;
use crate::server::backoff::{backoff, urgent_delay};
use crate::server::http::ApiError;
use crate::server::reporter::ReportReply;
use crate::server::wire::{RunEnd, Status, StepUpdate, StepView};
use crate::session::Session;
use crate::transfer::run::UnreportedOutcome;
use crate::transfer::store::{Claim, Claimed};
use crate::work::copy::called_off;
use crate::work::directives::Act;
use crate::work::job;
use crate::work::journal::Standing;
use crate::work::queue::Place;
use crate::work::step;
use crate::work::task::{Errand, Task};

/// How the work of an errand ended.
pub(crate) struct Done {
    /// As the server must hear it.
    pub(crate) end: RunEnd,
    /// Its copy, which the server must hear of first.
    pub(crate) copy: Option<UnreportedOutcome>,
}

impl Done {
    /// An end without a copy.
    pub(crate) fn of(status: Status, bytes_transferred: u64, error_message: Option<String>) -> Self {
        Self { end: RunEnd { status, bytes_transferred, error_message }, copy: None }
    }

    /// A failure of which nothing came.
    pub(crate) fn failed(reason: String) -> Self {
        Self::of(Status::Failed, 0, Some(reason))
    }
}

/// Takes on what a directive asks for, once.
pub(crate) fn accept(session: &Arc<Session>, errand: Errand) -> anyhow::Result<Act> {
    if session.is_stopping() {
        return Ok(Act::Later);
    }
    let (key, directive) = (errand.key(), errand.directive);
    match session.errands.standing(&key) {
        Standing::Over => return Ok(Act::Done),
        Standing::Open => {
            // The server may have sent it under another number since.
            if session.errands.get(&key).is_some_and(|open| open.directive != directive) {
                session.errands.answers(&key, directive)?;
            }
            return Ok(Act::UnderWay);
        }
        Standing::New => {}
    }
    session.errands.add(errand).context("cannot remember what is to be done, so it is not begun")?;
    begin(session, key);
    Ok(Act::UnderWay)
}

/// Calls off the errand that is meant; `may_come` says whether it may be one that the server has not named yet.
pub(crate) fn cancel(
    session: &Session,
    directive: Uuid,
    is_meant: impl Fn(&Errand) -> bool,
    may_come: impl Fn(&Errand) -> bool,
) -> anyhow::Result<Act> {
    // An earlier attempt may still be ending beside the last one, and what is acknowledged must be true of both.
    if let Some((last, earlier)) = session.errands.find_all(is_meant).split_last() {
        for errand in earlier {
            session.errands.cancel(&errand.key(), None)?;
        }
        session.errands.cancel(&last.key(), Some(directive))?;
        return Ok(Act::UnderWay);
    }
    Ok(if session.errands.find(may_come).is_some() { Act::Later } else { Act::Done })
}

/// Works on an open errand beside everything else.
pub(crate) fn begin(session: &Arc<Session>, key: String) {
    let place = session.turns.enlist();
    let Some(errand) = session.errands.get(&key) else { return };
    // What an earlier process began is claimed before anything else can come to its destination.
    let begun = match session.store.claim_begun(errand.transfer_key) {
        Ok(Claimed::Ours(claim)) => {
            place.wait_for(&claim.state.paths().destination);
            Ok(Some(*claim))
        }
        Ok(Claimed::Missing) => Ok(None),
        Ok(Claimed::Busy) => Err("another process works on its copy".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let working = session.clone();
    session.tasks.spawn(async move {
        let lived = match begun {
            Ok(begun) => live(&working, &key, begun, place).await,
            Err(error) => Err(anyhow::anyhow!(error)),
        };
        if let Err(error) = lived {
            tracing::error!(errand = key, "cannot go on before the next start: {error:#}");
        }
    });
}

async fn live(session: &Arc<Session>, key: &str, begun: Option<Claim>, place: Place) -> anyhow::Result<()> {
    let Some(errand) = session.errands.get(key) else { return Ok(()) };
    let (end, told) = if let Some(end) = errand.end.clone() {
        // An earlier process had ended it; what it left of its copy still has a final report to send.
        (end, begun.and_then(UnreportedOutcome::of_claim).map(|copy| copy.tell(session)))
    } else {
        match announce(session, &errand).await? {
            None => return Ok(()),
            Some(Err(error)) => {
                tracing::warn!(errand = key, "the server no longer wants this: {error}");
                give_up(session, begun)?;
                session.errands.answers(key, errand.directive)?;
                return finish(session, key).await;
            }
            Some(Ok(())) => {}
        }
        let done = match session.errands.get(key).map(|errand| (errand.task.clone(), errand)) {
            Some((Task::Job { job, run: Some(run) }, errand)) => {
                job::run(session, &errand, (job, run), begun, place).await?
            }
            Some((Task::Step(step), errand)) => step::run(session, &errand, step, begun, place).await?,
            _ => None,
        };
        let Some(Done { end, copy }) = done else { return Ok(()) };
        // Before the server hears of the copy, so that the next process cannot miss how it ended.
        session.errands.change(key, |errand| errand.end = Some(end.clone()))?;
        (end, copy.map(|copy| copy.tell(session)))
    };
    if let Some(told) = told
        && !is_answered(told).await
    {
        return Ok(());
    }
    match report(session, &errand, key, &end).await {
        None => Ok(()),
        Some(answer) => {
            match answer {
                Ok(()) => tracing::info!(errand = key, status = ?end.status, "ended"),
                Err(error) => tracing::warn!(errand = key, "the server does not take how it ended: {error}"),
            }
            finish(session, key).await
        }
    }
}

/// Ends what an earlier process had begun of an errand that is not wanted any more.
fn give_up(session: &Arc<Session>, begun: Option<Claim>) -> anyhow::Result<()> {
    let copy = match begun {
        Some(claim) if claim.state.report.is_some() => UnreportedOutcome::of_claim(claim),
        begun => called_off(session, begun)?.copy,
    };
    if let Some(copy) = copy {
        // Its report is sent until the server has heard it, whoever waits for that.
        drop(copy.tell(session));
    }
    Ok(())
}

/// Whether the server has said anything to the final report of a copy.
async fn is_answered(told: JoinHandle<Option<ReportReply>>) -> bool {
    matches!(told.await, Ok(Some(_)))
}

/// Says that the errand begins; an error is the server's no.
async fn announce(session: &Arc<Session>, errand: &Errand) -> anyhow::Result<Option<Result<(), ApiError>>> {
    match &errand.task {
        Task::Job { run: Some(_), .. } => Ok(Some(Ok(()))),
        Task::Job { job, run: None } => {
            let claimed = ask(session, || session.api.start_job_run(job.id, errand.directive)).await;
            let Some(Ok(view)) = claimed else { return Ok(claimed.map(|refused| refused.map(|_| ()))) };
            let claimed = Task::Job { job: job.clone(), run: Some(view.id) };
            session.errands.change(&errand.key(), |errand| errand.task = claimed)?;
            tracing::info!(job = %job.name, job.id = %job.id, run.id = %view.id, "the job runs");
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
            let told = ask(session, || session.api.update_step(step.path(), &begins)).await;
            let Some(Ok((view, directives))) = told else { return Ok(told.map(|refused| refused.map(|_| ()))) };
            session.deliver(directives);
            if is_over(&view, step.attempt) {
                let message = format!("attempt {} is {}", view.attempt, view.status);
                return Ok(Some(Err(ApiError::Refused { status: 409, message })));
            }
            tracing::info!(run.id = %step.run, step = step.name, attempt = step.attempt, "the step runs");
            Ok(Some(Ok(())))
        }
    }
}

/// Whether the server has done with this attempt of a step.
pub(crate) fn is_over(view: &StepView, attempt: u32) -> bool {
    view.attempt > attempt || !matches!(view.status.as_str(), "queued" | "running")
}

/// Says how the errand ended.
async fn report(session: &Arc<Session>, errand: &Errand, key: &str, end: &RunEnd) -> Option<Result<(), ApiError>> {
    let task = session.errands.get(key).map_or_else(|| errand.task.clone(), |errand| errand.task);
    match task {
        Task::Job { job, run: Some(run) } => ask(session, || session.api.end_job_run(job.id, run, end)).await,
        Task::Job { run: None, .. } => Some(Ok(())),
        Task::Step(step) => {
            let ended = StepUpdate {
                status: end.status,
                attempt: step.attempt,
                progress: (end.status == Status::Completed).then_some(100.0),
                bytes_transferred: Some(end.bytes_transferred),
                error_message: end.error_message.clone(),
            };
            let told = ask(session, || session.api.update_step(step.path(), &ended)).await?;
            Some(told.map(|(_, directives)| session.deliver(directives)))
        }
    }
}

/// Acknowledges what the errand's end answers, and remembers that it is over.
async fn finish(session: &Arc<Session>, key: &str) -> anyhow::Result<()> {
    let answers = session.errands.get(key).map(|errand| errand.answers).unwrap_or_default();
    session.errands.close(key).context("cannot remember that it is over")?;
    for directive in answers {
        // Once is enough: what is over is acknowledged again when the server repeats itself.
        if let Err(error) = session.api.acknowledge(directive).await {
            tracing::debug!(directive.id = %directive, %error, "not acknowledged yet");
        }
    }
    Ok(())
}

/// Asks the server until it answers; nothing, when the process ends first.
pub(crate) async fn ask<T, F>(session: &Arc<Session>, request: impl Fn() -> F) -> Option<Result<T, ApiError>>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let mut failures = 0;
    loop {
        let asked = async {
            let _line = session.line.lock().await;
            sleep(urgent_delay(session.api.rate_limit())).await;
            request().await
        };
        let error = tokio::select! {
            () = session.closed() => return None,
            answer = asked => match answer {
                Err(error) if error.is_temporary() => error,
                Err(error) if error.is_fatal() => {
                    session.halt(&error);
                    return None;
                }
                answer => return Some(answer),
            },
        };
        failures += 1;
        if failures == 1 {
            tracing::warn!("{error}; asking again until the server answers");
        }
        let wait = error.retry_after().max(backoff(session.timing.backoff, failures, random_u64()));
        tokio::select! {
            () = session.stopping() => return None,
            () = sleep(wait) => {}
        }
    }
}
