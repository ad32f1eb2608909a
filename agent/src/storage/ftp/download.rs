//! Reading a file: a task of the runtime receives and decrypts bytes before the reading thread needs them.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use suppaftp::FtpError;
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::storage::error::StorageErrorKind;
use crate::storage::ftp::connection::DataStream;
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::pool::Lease;

/// The number of bytes that the task passes to the reader at once.
const CHUNK: usize = 256 * 1024;

/// The maximum number of received chunks that wait for the reader.
const AHEAD: usize = 4;

/// The maximum time that received bytes wait until a chunk is full.
const GATHERING: Duration = Duration::from_millis(100);

/// The maximum time to wait for the reply of a server that aborted a transfer.
const PATIENCE: Duration = Duration::from_secs(3);

enum Message {
    Chunk(Vec<u8>),
    /// The server confirmed that the file is complete.
    End,
    Failed(Failure),
}

/// A file that is being read. Each [`io::Error`] of it wraps a `StorageError`.
pub(super) struct Download {
    messages: mpsc::Receiver<Message>,
    chunk: Vec<u8>,
    read: usize,
    is_complete: bool,
    /// The path for messages.
    shown: String,
}

impl Download {
    /// Starts a task that reads the data connection and, after the final reply, returns the control connection to its
    /// pool. `shown` is the path for messages.
    pub(super) fn new(runtime: &Handle, lease: Lease, stream: DataStream, shown: String) -> Self {
        let (sender, messages) = mpsc::channel(AHEAD);
        runtime.spawn(receive(lease, stream, sender));
        Self { messages, chunk: Vec::new(), read: 0, is_complete: false, shown }
    }

    fn error(&self, failure: Failure) -> io::Error {
        io::Error::other(failure.into_error("read", self.shown.clone(), StorageErrorKind::Other))
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.chunk.len() && !self.is_complete {
            match self.messages.blocking_recv() {
                Some(Message::Chunk(chunk)) => (self.chunk, self.read) = (chunk, 0),
                Some(Message::End) => self.is_complete = true,
                Some(Message::Failed(failure)) => return Err(self.error(failure)),
                // The task has ended without a message: the runtime shuts down, or an error was reported before.
                None => return Err(self.error(Failure::Stopped)),
            }
        }
        let rest = &self.chunk[self.read..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.read += length;
        Ok(length)
    }
}

/// Receives the file. If the reader is dropped, ends early and closes the connection.
async fn receive(mut lease: Lease, mut stream: DataStream, sender: mpsc::Sender<Message>) {
    loop {
        let (chunk, end) = next_chunk(&lease, &mut stream).await;
        if !chunk.is_empty() && sender.send(Message::Chunk(chunk)).await.is_err() {
            return;
        }
        match end {
            None => {}
            Some(Ok(())) => break,
            Some(Err(failure)) => {
                // The server may say why, on the control connection.
                let failure = match lease.end_transfer(stream, PATIENCE).await {
                    Err(reply @ Failure::Reply(..)) => reply,
                    _ => failure,
                };
                let _ = sender.send(Message::Failed(failure)).await;
                return;
            }
        }
    }
    let limit = lease.limits.idle;
    let message = match lease.end_transfer(stream, limit).await {
        Ok(()) => {
            lease.give_back();
            Message::End
        }
        Err(failure) => Message::Failed(failure),
    };
    let _ = sender.send(message).await;
}

/// The next bytes, and whether they are the last.
async fn next_chunk(lease: &Lease, stream: &mut DataStream) -> (Vec<u8>, Option<Result<(), Failure>>) {
    let mut chunk = Vec::with_capacity(CHUNK);
    let begin = Instant::now();
    loop {
        let read = async { stream.read_buf(&mut chunk).await.map_err(FtpError::ConnectionError) };
        match lease.limits.step(read).await {
            Ok(0) => return (chunk, Some(Ok(()))),
            Ok(_) if chunk.len() < CHUNK && begin.elapsed() < GATHERING => {}
            Ok(_) => return (chunk, None),
            Err(failure) => return (chunk, Some(Err(failure))),
        }
    }
}
