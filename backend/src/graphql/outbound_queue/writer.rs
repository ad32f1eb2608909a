//! The sending half of a socket. Frames leave it whole and in order: of a frame that was written in part, the rest comes
//! before anything else.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::AsyncWrite;

/// Writes frames to a socket.
pub(in crate::graphql) struct SocketWriter {
    io: Box<dyn AsyncWrite + Send + Unpin>,
    /// Frames, the first of which may have been written in part.
    unsent: Vec<u8>,
    /// The number of bytes of `unsent` that were written.
    written: usize,
    /// Whether bytes that were written may still wait to be encrypted or sent.
    is_flush_due: bool,
}

impl fmt::Debug for SocketWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketWriter").field("unsent", &self.unsent.len()).finish_non_exhaustive()
    }
}

impl SocketWriter {
    pub(in crate::graphql) fn new(io: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { io: Box::new(io), unsent: Vec::new(), written: 0, is_flush_due: false }
    }

    /// Whether all bytes that were written or queued before have been sent.
    pub(super) const fn is_clear(&self) -> bool {
        self.unsent.is_empty() && !self.is_flush_due
    }

    /// Writes as much as the socket takes at once, and returns the number of bytes. Does not wake a task when the
    /// socket can take more, and does not report errors: [`Self::poll_send`] does both.
    pub(super) fn write_now(&mut self, bytes: &[u8]) -> usize {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.io).poll_write(&mut context, bytes) {
            Poll::Ready(Ok(written)) if written > 0 => {
                let flushed = Pin::new(&mut self.io).poll_flush(&mut context);
                self.is_flush_due = !matches!(flushed, Poll::Ready(Ok(())));
                written
            }
            _ => 0,
        }
    }

    /// Queues bytes: whole frames, or the rest of the one that was written in part.
    pub(in crate::graphql) fn push(&mut self, bytes: Vec<u8>) {
        if self.unsent.is_empty() {
            self.unsent = bytes;
        } else {
            self.unsent.extend_from_slice(&bytes);
        }
    }

    /// Sends everything that is queued.
    pub(in crate::graphql) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.unsent.len() {
            let written = ready!(Pin::new(&mut self.io).poll_write(context, &self.unsent[self.written..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
            self.is_flush_due = true;
        }
        if self.is_flush_due {
            ready!(Pin::new(&mut self.io).poll_flush(context))?;
            self.is_flush_due = false;
        }
        self.unsent = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Shuts down the sending half, so that the client sees the end.
    pub(in crate::graphql) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
