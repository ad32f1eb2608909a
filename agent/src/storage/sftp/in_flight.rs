//! A queue of requests that are sent before earlier ones are answered.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use russh_sftp::client::rawsession::SftpResult;
use tokio::runtime::Handle;

/// The maximum number of requests in flight for one file.
pub(crate) const MAX_IN_FLIGHT: usize = 64;

type Request<T> = Pin<Box<dyn Future<Output = SftpResult<T>> + Send>>;

/// The requests in flight, in the order in which they were sent.
pub(crate) struct InFlight<T>(VecDeque<State<T>>);

enum State<T> {
    Sent(Request<T>),
    /// The request ended before it was sent.
    Answered(SftpResult<T>),
}

impl<T> InFlight<T> {
    pub(crate) fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Sends a request. A request of russh-sftp is sent when its future is polled for the first time.
    pub(crate) fn send(&mut self, runtime: &Handle, request: impl Future<Output = SftpResult<T>> + Send + 'static) {
        let _entered = runtime.enter();
        let mut request: Request<T> = Box::pin(request);
        let state = match request.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => State::Answered(answer),
            Poll::Pending => State::Sent(request),
        };
        self.0.push_back(state);
    }

    /// Waits for the response to the oldest request; `None` if no request is in flight.
    pub(crate) async fn oldest(&mut self) -> SftpResult<Option<T>> {
        // The request stays in the queue until its response is received, because this future may be dropped while it
        // waits.
        let answer = match self.0.front_mut() {
            Some(State::Sent(request)) => Some(request.as_mut().await),
            Some(State::Answered(_)) | None => None,
        };
        match (answer, self.0.pop_front()) {
            (Some(answer), _) | (None, Some(State::Answered(answer))) => answer.map(Some),
            (None, Some(State::Sent(_)) | None) => Ok(None),
        }
    }
}

/// Sends a request without waiting for its response.
pub(crate) fn send_only(runtime: &Handle, request: impl Future) {
    let _entered = runtime.enter();
    let _ = pin!(request).poll(&mut Context::from_waker(Waker::noop()));
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use russh_sftp::client::error::Error as SftpError;
    use tokio::runtime::Handle;
    use tokio::sync::oneshot;

    use super::{InFlight, send_only};

    #[tokio::test]
    async fn requests_are_sent_at_once_and_answered_in_their_order() -> anyhow::Result<()> {
        let runtime = Handle::current();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let mut requests = InFlight::new();
        let mut answers = Vec::new();
        for number in 0..3 {
            let (answer, answered) = oneshot::channel::<u32>();
            answers.push(answer);
            let log = Arc::clone(&sent);
            requests.send(&runtime, async move {
                log.lock().map_err(|_| SftpError::UnexpectedPacket)?.push(number);
                answered.await.map_err(|_| SftpError::UnexpectedPacket)
            });
        }
        assert_eq!((requests.len(), sent.lock().map(|sent| sent.clone()).ok()), (3, Some(vec![0, 1, 2])));
        // The answers come in the opposite order.
        for (number, answer) in answers.into_iter().enumerate().rev() {
            answer.send(u32::try_from(number)?).map_err(|_| anyhow::anyhow!("nothing waits for {number}"))?;
        }
        for number in 0..3 {
            assert_eq!(requests.oldest().await?, Some(number));
        }
        assert_eq!(requests.oldest().await?, None);
        Ok(())
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_sent_fails_in_its_order() {
        let runtime = Handle::current();
        let mut requests = InFlight::new();
        requests.send(&runtime, std::future::ready(Err::<(), _>(SftpError::Timeout)));
        requests.send(&runtime, std::future::ready(Ok(())));
        assert!(matches!(requests.oldest().await, Err(SftpError::Timeout)));
        assert!(matches!(requests.oldest().await, Ok(Some(()))));
    }

    #[tokio::test]
    async fn a_request_without_an_answer_is_sent_as_well() {
        let (sender, receiver) = oneshot::channel();
        send_only(&Handle::current(), async move {
            let _ = sender.send(());
            std::future::pending::<()>().await;
        });
        assert!(receiver.await.is_ok());
    }
}
