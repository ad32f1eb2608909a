//! Records when bytes were last transmitted over a connection: a request times out only if no byte is transmitted,
//! however long it takes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// The time of the last byte that was sent or received.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Instant,
    /// Milliseconds after `start`.
    last: AtomicU64,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0) }
    }

    fn record(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    /// Waits until no byte has been sent or received for the duration `limit` after this call.
    pub(crate) async fn silence(&self, limit: Duration) {
        let begin = Instant::now();
        loop {
            let last = self.start + Duration::from_millis(self.last.load(Ordering::Relaxed));
            let end = begin.max(last) + limit;
            if Instant::now() >= end {
                return;
            }
            sleep_until(end).await;
        }
    }
}

/// A stream that records each byte sent or received in an [`Activity`].
#[derive(Debug)]
pub(crate) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.record();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(1..)) = polled {
            self.activity.record();
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Instant, sleep, timeout};

    use super::{Activity, Watched};

    #[tokio::test]
    async fn bytes_in_either_direction_put_the_timeout_off() -> anyhow::Result<()> {
        let limit = Duration::from_millis(300);
        let activity = Arc::new(Activity::new());
        let (ours, mut theirs) = duplex(64);
        let mut ours = Watched::new(ours, Arc::clone(&activity));
        let begin = Instant::now();
        let traffic = async {
            for _ in 0..3 {
                sleep(limit / 2).await;
                theirs.write_all(b"a").await?;
                ours.read_u8().await?;
                sleep(limit / 2).await;
                ours.write_all(b"a").await?;
            }
            anyhow::Ok(())
        };
        let (silent, traffic) = tokio::join!(timeout(limit * 10, activity.silence(limit)), traffic);
        traffic?;
        silent?;
        assert!(begin.elapsed() >= limit * 4, "{:?}", begin.elapsed());
        Ok(())
    }
}
