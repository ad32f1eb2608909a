//! Writing a file with many requests in flight.

use std::io::{self, Write};
use std::sync::Arc;

use russh_sftp::protocol::Status;

use crate::storage::error::{StorageError, StorageErrorKind as Kind};
use crate::storage::sftp::block_on_requests::Calls;
use crate::storage::sftp::extensions::{FSYNC, STATVFS};
use crate::storage::sftp::failure::Failure;
use crate::storage::sftp::in_flight::{InFlight, Share, send_only};
use crate::storage::transfer_storage::WriteFile;

/// A remote file that is open for writing.
pub(crate) struct SftpWriter<'a> {
    calls: &'a Calls,
    /// The path for messages.
    path: String,
    /// The path on the server.
    remote: String,
    /// The server's name for the open file.
    handle: String,
    requests: InFlight<Status>,
    share: Share,
    offset: u64,
    /// Whether a write failed, so that the file is not complete.
    has_failed: bool,
    is_closed: bool,
}

impl<'a> SftpWriter<'a> {
    /// Creates a writer from `offset` on. `path` is the path for messages, `remote` the path on the server.
    pub(crate) fn new(calls: &'a Calls, path: String, remote: String, handle: String, offset: u64) -> Self {
        let (requests, share) = (InFlight::new(), calls.open_files.add());
        Self { calls, path, remote, handle, requests, share, offset, has_failed: false, is_closed: false }
    }

    /// Waits until at most `rest` requests are in flight.
    fn wait(&mut self, rest: usize) -> Result<(), StorageError> {
        if self.has_failed {
            let failure = Failure::new(Kind::Other, "an earlier write to the file failed");
            return Err(failure.at("write", self.path.clone()));
        }
        while self.requests.len() > rest {
            if let Err(error) = self.calls.run("write", &self.path, self.requests.oldest()) {
                self.has_failed = true;
                return Err(self.explain(error));
            }
        }
        Ok(())
    }

    /// If the disk is full, OpenSSH answers with `Failure` only, so the free space is requested to find the cause.
    fn explain(&self, error: StorageError) -> StorageError {
        let connection = &self.calls.connection;
        if error.kind() != Kind::Other || !connection.extensions.has(STATVFS) {
            return error;
        }
        let found = self.calls.run("inspect", &self.path, connection.session.statvfs(self.remote.as_str())).ok();
        let free = found.and_then(|found| found.blocks_avail.checked_mul(found.fragment_size));
        if free.is_some_and(|free| free < u64::from(connection.extensions.write_length)) {
            let failure = Failure::new(Kind::NoSpace, "no space is left on the disk of the server");
            return failure.at("write", self.path.clone());
        }
        error
    }
}

impl Write for SftpWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.wait(self.share.limit() - 1)?;
        let count = bytes.len().min(self.calls.connection.extensions.write_length as usize);
        let (session, handle) = (Arc::clone(&self.calls.connection.session), self.handle.clone());
        let (offset, data) = (self.offset, bytes[..count].to_owned());
        let request = async move { session.write(handle, offset, data).await };
        self.requests.send(&self.calls.runtime, request);
        self.offset += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wait(0)?;
        Ok(())
    }
}

impl WriteFile for SftpWriter<'_> {
    fn finish(mut self: Box<Self>, sync: bool) -> Result<(), StorageError> {
        self.wait(0)?;
        let calls = self.calls;
        let connection = &calls.connection;
        if sync && connection.extensions.has(FSYNC) {
            let synced = calls.run_slowly("sync", &self.path, connection.session.fsync(self.handle.as_str()));
            synced.map_err(|error| self.explain(error))?;
        }
        // The server closes the handle even if it reports an error.
        self.is_closed = true;
        calls.run("close", &self.path, connection.session.close(self.handle.as_str())).map(drop)
    }
}

impl Drop for SftpWriter<'_> {
    fn drop(&mut self) {
        if !self.is_closed {
            // The file is abandoned, so the response of the server does not matter.
            send_only(&self.calls.runtime, self.calls.connection.session.close(self.handle.as_str()));
        }
    }
}
