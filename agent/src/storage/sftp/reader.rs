//! Reading a file with many requests in flight.

use std::io::{self, Read};
use std::sync::Arc;

use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::rawsession::SftpResult;
use russh_sftp::protocol::StatusCode;

use crate::storage::sftp::block_on_requests::Calls;
use crate::storage::sftp::failure::Failure;
use crate::storage::sftp::in_flight::{InFlight, Share, send_only};

/// A remote file that is open for reading.
pub(crate) struct SftpReader<'a> {
    calls: &'a Calls,
    /// The path for messages.
    path: String,
    /// The server's name for the open file.
    handle: String,
    requests: InFlight<Option<Vec<u8>>>,
    share: Share,
    /// The maximum number of requests in flight. It starts at 1, because most files are small, and doubles with each
    /// complete response.
    most: usize,
    /// The offset at which the oldest request in flight reads.
    begin: u64,
    /// The offset at which the next request will read.
    end: u64,
    /// The number of bytes that one request reads.
    length: u32,
    is_first: bool,
    has_ended: bool,
    answer: Vec<u8>,
    position: usize,
}

impl<'a> SftpReader<'a> {
    pub(crate) fn new(calls: &'a Calls, path: String, handle: String, offset: u64) -> Self {
        Self {
            length: calls.connection.extensions.read_length,
            calls,
            path,
            handle,
            requests: InFlight::new(),
            share: calls.open_files.add(),
            most: 1,
            begin: offset,
            end: offset,
            is_first: true,
            has_ended: false,
            answer: Vec::new(),
            position: 0,
        }
    }

    /// Waits for the next bytes, and stores them in `answer`.
    fn fill(&mut self) -> io::Result<()> {
        while self.requests.len() < self.most.min(self.share.limit()) {
            let session = Arc::clone(&self.calls.connection.session);
            let request = read(session, self.handle.clone(), self.end, self.length);
            self.requests.send(&self.calls.runtime, request);
            self.end = self.end.saturating_add(self.length.into());
        }
        let answer = self.calls.run("read", &self.path, self.requests.oldest())?;
        let bytes = answer.flatten().unwrap_or_default();
        let (wanted, got) = (self.length as usize, bytes.len());
        if got == 0 {
            self.has_ended = true;
            self.requests.clear();
            return Ok(());
        }
        if got > wanted {
            let failure = Failure::of_sftp(&SftpError::UnexpectedPacket);
            return Err(failure.at("read", self.path.clone()).into());
        }
        self.begin += got as u64;
        if got == wanted {
            self.most = self.share.limit().min(self.most * 2);
        } else {
            // After a short response, the later requests would leave a gap, so they are discarded and the next request
            // reads from there. A server whose first response is short will shorten all responses.
            self.requests.clear();
            self.end = self.begin;
            self.most = 1;
            if self.is_first {
                self.length = u32::try_from(got).unwrap_or(self.length);
            }
        }
        self.is_first = false;
        (self.answer, self.position) = (bytes, 0);
        Ok(())
    }
}

/// Sends one read request; `None` at the end of the file.
async fn read(session: Arc<RawSftpSession>, handle: String, at: u64, length: u32) -> SftpResult<Option<Vec<u8>>> {
    match session.read(handle, at, length).await {
        Ok(answer) => Ok(Some(answer.data)),
        Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => Ok(None),
        Err(error) => Err(error),
    }
}

impl Read for SftpReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.position == self.answer.len() && !self.has_ended {
            self.fill()?;
        }
        let rest = &self.answer[self.position..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}

impl Drop for SftpReader<'_> {
    fn drop(&mut self) {
        // The response of the server does not matter.
        send_only(&self.calls.runtime, self.calls.connection.session.close(self.handle.as_str()));
    }
}
