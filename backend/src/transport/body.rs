//! Reads request bodies in bounded time and within a common memory budget.

use std::{future::poll_fn, mem, sync::Arc, task::Poll, time::Duration};

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::error::{Error, Result};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The maximum number of bytes of a refused body that are received and discarded, so that the client reads its response
/// instead of failing to write.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;
/// The number of bytes of the budget for which one permit of a semaphore stands.
const PERMIT: usize = 1024;

const TOO_MANY: Error = Error::Unavailable("too many request bodies are being received: try again in a moment");

/// How fast a body must arrive.
#[derive(Clone, Copy, Debug)]
struct ArrivalRate {
    /// The maximum time for the whole body.
    timeout: Duration,
    /// The time in which the body may arrive at any rate.
    grace: Duration,
    /// The minimum number of bytes per second after that time.
    bytes_per_second: u32,
}

/// The rate at which every body must arrive.
const RATE: ArrivalRate =
    ArrivalRate { timeout: Duration::from_secs(30), grace: Duration::from_secs(10), bytes_per_second: 1024 };

impl ArrivalRate {
    /// The time after the start of a body at which its next chunk must have arrived, given the bytes so far.
    fn limit(self, received: usize) -> Duration {
        let earned = Duration::from_secs(received as u64 / u64::from(self.bytes_per_second.max(1)));
        self.timeout.min(self.grace + earned)
    }

    /// The error for a body that exceeded `limit`.
    fn error(self, limit: Duration) -> Error {
        Error::Invalid(if limit < self.timeout {
            format!("the body arrived at less than {} bytes a second", self.bytes_per_second)
        } else {
            format!("the body did not arrive within {} s", self.timeout.as_secs())
        })
    }
}

/// The memory budget of request bodies. A body counts until its request is answered. Clones share the budget.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    anonymous: Arc<Semaphore>,
    authenticated: Arc<Semaphore>,
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self::new(16 * MAX_BODY, 256 * MAX_BODY)
    }
}

impl BodyBudget {
    /// Creates a budget: `anonymous` bytes for all anonymous callers together, and `authenticated` bytes for all
    /// authenticated callers together.
    #[must_use]
    pub fn new(anonymous: usize, authenticated: usize) -> Self {
        let semaphore = |bytes: usize| Arc::new(Semaphore::new(bytes / PERMIT));
        Self { anonymous: semaphore(anonymous), authenticated: semaphore(authenticated) }
    }

    const fn of(&self, is_authenticated: bool) -> &Arc<Semaphore> {
        if is_authenticated { &self.authenticated } else { &self.anonymous }
    }
}

