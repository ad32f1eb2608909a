//! Spaces out the requests of work items: they are sent in the order of their calls, at the intervals that the rate
//! limit requires.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::server::rate_limit_delays::{RateLimit, urgent_delay};

/// The maximum number of requests that wait for their time or for a response. A request that the server does not answer
/// delays the others only when this number is reached.
const PARALLEL: usize = 4;

/// Decides when each request of a work item is sent. No lock is held while a request waits or is sent.
#[derive(Debug)]
pub(crate) struct RequestPacer {
    slots: Semaphore,
    /// The time at which the last request was or will be sent.
    last: Mutex<Option<Instant>>,
}

impl RequestPacer {
    pub(crate) fn new() -> Self {
        Self { slots: Semaphore::new(PARALLEL), last: Mutex::default() }
    }

    /// Waits until the caller may send a request. The caller keeps the permit until the request is answered.
    pub(crate) async fn acquire(&self, rate_limit: impl Fn() -> Option<RateLimit>) -> Option<SemaphorePermit<'_>> {
        // The semaphore hands out its permits in the order of the calls, and is never closed.
        let permit = self.slots.acquire().await.ok();
        sleep_until(self.reserve(Instant::now(), rate_limit())).await;
        permit
    }

    /// Reserves the time at which the next request is sent.
    fn reserve(&self, now: Instant, rate_limit: Option<RateLimit>) -> Instant {
        let delay = urgent_delay(rate_limit);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = now + delay;
        // If no requests are left, all wait for the end of the window; otherwise those left are spread over it.
        if let Some(last) = *last
            && rate_limit.is_some_and(|rate_limit| rate_limit.remaining > 0)
        {
            at = at.max(last + delay);
        }
        *last = Some(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    use super::{PARALLEL, RequestPacer};
    use crate::server::rate_limit_delays::RateLimit;

    fn left(remaining: u32, seconds: u64) -> RateLimit {
        RateLimit { limit: 300, remaining, resets_in: Duration::from_secs(seconds) }
    }

    #[test]
    fn requests_are_spread_over_what_is_left_of_the_window() {
        let (pacer, now, second) = (RequestPacer::new(), Instant::now(), Duration::from_secs(1));
        let at = |rate_limit| pacer.reserve(now, rate_limit) - now;
        assert_eq!(at(None), Duration::ZERO);
        assert_eq!([at(Some(left(299, 60))), at(Some(left(299, 60)))], [Duration::ZERO; 2]);
        assert_eq!([at(Some(left(40, 40))), at(Some(left(40, 40)))], [second, 2 * second]);
        assert_eq!([at(Some(left(0, 9))), at(Some(left(0, 9)))], [9 * second; 2], "all wait for the next window");
    }

    #[tokio::test]
    async fn a_request_without_an_answer_delays_no_other_until_too_many_wait() {
        let pacer = RequestPacer::new();
        let mut unanswered = Vec::new();
        for _ in 0..PARALLEL {
            unanswered.push(pacer.acquire(|| None).await);
        }
        assert!(timeout(Duration::from_millis(20), pacer.acquire(|| None)).await.is_err());
        unanswered.pop();
        assert!(pacer.acquire(|| None).await.is_some());
    }
}
