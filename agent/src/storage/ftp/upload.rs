//! Writing a file. Without TLS, the writing thread sends the bytes itself. With TLS, a task of the runtime encrypts and
//! sends them, while the thread reads and hashes the next bytes.

use std::io::{self, Write};
use std::mem;
use std::time::Duration;

use suppaftp::FtpError;
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::ftp::connection::DataStream;
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::pool::Lease;
use crate::storage::transfer_storage::WriteFile;

/// The number of bytes that the thread passes to the task at once.
const CHUNK: usize = 256 * 1024;

/// The maximum number of chunks that wait for the task.
const BEHIND: usize = 4;

/// The server may take this many times the idle timeout to confirm a file, because bytes that are still in the network
/// must arrive first.
const CONFIRMING: u32 = 5;

enum Message {
    Chunk(Vec<u8>),
    /// All bytes were passed to the task. If this message is missing, the file is not complete.
    End,
}

/// The file to write.
pub(super) struct Target {
    pub(super) path: String,
    /// The position of the first byte that is written.
    pub(super) offset: u64,
    /// The path for messages.
    pub(super) shown: String,
}

/// Creates the writer for a data connection. [`WriteFile::finish`] returns the control connection to its pool. The
/// errors are [`StorageError`]s; `Write` wraps them in [`io::Error`]s.
pub(super) fn begin(runtime: &Handle, lease: Lease, stream: DataStream, target: Target) -> Box<dyn WriteFile> {
    let is_encrypted = lease.is_encrypted();
    let Target { path, offset, shown } = target;
    let outgoing = Outgoing { stream, lease, path, size: offset };
    if is_encrypted {
        Box::new(Upload::new(runtime, outgoing, shown))
    } else {
        Box::new(DirectUpload { runtime: runtime.clone(), outgoing: Some(outgoing), shown })
    }
}

/// A file that the writing thread sends itself.
struct DirectUpload {
    runtime: Handle,
    /// `None` after a failure, which closes the connections.
    outgoing: Option<Outgoing>,
    shown: String,
}

impl DirectUpload {
    fn error(&self, failure: Failure) -> StorageError {
        failure.into_error("write", self.shown.clone(), StorageErrorKind::Other)
    }
}

impl Write for DirectUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = match &mut self.outgoing {
            Some(outgoing) => self.runtime.block_on(outgoing.send(bytes)),
            None => Err(Failure::Stopped),
        };
        match sent {
            Ok(()) => Ok(bytes.len()),
            Err(failure) => {
                self.outgoing = None;
                Err(io::Error::other(self.error(failure)))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for DirectUpload {
    /// FTP has no way to ask for durability: `sync` changes nothing.
    fn finish(mut self: Box<Self>, _sync: bool) -> Result<(), StorageError> {
        let ended = match self.outgoing.take() {
            Some(outgoing) => self.runtime.block_on(outgoing.end()),
            None => Err(Failure::Stopped),
        };
        ended.map_err(|failure| self.error(failure))
    }
}

/// A file that a task of the runtime sends.
struct Upload {
    messages: mpsc::Sender<Message>,
    outcome: Option<oneshot::Receiver<Result<(), StorageError>>>,
    chunk: Vec<u8>,
    shown: String,
}

impl Upload {
    fn new(runtime: &Handle, outgoing: Outgoing, shown: String) -> Self {
        let (messages, receiver) = mpsc::channel(BEHIND);
        let (sender, outcome) = oneshot::channel();
        let name = shown.clone();
        runtime.spawn(async move {
            let result = outgoing.send_all(receiver).await;
            let named = |failure: Failure| failure.into_error("write", name, StorageErrorKind::Other);
            // If the writer was dropped, nothing waits for the result.
            let _ = sender.send(result.map_err(named));
        });
        Self { messages, outcome: Some(outcome), chunk: Vec::with_capacity(CHUNK), shown }
    }

    fn hand_over(&mut self, message: Message) -> Result<(), StorageError> {
        match self.messages.blocking_send(message) {
            Ok(()) => Ok(()),
            // The task has ended early: with an error, or with the runtime.
            Err(_) => self.wait().and_then(|()| Err(self.gone())),
        }
    }

    /// Waits for the end of the task.
    fn wait(&mut self) -> Result<(), StorageError> {
        let outcome = self.outcome.take().and_then(|outcome| outcome.blocking_recv().ok());
        outcome.unwrap_or_else(|| Err(self.gone()))
    }

    fn gone(&self) -> StorageError {
        Failure::Stopped.into_error("write", self.shown.clone(), StorageErrorKind::Other)
    }

    fn hand_over_chunk(&mut self) -> Result<(), StorageError> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.hand_over(Message::Chunk(chunk))
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        if self.chunk.len() == CHUNK {
            self.hand_over_chunk().map_err(io::Error::other)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over_chunk().map_err(io::Error::other)
    }
}

impl WriteFile for Upload {
    /// FTP has no way to ask for durability: `sync` changes nothing.
    fn finish(mut self: Box<Self>, _sync: bool) -> Result<(), StorageError> {
        self.hand_over_chunk()?;
        self.hand_over(Message::End)?;
        self.wait()
    }
}

/// A data connection to the server, with its control connection. Both are closed after any failure.
struct Outgoing {
    // Must be dropped before `lease`.
    stream: DataStream,
    lease: Lease,
    path: String,
    /// The size of the file so far, in bytes.
    size: u64,
}

impl Outgoing {
    /// Sends the received chunks until the end of the file.
    async fn send_all(mut self, mut messages: mpsc::Receiver<Message>) -> Result<(), Failure> {
        loop {
            match messages.recv().await {
                Some(Message::Chunk(chunk)) => self.send(&chunk).await?,
                Some(Message::End) => return self.end().await,
                None => return Err(Failure::Stopped),
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if let Err(failure) = send_bytes(&self.lease, &mut self.stream, bytes).await {
            // The data connection is closed, and the server sends the reason on the control connection.
            return Err(self.lease.explain(failure).await);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Waits for the final reply, and compares the size that the server reports.
    async fn end(self) -> Result<(), Failure> {
        let Self { stream, mut lease, path, size } = self;
        let limit: Duration = lease.limits.idle * CONFIRMING;
        lease.end_transfer(stream, limit).await?;
        let compared = if lease.features.size { compare(&mut lease, &path, size).await } else { Ok(()) };
        if lease.is_usable_after(compared.as_ref().err()) {
            lease.give_back();
        }
        compared
    }
}

async fn send_bytes(lease: &Lease, stream: &mut DataStream, bytes: &[u8]) -> Result<(), Failure> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let write = async { stream.write(rest).await.map_err(FtpError::ConnectionError) };
        match lease.limits.step(write).await? {
            0 => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
            sent => rest = &rest[sent..],
        }
    }
    Ok(())
}

/// Fails if the server reports another size than was written.
async fn compare(lease: &mut Lease, path: &str, written: u64) -> Result<(), Failure> {
    match lease.size(path).await {
        Ok(size) if size == written => Ok(()),
        Ok(size) => {
            let text = format!("the server holds {size} bytes after {written} were written");
            Err(Failure::Other(StorageErrorKind::Other, text))
        }
        // The user may only write to the folder.
        Err(failure) if failure.is_in_step() => Ok(()),
        Err(failure) => Err(failure),
    }
}
