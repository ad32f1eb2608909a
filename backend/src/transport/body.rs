//! Request bodies: read piece by piece, in bounded time, and together within a budget of memory.

use std::{sync::Arc, time::Duration};

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
/// The largest body that is received and thrown away, so that the client gets to read its answer.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;
/// Bytes per permit.
const PERMIT: usize = 1024;

const TOO_MANY: Error = Error::Unavailable("too many request bodies are being received: try again in a moment");

/// How fast a body has to arrive.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// How long all of it may take.
    patience: Duration,
    /// How long it may arrive at any rate.
    grace: Duration,
    /// Bytes that must arrive per second after that.
    rate: u32,
}

/// How fast every body has to arrive.
const PACE: Pace = Pace { patience: Duration::from_secs(30), grace: Duration::from_secs(10), rate: 1024 };

impl Pace {
    /// How long after its beginning a body of which so much has arrived must go on.
    fn limit(self, received: usize) -> Duration {
        let earned = Duration::from_secs(received as u64 / u64::from(self.rate.max(1)));
        self.patience.min(self.grace + earned)
    }

    fn problem(self, limit: Duration) -> Error {
        Error::Invalid(if limit < self.patience {
            format!("the body arrived at less than {} bytes a second", self.rate)
        } else {
            format!("the body did not arrive within {} s", self.patience.as_secs())
        })
    }
}

/// The memory that bodies may take until their requests are answered.
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
    /// A budget of so many bytes for all anonymous callers together, and for all authenticated ones.
    #[must_use]
    pub fn new(anonymous: usize, authenticated: usize) -> Self {
        let semaphore = |bytes: usize| Arc::new(Semaphore::new(bytes / PERMIT));
        Self { anonymous: semaphore(anonymous), authenticated: semaphore(authenticated) }
    }

    const fn of(&self, is_authenticated: bool) -> &Arc<Semaphore> {
        if is_authenticated { &self.authenticated } else { &self.anonymous }
    }
}

/// A body, with its share of the budget.
#[derive(Debug)]
pub struct Received {
    /// The bytes.
    pub bytes: Bytes,
    /// Given back when the request has been answered.
    pub share: Option<OwnedSemaphorePermit>,
}

/// Reads a body.
///
/// # Errors
///
/// - [`Error::TooLarge`] above [`MAX_BODY`]
/// - [`Error::Invalid`] if it breaks off or arrives too slowly
/// - [`Error::Unavailable`] if the bodies of such callers take too much memory already
pub async fn read_body(body: Body, budget: &BodyBudget, is_authenticated: bool) -> Result<Received> {
    read_at(PACE, body, budget, is_authenticated).await
}

async fn read_at(pace: Pace, body: Body, budget: &BodyBudget, is_authenticated: bool) -> Result<Received> {
    let mut incoming = Incoming::new(pace, body);
    let mut share = Share { budget: budget.of(is_authenticated), held: None };
    let Some(first) = incoming.next().await? else { return Ok(Received { bytes: Bytes::new(), share: None }) };
    let outcome = collect(first, &mut incoming, &mut share).await;
    if matches!(outcome, Err(Error::TooLarge | Error::Unavailable(_))) {
        // What was kept is dropped by now; the rest is received so that the client reads its answer.
        drop(share.held.take());
        incoming.discard().await;
    }
    Ok(Received { bytes: outcome?, share: share.held })
}

/// Receives a body and throws it away, within the bounds of a body that is read, so that the client reads its answer.
pub async fn discard_body(body: Body) {
    if !body.is_end_stream() {
        Incoming::new(PACE, body).discard().await;
    }
}

async fn collect(first: Bytes, incoming: &mut Incoming, share: &mut Share<'_>) -> Result<Bytes> {
    share.grow(first.len())?;
    if first.len() > MAX_BODY {
        return Err(Error::TooLarge);
    }
    // A small body comes in one piece, which then needs no copy.
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

/// What a body holds of the budget.
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

/// A body on its way, with the time that it has.
struct Incoming {
    pieces: axum::body::BodyDataStream,
    pace: Pace,
    begun: Instant,
    received: usize,
}

impl Incoming {
    fn new(pace: Pace, body: Body) -> Self {
        Self { pieces: body.into_data_stream(), pace, begun: Instant::now(), received: 0 }
    }

    /// The next piece, or nothing at the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let limit = self.pace.limit(self.received);
        match timeout_at(self.begun + limit, self.pieces.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(piece))) => {
                self.received += piece.len();
                Ok(Some(piece))
            }
            Ok(Some(Err(_))) => Err(Error::Invalid("the body broke off".to_owned())),
            Err(_) => Err(self.pace.problem(limit)),
        }
    }

    /// Receives the rest and throws it away.
    async fn discard(&mut self) {
        while self.received <= MAX_DISCARDED && matches!(self.next().await, Ok(Some(_))) {}
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    /// A body that has begun and never goes on.
    fn begun() -> Body {
        Body::from_stream(stream::iter([Ok::<_, Infallible>("{")]).chain(stream::pending()))
    }

    async fn read(pace: Pace, body: Body) -> Result<Bytes> {
        read_at(pace, body, &BodyBudget::default(), false).await.map(|received| received.bytes)
    }

    #[tokio::test]
    async fn a_body_that_does_not_go_on_is_given_up() {
        let pace = Pace { grace: Duration::ZERO, ..PACE };
        let outcome = read(pace, begun()).await.map_err(|error| error.to_string());
        assert_eq!(outcome, Err("the body arrived at less than 1024 bytes a second".to_owned()));
        let pace = Pace { patience: Duration::ZERO, ..PACE };
        let outcome = read(pace, begun()).await.map_err(|error| error.to_string());
        assert_eq!(outcome, Err("the body did not arrive within 0 s".to_owned()));
    }

    #[test]
    fn what_arrives_earns_time_but_not_without_end() {
        let limits = [0, 1023, 5 * 1024, 20 * 1024, MAX_BODY].map(|received| PACE.limit(received).as_secs());
        assert_eq!(limits, [10, 10, 15, 30, 30]);
    }

    #[tokio::test]
    async fn a_body_that_is_there_is_read_whatever_the_pace() {
        let pace = Pace { patience: Duration::ZERO, grace: Duration::ZERO, rate: 1 };
        let pieces = stream::iter(["{", "}"].map(Ok::<_, Infallible>));
        assert_eq!(read(pace, Body::from_stream(pieces)).await.expect("a body"), "{}");
        assert_eq!(read(pace, Body::empty()).await.expect("a body"), "");
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_received_but_not_kept() {
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
