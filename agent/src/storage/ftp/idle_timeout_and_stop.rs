//! The limits of an operation: the idle timeout of the server, and the stop of the transfer.

use std::time::Duration;

use suppaftp::FtpResult;
use tokio::task::coop::unconstrained;
use tokio_util::sync::CancellationToken;

use crate::storage::ftp::failure::Failure;

/// The limits of each step of an operation.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// The maximum time without a byte or a reply of the server.
    pub(super) idle: Duration,
    pub(super) stop: CancellationToken,
}

impl Limits {
    /// Waits for `step`, which is one reply, one read or one write. After `Stopped` and `TimedOut` the connection
    /// cannot be used any more.
    pub(super) async fn step<T>(&self, step: impl Future<Output = FtpResult<T>>) -> Result<T, Failure> {
        self.step_within(self.idle, step).await
    }

    /// Like `step`, with `limit` instead of the idle timeout.
    ///
    /// The budget that tokio gives a task does not apply within a step. Once it is spent, writing to a socket returns
    /// `Pending`; TLS keeps the bytes then until it is flushed, which suppaftp does not do after a command, so that the
    /// server would wait for a command, and the agent for its reply. A step is short: one reply, or one read or write.
    pub(super) async fn step_within<T>(
        &self,
        limit: Duration,
        step: impl Future<Output = FtpResult<T>>,
    ) -> Result<T, Failure> {
        match self.stop.run_until_cancelled(tokio::time::timeout(limit, unconstrained(step))).await {
            None => Err(Failure::Stopped),
            Some(Err(_)) => Err(Failure::TimedOut(limit)),
            Some(Ok(result)) => result.map_err(Failure::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use suppaftp::FtpResult;
    use tokio::task::coop::consume_budget;
    use tokio_util::sync::CancellationToken;

    use super::Limits;
    use crate::storage::ftp::failure::Failure;

    #[tokio::test]
    async fn a_step_ends_with_its_time_and_with_the_transfer() {
        let limits = Limits { idle: Duration::from_millis(20), stop: CancellationToken::new() };
        let never = || std::future::pending::<FtpResult<()>>();
        assert!(matches!(limits.step(never()).await, Err(Failure::TimedOut(_))));
        assert!(limits.step(async { Ok(()) }).await.is_ok());
        limits.stop.cancel();
        assert!(matches!(limits.step_within(Duration::MAX, never()).await, Err(Failure::Stopped)));
    }

    #[tokio::test]
    async fn a_step_is_not_interrupted_by_the_budget_of_its_task() {
        let limits = Limits { idle: Duration::from_mins(1), stop: CancellationToken::new() };
        let mut step = pin!(limits.step(async {
            for _ in 0..1_000 {
                consume_budget().await;
            }
            Ok(())
        }));
        let polled = step.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(()))));
    }
}
