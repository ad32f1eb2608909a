//! A budget for the memory of large responses. Each response counts until its last byte is written or dropped.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CallerSemaphores;
use crate::error::{Error, Result};

/// The maximum size of all large responses together, in bytes.
const BUDGET: usize = 128 * 1024 * 1024;
/// The number by which the budget is divided for the limit of one caller.
const CALLERS: usize = 4;
/// The number of bytes of the budget for which one permit of a semaphore stands.
const PERMIT: usize = 1024;
/// The size in bytes from which a response counts as large, and the size of the pieces in which a large body is
/// written.
const LARGE: usize = 64 * 1024;

/// The memory budget of large responses. Clones share the budget.
#[derive(Clone, Debug)]
pub struct ResponseBudget {
    bytes: Arc<Semaphore>,
    /// The number of permits for `bytes`.
    permits: usize,
    callers: CallerSemaphores,
}

impl Default for ResponseBudget {
    fn default() -> Self {
        Self::new(BUDGET)
    }
}

impl ResponseBudget {
    /// Creates a budget of this number of bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let permits = bytes / PERMIT;
        Self { bytes: Arc::new(Semaphore::new(permits)), permits, callers: CallerSemaphores::new(permits / CALLERS) }
    }

    /// Returns the number of free bytes of the budget.
    #[must_use]
    pub fn available(&self) -> usize {
        self.bytes.available_permits() * PERMIT
    }

    /// Waits until the budget has room for a response to the caller, and returns the same bytes. The response counts
    /// until the last reference to the returned bytes is dropped. A response below 64 KiB does not wait and does not
    /// count.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the semaphore is closed, which never happens.
    pub async fn hold(&self, answer: Bytes, caller: &str) -> Result<Bytes> {
        if answer.len() < LARGE {
            return Ok(answer);
        }
        // The permit of the caller's share comes first, so that a caller who does not read does not delay others.
        let own = reserve(self.callers.of(caller), answer.len(), self.permits / CALLERS).await?;
        let all = reserve(Arc::clone(&self.bytes), answer.len(), self.permits).await?;
        Ok(Bytes::from_owner(Held { answer, _permits: [own, all] }))
    }
}

/// Acquires permits for this many bytes, or all of them for a larger response.
async fn reserve(semaphore: Arc<Semaphore>, bytes: usize, all: usize) -> Result<OwnedSemaphorePermit> {
    let permits = u32::try_from(bytes.div_ceil(PERMIT).min(all)).unwrap_or(u32::MAX);
    semaphore.acquire_many_owned(permits).await.map_err(Error::internal)
}

/// A response with its permits.
struct Held {
    answer: Bytes,
    _permits: [OwnedSemaphorePermit; 2],
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

/// Builds the body of a response. A large body is written in pieces, because the HTTP implementation copies what it is
/// about to write.
pub fn response_body(answer: Bytes) -> Body {
    if answer.len() < LARGE { Body::from(answer) } else { Body::new(Pieces(answer)) }
}

/// The part of a body that was not passed on yet.
struct Pieces(Bytes);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let rest = &mut self.get_mut().0;
        let piece = rest.split_to(rest.len().min(LARGE));
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn large() -> Bytes {
        vec![b'x'; LARGE].into()
    }

    #[tokio::test]
    async fn a_response_counts_until_its_last_piece_is_dropped() {
        let budget = ResponseBudget::new(8 * LARGE);
        let answer = budget.hold(large(), "a").await.expect("room");
        assert_eq!((answer.len(), budget.available()), (LARGE, 7 * LARGE));
        let piece = answer.slice(1..2);
        drop(answer);
        assert_eq!(budget.available(), 7 * LARGE);
        drop(piece);
        assert_eq!(budget.available(), 8 * LARGE);
    }

    #[tokio::test]
    async fn a_caller_who_does_not_read_delays_no_other_caller() {
        let budget = ResponseBudget::new(8 * LARGE);
        let first = budget.hold(large(), "a").await.expect("room");
        let _second = budget.hold(large(), "a").await.expect("room");
        assert!(budget.hold(large(), "a").now_or_never().is_none(), "it waits");
        assert!(budget.hold(Bytes::from_static(b"small"), "a").now_or_never().is_some());
        assert!(budget.hold(large(), "b").now_or_never().is_some());
        drop(first);
        assert!(budget.hold(large(), "a").now_or_never().is_some());
    }

    #[tokio::test]
    async fn responses_beyond_the_budget_of_all_callers_wait() {
        let budget = ResponseBudget::new(8 * LARGE);
        let mut held = Vec::new();
        for caller in ["a", "a", "b", "b", "c", "c", "d", "d"] {
            held.push(budget.hold(large(), caller).now_or_never().expect("it does not wait").expect("room"));
        }
        assert!(budget.hold(large(), "e").now_or_never().is_none(), "it waits");
        held.pop();
        assert!(budget.hold(large(), "e").now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_response_larger_than_the_budget_takes_all_of_it() {
        let budget = ResponseBudget::new(LARGE);
        let answer = budget.hold(vec![b'x'; 2 * LARGE].into(), "a").await.expect("room");
        assert_eq!(budget.available(), 0);
        drop(answer);
        assert_eq!(budget.available(), LARGE);
    }

    #[tokio::test]
    async fn a_large_body_has_a_length_and_is_sent_in_pieces() {
        for length in [0, LARGE - 1, LARGE, 2 * LARGE + 1] {
            let body = response_body(vec![b'x'; length].into());
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            assert_eq!(to_bytes(body, usize::MAX).await.expect("a body").len(), length);
            let pieces: Vec<_> = response_body(vec![b'x'; length].into()).into_data_stream().collect().await;
            assert!(pieces.iter().all(|piece| piece.as_ref().is_ok_and(|piece| piece.len() <= LARGE)), "{length}");
        }
    }
}
