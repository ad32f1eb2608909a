//! Calls over a connection that block, within the limits of one transfer.

use std::sync::Arc;
use std::time::Duration;

use russh_sftp::client::rawsession::SftpResult;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::storage::error::StorageError;
use crate::storage::sftp::connection::Connection;

/// How long a server may compute without a byte, when it reads or writes a whole file by itself.
const SLOW: Duration = Duration::from_mins(10);

/// A connection as one transfer uses it.
pub(crate) struct Calls {
    pub(crate) connection: Arc<Connection>,
    pub(crate) runtime: Handle,
    pub(crate) stop: CancellationToken,
    /// The longest silence of the server.
    pub(crate) idle: Duration,
}

impl Calls {
    /// Waits for the answer to a request. `path` is what messages call the file.
    pub(crate) fn run<T>(
        &self,
        action: &'static str,
        path: &str,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T, StorageError> {
        self.run_within(self.idle, &self.stop, action, path, request)
    }

    /// The same for a step of a change that must not be left half done: a stop of the transfer does not end it.
    pub(crate) fn run_to_the_end<T>(
        &self,
        action: &'static str,
        path: &str,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T, StorageError> {
        self.run_within(self.idle, &CancellationToken::new(), action, path, request)
    }

    /// The same for a request that takes the server as long as the file is large.
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
