//! A watcher: a raw socket that does as little work as possible for each state, because it shares the machine with the
//! server.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::{TcpSocket, TcpStream},
};

use super::{documents, frames};

/// The maximum number of bytes that are read at once.
const BUFFER: usize = 256 * 1024;
/// The size of the kernel's receive buffer for a watcher that reads nothing, in bytes.
const STALLED_BUFFER: u32 = 4096;
/// The text before the number of the report in a message.
const SPEED: &[u8] = b"\"speed\":";

const UPGRADE: &str = "GET /graphql/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";

thread_local! {
    /// The read buffer that all watchers of this thread share.
    static RECEIVED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// A message that the server sends to a watcher.
#[derive(Clone, Copy, Debug)]
pub(super) enum Message {
    /// A state, with the number of the report that it came from.
    State(usize),
    Resync,
}

/// A subscribed socket.
pub(super) struct Watcher {
    stream: TcpStream,
    /// The received part of an incomplete frame.
    rest: Vec<u8>,
    /// The index at which the number of the report was found last.
    position: usize,
}

impl Watcher {
    /// Subscribes with the document that has this number.
    pub(super) async fn subscribe(address: &str, token: &str, selection: usize) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::open(stream, token, &documents::selection(selection)).await
    }

    /// Subscribes a watcher that will read nothing.
    pub(super) async fn subscribe_stalled(address: &str, token: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(STALLED_BUFFER).unwrap();
        let stream = socket.connect(address.parse().unwrap()).await.unwrap();
        Self::open(stream, token, &documents::long()).await
    }

    async fn open(stream: TcpStream, token: &str, document: &str) -> Self {
        stream.set_nodelay(true).unwrap();
        let mut watcher = Self { stream, rest: Vec::new(), position: 0 };
        watcher.stream.write_all(UPGRADE.as_bytes()).await.unwrap();
        let response = watcher.received(|received| frames::find(received, b"\r\n\r\n").map(|end| end + 4)).await;
        assert!(response.starts_with("HTTP/1.1 101"), "{response}");
        let init = format!(r#"{{"type":"connection_init","payload":{{"Authorization":"Bearer {token}"}}}}"#);
        watcher.stream.write_all(&frames::masked(&init)).await.unwrap();
        let ack = watcher.received(|received| frames::first(received).map(|(_, length)| length)).await;
        assert!(ack.contains("connection_ack"), "{ack}");
        let subscribe = format!(r#"{{"id":"1","type":"subscribe","payload":{{"query":"{document}"}}}}"#);
        watcher.stream.write_all(&frames::masked(&subscribe)).await.unwrap();
        watcher
    }

    /// Receives until `length` returns the length of the answer. Removes the answer from the received bytes and returns
    /// it.
    async fn received(&mut self, length: impl Fn(&[u8]) -> Option<usize>) -> String {
        loop {
            if let Some(length) = length(&self.rest) {
                let answer: Vec<u8> = self.rest.drain(..length).collect();
                return String::from_utf8_lossy(&answer).into_owned();
            }
            assert!(self.stream.read_buf(&mut self.rest).await.unwrap() > 0, "the server closed the connection");
        }
    }

    /// Waits for bytes, and calls `each` with every message that they contain.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    pub(super) fn poll_messages(
        &mut self,
        context: &mut Context<'_>,
        mut each: impl FnMut(Message),
    ) -> Poll<io::Result<()>> {
        RECEIVED.with_borrow_mut(|buffer| -> Poll<io::Result<()>> {
            let kept = self.rest.len();
            buffer[..kept].copy_from_slice(&self.rest);
            let mut unread = ReadBuf::new(&mut buffer[kept..]);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut unread))?;
            let read = unread.filled().len();
            if read == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            let mut received = &buffer[..kept + read];
            while let Some((text, length)) = frames::first(received) {
                match message(text, &mut self.position) {
                    Some(message) => each(message),
                    // The send buffer always has room for a few bytes.
                    None => drop(self.stream.try_write(&frames::masked(r#"{"type":"pong"}"#))),
                }
                received = &received[length..];
            }
            self.rest.clear();
            self.rest.extend_from_slice(received);
            Poll::Ready(Ok(()))
        })
    }
}

/// Parses a message; `None` for a ping.
fn message(text: &[u8], position: &mut usize) -> Option<Message> {
    if let Some(number) = number(text, position) {
        return Some(Message::State(number));
    }
    if frames::find(text, b"\"resync\":true").is_some() {
        return Some(Message::Resync);
    }
    assert!(text.starts_with(br#"{"type":"ping""#), "{}", String::from_utf8_lossy(text));
    None
}

/// The number of the report that a state came from.
fn number(text: &[u8], position: &mut usize) -> Option<usize> {
    if !text.get(*position..).is_some_and(|rest| rest.starts_with(SPEED)) {
        *position = frames::find(text, SPEED)?;
    }
    let digits = text[*position + SPEED.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
}
