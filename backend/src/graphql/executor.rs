//! How queries and mutations are carried out: each within a time limit, and on a thread of its own. Resolving a large
//! answer is one long computation without a pause; on a thread of the runtime it would hold up every other task there.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::Arc,
    task::Poll,
    thread::available_parallelism,
    time::Duration,
};

use async_graphql::{Response, ServerError};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde::Serialize;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Schema, Settings,
    context::Caller,
    errors::{is_request_error, server_error},
    http::Payload,
    request::CheckedRequest,
};
use crate::error::{Error, Result};

/// How long an operation may take, the time it waits for its thread included. Subscriptions have no end.
const OPERATION_TIME: Duration = Duration::from_secs(30);
/// The fewest operations that are carried out at once.
const MIN_THREADS: usize = 8;
/// As many operations for each processor: most of them wait for the database.
const THREADS_PER_PROCESSOR: usize = 4;

/// Carries out queries and mutations.
#[derive(Clone)]
pub(super) struct Executor {
    schema: Schema,
    settings: Settings,
    /// Threads for callers with a token.
    known: Arc<Semaphore>,
    /// Threads for callers without one, who cannot use up those of the others.
    anonymous: Arc<Semaphore>,
}

/// What comes of an operation.
#[derive(Debug)]
pub(super) enum Executed {
    /// It was carried out: its result as JSON.
    Answered(Bytes),
    /// It was not, or its result is too large.
    Refused(Vec<ServerError>),
}

impl Executor {
    pub(super) fn new(schema: Schema, settings: Settings) -> Self {
        let threads = available_parallelism().map_or(1, usize::from) * THREADS_PER_PROCESSOR;
        let threads = || Arc::new(Semaphore::new(threads.max(MIN_THREADS)));
        Self { schema, settings, known: threads(), anonymous: threads() }
    }

    /// Carries out a query or a mutation of this caller.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it takes longer than 30 s.
    pub(super) async fn execute(&self, request: CheckedRequest, caller: &Caller) -> Result<Executed> {
        within(OPERATION_TIME, self.execute_on_thread(request, caller)).await
    }

    async fn execute_on_thread(&self, request: CheckedRequest, caller: &Caller) -> Result<Executed> {
        let threads = if caller.actor.is_some() { &self.known } else { &self.anonymous };
        let permit = Arc::clone(threads).acquire_owned().await.map_err(Error::internal)?;
        let (loads, begun) = mpsc::unbounded_channel();
        let request = caller.asks_with(request.into_request(), &self.settings.cp, move |load| drop(loads.send(load)));
        let (schema, max_response) = (self.schema.clone(), self.settings.max_response);
        // A caller who has gone, or whose time is up, drops this future and thereby ends the work.
        let end = CancellationToken::new();
        let _guard = end.clone().drop_guard();
        let (runtime, span) = (Handle::current(), tracing::Span::current());
        let work = spawn_blocking(move || {
            let work = with_loads(schema.execute(request), begun);
            let work = async { executed(&work.await, max_response) }.instrument(span);
            let outcome = runtime.block_on(end.run_until_cancelled(work));
            drop(permit);
            outcome
        });
        match work.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(Some(executed)) => Ok(executed),
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Ok(None) | Err(Err(_)) => Err(Error::Unavailable("the server is shutting down")),
        }
    }
}

/// Goes on with the work, and with the loads that it begins only while it waits for them: so all that it wants by then is
/// loaded together.
async fn with_loads<T>(work: impl Future<Output = T>, mut begun: mpsc::UnboundedReceiver<BoxFuture<'static, ()>>) -> T {
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

async fn within<T>(time: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = Error::Unavailable("the operation was given up after 30 s; a mutation may have been made");
    timeout(time, work).await.unwrap_or(Err(late))
}

fn executed(response: &Response, max_response: usize) -> Executed {
    if is_request_error(response) {
        return Executed::Refused(response.errors.clone());
    }
    let written = write(&Payload::from(response), max_response);
    written.map_or_else(|error| Executed::Refused(vec![server_error(&error)]), Executed::Answered)
}

/// Writes JSON of at most so many bytes.
///
/// # Errors
///
/// [`Error::ResponseTooLarge`] as soon as there are more.
pub(super) fn write(value: &impl Serialize, max: usize) -> Result<Bytes> {
    let mut bounded = Bounded { bytes: Vec::new(), max };
    match serde_json::to_writer(&mut bounded, value) {
        Ok(()) => Ok(bounded.bytes.into()),
        Err(error) if error.is_io() => Err(Error::ResponseTooLarge),
        Err(error) => Err(Error::internal(error)),
    }
}

/// A buffer that takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() > self.max - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn an_operation_that_does_not_end_is_given_up() {
        let outcome: Result<()> = within(Duration::ZERO, pending()).await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))));
    }

    #[test]
    fn json_is_written_up_to_the_limit() {
        assert_eq!(write(&["abc"], 7).expect("seven bytes"), r#"["abc"]"#);
        assert!(matches!(write(&["abc"], 6), Err(Error::ResponseTooLarge)));
    }
}
