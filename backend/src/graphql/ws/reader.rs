//! The receiving half of a socket. tungstenite reads the messages; the pongs that it would write wait in the outbound
//! queue, so that they are not written into the middle of a frame. A close frame is answered by the closing handshake.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};

use crate::graphql::outbound_queue::{Outbound, OutboundQueue};

/// The maximum size of a message of a client, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;
/// The buffer of a socket, in bytes: small, since most sockets are idle most of the time, and most messages short.
const READ_BUFFER: usize = 1024;

/// The messages of a client.
pub(super) type Messages = WebSocketStream<ReadingStream>;

/// The stream that tungstenite reads.
pub(super) struct ReadingStream {
    io: ReadHalf<TokioIo<Upgraded>>,
    outbound: Arc<OutboundQueue>,
}

/// Reads the messages of a client.
pub(super) async fn messages(io: ReadHalf<TokioIo<Upgraded>>, outbound: Arc<OutboundQueue>) -> Messages {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    WebSocketStream::from_raw_socket(ReadingStream { io, outbound }, Role::Server, Some(config)).await
}

impl AsyncRead for ReadingStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buf)
    }
}

impl AsyncWrite for ReadingStream {
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
