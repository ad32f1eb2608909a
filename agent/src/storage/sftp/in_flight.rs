//! A queue of requests that are sent before earlier ones are answered.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use russh_sftp::client::rawsession::SftpResult;
use tokio::runtime::Handle;

/// The maximum number of requests in flight for one file.
const MAX_OF_FILE: usize = 64;

/// The number of requests in flight that all open files of the process share. With requests of 64 KiB, the bytes of all
/// files occupy at most 12 MiB, as long as at most 24 files are open.
const MAX_OF_ALL: usize = 192;

/// The number of requests in flight that each file may have, however many files are open.
const MIN_OF_FILE: usize = 8;

/// The number of files that all transfers of a process read or write. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct OpenFiles(Arc<AtomicUsize>);

/// The share of one open file in the requests in flight. The file counts as open until this value is dropped.
pub(crate) struct Share(OpenFiles);

impl OpenFiles {
    /// Counts another open file.
    pub(crate) fn add(&self) -> Share {
        self.0.fetch_add(1, Ordering::Relaxed);
        Share(self.clone())
    }
}

impl Share {
    /// The maximum number of requests that the file may have in flight now; at least 8.
    pub(crate) fn limit(&self) -> usize {
        let files = self.0.0.load(Ordering::Relaxed).max(1);
        (MAX_OF_ALL / files).clamp(MIN_OF_FILE, MAX_OF_FILE)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

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

    use super::{InFlight, MAX_OF_ALL, MAX_OF_FILE, MIN_OF_FILE, OpenFiles, send_only};

    #[test]
    fn open_files_share_the_requests_in_flight() {
        let files = OpenFiles::default();
        let first = files.add();
        assert_eq!(first.limit(), MAX_OF_FILE);
        let ten: Vec<_> = (1..10).map(|_| files.clone().add()).collect();
        assert_eq!(first.limit(), MAX_OF_ALL / 10);
        let hundred: Vec<_> = (10..100).map(|_| files.add()).collect();
        assert_eq!(first.limit(), MIN_OF_FILE);
        drop((ten, hundred));
        assert_eq!(first.limit(), MAX_OF_FILE);
    }

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