/// A body with its share of the budget.
#[derive(Debug)]
pub struct Received {
    /// The bytes of the body.
    pub bytes: Bytes,
    /// The permits of the budget, which are released when the request has been answered; `None` for an empty body.
    pub share: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most [`MAX_BODY`] bytes. A body that is too large or exceeds the budget is received and
/// discarded, so that the client reads its response.
///
/// # Errors
///
/// - [`Error::TooLarge`] if the body is larger than [`MAX_BODY`]
/// - [`Error::Invalid`] if the connection ends within the body or the body arrives too slowly
/// - [`Error::Unavailable`] if the budget of anonymous or authenticated callers is used up
pub async fn read_body(body: Body, budget: &BodyBudget, is_authenticated: bool) -> Result<Received> {
    read_at(RATE, body, budget, is_authenticated).await
}

async fn read_at(rate: ArrivalRate, body: Body, budget: &BodyBudget, is_authenticated: bool) -> Result<Received> {
    let mut incoming = Incoming::new(rate, body);
    let mut share = Share { budget: budget.of(is_authenticated), held: None };
    let Some(first) = incoming.next().await? else { return Ok(Received { bytes: Bytes::new(), share: None }) };
    let outcome = collect(first, &mut incoming, &mut share).await;
    if matches!(outcome, Err(Error::TooLarge | Error::Unavailable(_))) {
        // The received bytes are dropped by now. The rest is received so that the client reads its response.
        drop(share.held.take());
        incoming.discard().await;
    }
    Ok(Received { bytes: outcome?, share: share.held })
}

/// Receives and discards a body within the same time limits, so that the client reads its response.
pub async fn discard_body(body: Body) {
    if !body.is_end_stream() {
        Incoming::new(RATE, body).discard().await;
    }
}

async fn collect(first: Bytes, incoming: &mut Incoming, share: &mut Share<'_>) -> Result<Bytes> {
    share.grow(first.len())?;
    if first.len() > MAX_BODY {
        return Err(Error::TooLarge);
    }
    // A small body usually arrives in one piece, which is not copied.
    let Some(second) = incoming.next().await? else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    let mut piece = Some(second);
    while let Some(bytes) = piece {
        if whole.len() + bytes.len() > MAX_BODY {
            return Err(Error::TooLarge);
        }
        share.grow(bytes.len())?;
        whole.extend_from_slice(&bytes);
        piece = incoming.next().await?;
    }
    Ok(whole.freeze())
}

/// The permits that a body holds.
struct Share<'a> {
    budget: &'a Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Share<'_> {
    fn grow(&mut self, bytes: usize) -> Result<()> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT)).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(self.budget).try_acquire_many_owned(permits) else {
            metrics::counter!("mftplus_request_bodies_refused_total").increment(1);
            return Err(TOO_MANY);
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

/// A body that is being received, with its time limit.
struct Incoming {
    pieces: axum::body::BodyDataStream,
    rate: ArrivalRate,
    begun: Instant,
    received: usize,
}

impl Incoming {
    fn new(rate: ArrivalRate, body: Body) -> Self {
        Self { pieces: body.into_data_stream(), rate, begun: Instant::now(), received: 0 }
    }

    /// Waits for the next chunk; `None` at the end of the body.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.pieces.is_end_stream() {
            return Ok(None);
        }
        let piece = match self.arrived().await {
            Poll::Ready(piece) => piece,
            Poll::Pending => {
                let limit = self.rate.limit(self.received);
                let awaited = timeout_at(self.begun + limit, self.pieces.next()).await;
                awaited.map_err(|_| self.rate.error(limit))?
            }
        };
        match piece {
            None => Ok(None),
            Some(Ok(piece)) => {
                self.received += piece.len();
                Ok(Some(piece))
            }
            Some(Err(_)) => Err(Error::Invalid("the connection ended before the end of the body".to_owned())),
        }
    }

    /// Polls twice for the next chunk. A small body usually arrives with its headers, but the connection only hands it over
    /// after the first poll: so most bodies need no timer.
    async fn arrived(&mut self) -> Poll<Option<std::result::Result<Bytes, axum::Error>>> {
        let mut is_first = true;
        poll_fn(|cx| match self.pieces.poll_next_unpin(cx) {
            Poll::Pending if mem::take(&mut is_first) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            polled => Poll::Ready(polled),
        })
        .await
    }

    /// Receives and discards the rest of the body, up to [`MAX_DISCARDED`].
    async fn discard(&mut self) {
        while self.received <= MAX_DISCARDED && matches!(self.next().await, Ok(Some(_))) {}
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    /// A body whose first chunk arrives and whose rest never does.
    fn begun() -> Body {
        Body::from_stream(stream::iter([Ok::<_, Infallible>("{")]).chain(stream::pending()))
    }

    async fn read(rate: ArrivalRate, body: Body) -> Result<Bytes> {
        read_at(rate, body, &BodyBudget::default(), false).await.map(|received| received.bytes)
    }

    #[tokio::test]
    async fn a_body_that_stops_arriving_is_refused() {
        let rate = ArrivalRate { grace: Duration::ZERO, ..RATE };
        let outcome = read(rate, begun()).await.map_err(|error| error.to_string());
        assert_eq!(outcome, Err("the body arrived at less than 1024 bytes a second".to_owned()));
        let rate = ArrivalRate { timeout: Duration::ZERO, ..RATE };
        let outcome = read(rate, begun()).await.map_err(|error| error.to_string());
        assert_eq!(outcome, Err("the body did not arrive within 0 s".to_owned()));
    }

    #[test]
    fn received_bytes_extend_the_time_limit_up_to_a_maximum() {
        let limits = [0, 1023, 5 * 1024, 20 * 1024, MAX_BODY].map(|received| RATE.limit(received).as_secs());
        assert_eq!(limits, [10, 10, 15, 30, 30]);
    }

    #[tokio::test]
    async fn a_body_that_has_arrived_is_read_at_any_required_rate() {
        let rate = ArrivalRate { timeout: Duration::ZERO, grace: Duration::ZERO, bytes_per_second: 1 };
        let pieces = stream::iter(["{", "}"].map(Ok::<_, Infallible>));
        assert_eq!(read(rate, Body::from_stream(pieces)).await.expect("a body"), "{}");
        assert_eq!(read(rate, Body::empty()).await.expect("a body"), "");
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_received_and_discarded() {
        let budget = BodyBudget::new(2 * MAX_BODY, 0);
        let pieces = stream::iter(std::iter::repeat_n(vec![b' '; 65_536], 200).map(Ok::<_, Infallible>));
        let outcome = read_body(Body::from_stream(pieces), &budget, false).await;
        assert!(matches!(outcome, Err(Error::TooLarge)));
        assert_eq!(budget.anonymous.available_permits(), 2048);
    }

    #[tokio::test]
    async fn bodies_beyond_the_budget_of_their_callers_are_refused() {
        let budget = BodyBudget::new(MAX_BODY, MAX_BODY);
        let body = || Body::from(vec![b' '; 600 * 1024]);
        let first = read_body(body(), &budget, false).await.expect("a body");
        assert!(matches!(read_body(body(), &budget, false).await, Err(Error::Unavailable(_))));
        assert!(read_body(body(), &budget, true).await.is_ok(), "authenticated callers have a budget of their own");
        drop(first);
        assert!(read_body(body(), &budget, false).await.is_ok());
    }
}
