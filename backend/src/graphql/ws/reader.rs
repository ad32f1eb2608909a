//! The receiving half of a socket. tungstenite reads the messages. The pongs that it writes go to the outbound queue,
//! so that they do not end up in the middle of another frame. A close frame is answered by the closing handshake.
//!
//! Most sockets are idle most of the time. So tungstenite and its buffers exist only while a message arrives.

use std::{
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt, Stream, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as SocketError, Message,
        error::ProtocolError,
        protocol::{Role, WebSocketConfig},
    },
};

use super::frame_boundaries::FrameBoundaries;
use crate::graphql::outbound_queue::{Outbound, OutboundQueue};

/// The maximum size of a message of a client, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;
/// The number of bytes that are read at once: few, since most messages are short.
const READ_BUFFER: usize = 1024;

/// The messages of a client.
pub(super) struct Messages<I = ReadHalf<TokioIo<Upgraded>>>(State<I>);

enum State<I> {
    /// Between two messages.
    Idle(ReadingStream<I>),
    /// A message arrives.
    Busy(Box<WebSocketStream<ReadingStream<I>>>),
    /// Nothing can be read any more.
    Ended,
}

/// The stream that tungstenite reads.
pub(super) struct ReadingStream<I> {
    io: I,
    outbound: Arc<OutboundQueue>,
    boundaries: FrameBoundaries,
}

impl<I: AsyncRead + Unpin> Messages<I> {
    /// The messages that arrive on this connection.
    pub(super) fn new(io: I, outbound: Arc<OutboundQueue>) -> Self {
        Self(State::Idle(ReadingStream { io, outbound, boundaries: FrameBoundaries::default() }))
    }

    /// The bytes of the connection, for a caller that no longer reads them as messages; `None` if nothing can be read.
    pub(super) fn bytes(&mut self) -> Option<&mut ReadingStream<I>> {
        match &mut self.0 {
            State::Idle(stream) => Some(stream),
            State::Busy(socket) => Some(socket.get_mut()),
            State::Ended => None,
        }
    }

    /// Waits for the first bytes of a message.
    fn poll_begin(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        let State::Idle(stream) = &mut self.0 else { return Poll::Ready(Ok(())) };
        let mut bytes = [0; READ_BUFFER];
        let mut bytes = ReadBuf::new(&mut bytes);
        ready!(Pin::new(stream).poll_read(context, &mut bytes))?;
        if bytes.filled().is_empty() {
            return Poll::Ready(Err(ProtocolError::ResetWithoutClosingHandshake.into()));
        }
        if let State::Idle(stream) = mem::replace(&mut self.0, State::Ended) {
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER)
                .write_buffer_size(0)
                .max_message_size(Some(MAX_MESSAGE))
                .max_frame_size(Some(MAX_MESSAGE));
            let bytes = bytes.filled().to_vec();
            // There is no handshake that it would wait for.
            let socket = WebSocketStream::from_partially_read(stream, bytes, Role::Server, Some(config)).now_or_never();
            self.0 = socket.map_or(State::Ended, |socket| State::Busy(Box::new(socket)));
        }
        Poll::Ready(Ok(()))
    }

    #[cfg(test)]
    const fn is_idle(&self) -> bool {
        matches!(self.0, State::Idle(_))
    }
}

impl<I: AsyncRead + Unpin> Stream for Messages<I> {
    type Item = Result<Message, SocketError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Err(error) = ready!(self.poll_begin(context)) {
                return Poll::Ready(Some(Err(error)));
            }
            let State::Busy(socket) = &mut self.0 else { return Poll::Ready(None) };
            let polled = socket.poll_next_unpin(context);
            if polled.is_ready() || !socket.get_ref().boundaries.is_between_messages() {
                return polled;
            }
            // tungstenite holds no part of a message.
            if let State::Busy(socket) = mem::replace(&mut self.0, State::Ended) {
                self.0 = State::Idle(socket.into_inner());
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for ReadingStream<I> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buf))?;
        self.boundaries.advance(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<I: Unpin> AsyncWrite for ReadingStream<I> {
    /// Takes whole frames. tungstenite writes one for a message at most, and [`OutboundQueue::is_backlogged`] stops the
    /// reading of messages while too many wait.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, frames: &[u8]) -> Poll<io::Result<usize>> {
        self.outbound.push_pong(Outbound::Frames(frames.to_vec()));
        Poll::Ready(Ok(frames.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// A masked frame of a client, with a short payload.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let length = 0x80 | u8::try_from(payload.len()).expect("a short payload");
        let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        [first, length].into_iter().chain(mask).chain(masked).collect()
    }

    /// What can be read now.
    fn received(messages: &mut Messages<DuplexStream>) -> Vec<Message> {
        let next = || messages.next().now_or_never().map(|next| next.expect("a socket").expect("a message"));
        std::iter::from_fn(next).collect()
    }

    #[tokio::test]
    async fn messages_are_whole_however_they_arrive_and_nothing_is_held_between_them() {
        let outbound = Arc::<OutboundQueue>::default();
        let (mut client, server) = duplex(4096);
        let mut messages = Messages::new(server, Arc::clone(&outbound));
        let sent =
            [frame(0x81, b"first"), frame(0x01, b"in "), frame(0x89, b"ping"), frame(0x80, b"parts"), frame(0x8a, b"")];
        let sent = sent.concat();
        for piece in [1, 2, 7, sent.len()] {
            let mut all = Vec::new();
            for bytes in sent.chunks(piece) {
                client.write_all(bytes).await.expect("room");
                all.extend(received(&mut messages));
            }
            let expected = [
                Message::text("first"),
                Message::Ping("ping".into()),
                Message::text("in parts"),
                Message::Pong(bytes::Bytes::new()),
            ];
            assert_eq!(all, expected, "in pieces of {piece}");
            assert!(messages.is_idle());
            assert_eq!(outbound.texts().len(), 1, "the ping is answered");
        }
        client.write_all(&sent[..3]).await.expect("room");
        assert!(received(&mut messages).is_empty() && !messages.is_idle());
    }

    #[tokio::test]
    async fn a_connection_that_ends_between_messages_has_not_closed_the_socket() {
        let (client, server) = duplex(64);
        let mut messages = Messages::new(server, Arc::default());
        drop(client);
        let error = messages.next().await.expect("an error").expect_err("no message");
        assert!(matches!(error, SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)), "{error}");
    }

    #[tokio::test]
    async fn after_a_close_frame_there_are_no_messages() {
        let (mut client, server) = duplex(64);
        let mut messages = Messages::new(server, Arc::default());
        client.write_all(&frame(0x88, &[3, 232])).await.expect("room");
        assert!(matches!(messages.next().await, Some(Ok(Message::Close(Some(_))))));
        assert!(messages.next().await.is_none());
    }
}
