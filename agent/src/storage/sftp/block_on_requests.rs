//! Blocking requests over a connection, with the limits of one transfer.

use std::sync::Arc;
use std::time::Duration;

use russh_sftp::client::rawsession::SftpResult;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::storage::error::StorageError;
use crate::storage::sftp::connection::Connection;
use crate::storage::sftp::in_flight::OpenFiles;

/// The maximum silence of a server during a request for which it reads or writes a whole file.
const SLOW: Duration = Duration::from_mins(10);

/// The connection and limits with which one transfer sends its requests.
pub(crate) struct Calls {
    pub(crate) connection: Arc<Connection>,
    pub(crate) runtime: Handle,
    pub(crate) stop: CancellationToken,
    /// The maximum time without a byte from or to the server.
    pub(crate) idle: Duration,
    pub(crate) open_files: OpenFiles,
}

impl Calls {
    /// Sends a request and waits for its response. `action` and `path` describe it in errors.
    pub(crate) fn run<T>(
        &self,
        action: &'static str,
        path: &str,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T, StorageError> {
        self.run_within(self.idle, &self.stop, action, path, request)
    }

    /// Like [`Self::run`], for a step of a change that must not be interrupted: a stop of the transfer does not end the
    /// wait.
    pub(crate) fn run_to_the_end<T>(
        &self,
        action: &'static str,
        path: &str,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T, StorageError> {
        self.run_within(self.idle, &CancellationToken::new(), action, path, request)
    }

    /// Like [`Self::run`], for a request whose duration depends on the size of the file. The server may be silent for
    /// at least 10 minutes.
    pub(crate) fn run_slowly<T>(
        &self,
        action: &'static str,
        path: &str,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T, StorageError> {
        self.run_within(self.idle.max(SLOW), &self.stop, action, path, request)
    }

    fn run_within<T>(
        &self,
        limit: Duration,
        stop: &CancellationToken,
        action: &'static str,
        path: &str,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T, StorageError> {
        let answer = self.runtime.block_on(self.connection.wait(stop, limit, request));
        answer.map_err(|failure| failure.at(action, path.to_owned()))
    }
}
