//! Executes queries and mutations, each within a time limit and on a thread of its own. Resolving a large response is
//! one long computation without a pause; on a thread of the runtime it would block every other task there.
//!
//! The number of threads is limited, and so is the number that one caller uses at once: an operation waits for a permit
//! of its caller before it waits for a thread. So at most two operations of one caller are ahead of the next operation
//! of another.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    thread::available_parallelism,
    time::Duration,
};

use async_graphql::{Response, ServerError};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    COMPLEXITY, Schema, Settings,
    bounded_response_json::{Payload, write},
    context::Caller,
    errors::{is_request_error, server_error},
    request::CheckedRequest,
};
use crate::{
    error::{Error, Result},
    transport::{CallerSemaphores, spawn_blocking},
};

/// The maximum duration of an operation, including the wait for other operations. Subscriptions have no time limit.
const OPERATION_TIME: Duration = Duration::from_secs(30);
/// The maximum number of operations of one caller that run at once.
const MAX_RUNNING_PER_CALLER: usize = 2;
/// The maximum number of operations of one caller that run or wait. Further ones are refused.
const MAX_PENDING_PER_CALLER: usize = 100;
/// The minimum number of threads.
const MIN_THREADS: usize = 8;
/// The maximum number of loads that an operation starts before it waits for them. Each belongs to a field, which costs
/// at least one point.
const MAX_LOADS: usize = COMPLEXITY;
/// The number of threads per processor. Most operations wait for the database.
const THREADS_PER_PROCESSOR: usize = 4;

const TOO_MANY_PENDING: Error =
    Error::Unavailable("100 operations of this caller are waiting: try again when some of them are answered");
const NOT_STARTED: Error = Error::Unavailable(
    "the operation waited 30 s for other operations of this caller and was not started: send fewer at once",
);
const NO_ROOM: Error = Error::Unavailable(
    "the answer was dropped, because too many large answers are not read yet: read them first; a mutation was carried \
     out",
);
const GIVEN_UP: Error = Error::Unavailable(
    "the operation was stopped after 30 s; a mutation may have been carried out: check before you repeat it",
);

/// Executes queries and mutations.
#[derive(Clone)]
pub(super) struct Executor {
    schema: Schema,
    settings: Settings,
    /// Threads for callers with a token.
    known: Arc<Semaphore>,
    /// Threads for callers without a token.
    anonymous: Arc<Semaphore>,
    /// A permit per running operation.
    running: CallerSemaphores,
    /// A permit per operation that runs or waits.
    pending: CallerSemaphores,
}

/// The outcome of an operation.
#[derive(Debug)]
pub(super) enum Executed {
    /// The operation was executed. The response is JSON.
    Answered(Bytes),
    /// The operation was not executed, or the response is too large.
    Refused(Vec<ServerError>),
}

impl Executor {
    pub(super) fn new(schema: Schema, settings: Settings) -> Self {
        let threads = available_parallelism().map_or(1, usize::from) * THREADS_PER_PROCESSOR;
        let threads = || Arc::new(Semaphore::new(threads.max(MIN_THREADS)));
        Self {
            schema,
            settings,
            known: threads(),
            anonymous: threads(),
            running: CallerSemaphores::new(MAX_RUNNING_PER_CALLER),
            pending: CallerSemaphores::new(MAX_PENDING_PER_CALLER),
        }
    }

    /// Executes a query or a mutation of this caller, over HTTP or on a socket. Two operations of a caller run at once;
    /// others wait in the order of their arrival, and the wait counts within the 30 s of an operation.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if too many operations of the caller wait already, or if the operation takes longer than
    /// 30 s, including the wait for room in the budget of large responses. During that wait no further operation of the
    /// caller starts.
    pub(super) async fn execute(&self, request: CheckedRequest, caller: &Caller) -> Result<Executed> {
        let (deadline, name) = (Instant::now() + OPERATION_TIME, caller.name());
        let _pending = self.pending.of(&name).try_acquire_owned().map_err(|_| TOO_MANY_PENDING)?;
        let running = self.running.of(&name).acquire_owned();
        let running = by(deadline, NOT_STARTED, async { running.await.map_err(Error::internal) }).await?;
        let (executed, _running) = by(deadline, GIVEN_UP, self.execute_on_thread(request, caller, running)).await?;
        match executed {
            Executed::Answered(answer) => {
                by(deadline, NO_ROOM, self.settings.responses.hold(answer, &name)).await.map(Executed::Answered)
            }
            refused @ Executed::Refused(_) => Ok(refused),
        }
    }

    async fn execute_on_thread(
        &self,
        request: CheckedRequest,
        caller: &Caller,
        running: OwnedSemaphorePermit,
    ) -> Result<(Executed, OwnedSemaphorePermit)> {
        let threads = if caller.actor.is_some() { &self.known } else { &self.anonymous };
        let thread = Arc::clone(threads).acquire_owned().await.map_err(Error::internal)?;
        let (loads, begun) = mpsc::channel(MAX_LOADS);
        let request =
            caller.prepare_with(request.into_request(), &self.settings.cp, move |load| drop(loads.try_send(load)));
        let (schema, max_response) = (self.schema.clone(), self.settings.max_response);
        // When the client disconnects or the time is up, this future is dropped, which cancels the work.
        let end = CancellationToken::new();
        let _guard = end.clone().drop_guard();
        let runtime = Handle::current();
        let work = spawn_blocking(move || {
            let work = with_loads(schema.execute(request), begun);
            let work = async { executed(&work.await, max_response) };
            let outcome = runtime.block_on(end.run_until_cancelled(work));
            // Cancelled work holds its thread until it has ended.
            drop(thread);
            outcome.map(|executed| (executed, running))
        });
        match work.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(Some(executed)) => Ok(executed),
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Ok(None) | Err(Err(_)) => Err(Error::Unavailable("the server is shutting down")),
        }
    }
}

/// Polls the loads of an operation only while the operation waits for them, so that everything it has requested by then
/// is loaded together.
async fn with_loads<T>(work: impl Future<Output = T>, mut begun: mpsc::Receiver<BoxFuture<'static, ()>>) -> T {
    let (mut work, mut loads) = (pin!(work), FuturesUnordered::new());
    poll_fn(move |context| {
        if let Poll::Ready(outcome) = work.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        while let Poll::Ready(Some(load)) = begun.poll_recv(context) {
            loads.push(load);
        }
        while let Poll::Ready(Some(())) = loads.poll_next_unpin(context) {}
        Poll::Pending
    })
    .await
}

async fn by<T>(deadline: Instant, late: Error, work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout_at(deadline, work).await.unwrap_or(Err(late))
}

fn executed(response: &Response, max_response: usize) -> Executed {
    if is_request_error(response) {
        return Executed::Refused(response.errors.clone());
    }
    let written = write(&Payload::from(response), max_response);
    written.map_or_else(|error| Executed::Refused(vec![server_error(&error)]), Executed::Answered)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn an_operation_that_does_not_end_is_given_up() {
        let outcome: Result<()> = by(Instant::now(), GIVEN_UP, pending()).await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))));
    }
}
