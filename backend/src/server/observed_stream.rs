//! The byte stream of a connection, which reports reads and writes to the time limits.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::transport::connections::{AnonymousMessageTooBig, Connection, Slot};

/// A stream that reports reads and writes to its [`Connection`], and fails after an upgrade when the connection must be
/// closed. Wraps plain TCP or TLS.
pub(super) struct ObservedStream<S> {
    stream: S,
    slot: Slot,
    /// Whether the response to an upgrade has been written.
    has_upgraded: bool,
}

/// The prefix of WebSocket header names as hyper writes it, and as RFC 6455 does. Some clients, such as Python's `gql`,
/// compare names case-sensitively.
const WEBSOCKET: (&[u8], &[u8]) = (b"Sec-Websocket-", b"Sec-WebSocket-");

/// The response to an upgrade with the header names of RFC 6455. Its length does not change.
fn with_usual_names(bytes: &[u8]) -> Vec<u8> {
    let (written, usual) = WEBSOCKET;
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(written.len()).position(|window| window == written) {
        bytes[at + found..at + found + usual.len()].copy_from_slice(usual);
        at += found + usual.len();
    }
    bytes
}

impl<S> ObservedStream<S> {
    pub(super) fn new(stream: S, slot: Slot) -> Self {
        Self { stream, slot, has_upgraded: false }
    }

    fn connection(&self) -> &Connection {
        &self.slot.0
    }

    /// Fails after an upgrade when the connection must be closed. The task of the connection waits for that itself, before
    /// and after the upgrade.
    fn check_closing(&self) -> io::Result<()> {
        let connection = self.connection();
        if connection.is_upgraded() && connection.closing().is_cancelled() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Reports a write to the time limits, which the protocol after an upgrade has none of.
    fn written(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &outcome {
            _ if self.connection().is_upgraded() => {}
            Poll::Pending => self.connection().blocked(Instant::now()),
            Poll::Ready(Ok(bytes)) => self.connection().sent(*bytes, Instant::now()),
            Poll::Ready(Err(_)) => {}
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ObservedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check_closing()?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let bytes = buf.filled().len() - before;
        if self.connection().is_upgraded() {
            let has_room = self.connection().has_room(bytes);
            return Poll::Ready(if has_room { Ok(()) } else { Err(io::Error::other(AnonymousMessageTooBig)) });
        }
        if bytes > 0 {
            self.connection().received(Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ObservedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_closing()?;
        let outcome = if !self.has_upgraded && self.connection().is_upgraded() {
            let answer = with_usual_names(bytes);
            let outcome = Pin::new(&mut self.stream).poll_write(cx, &answer);
            self.has_upgraded = matches!(outcome, Poll::Ready(Ok(written)) if written == answer.len());
            outcome
        } else {
            Pin::new(&mut self.stream).poll_write(cx, bytes)
        };
        self.written(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.has_upgraded && self.connection().is_upgraded() {
            let first = bytes.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| &slice[..]);
            return self.poll_write(cx, first);
        }
        self.check_closing()?;
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.written(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// TLS writes what it has encrypted when it is flushed, so that a client which does not read blocks this.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_closing()?;
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(outcome.map_ok(|()| 0)).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_closing()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
