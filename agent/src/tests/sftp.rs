//! The storage on SFTP servers against OpenSSH on this machine.

mod commands;
mod files;
mod host_keys;
mod keyboard_interactive;
mod old_algorithms;
mod relay;
pub(super) mod server_process;
mod sign_in_and_connections;
mod ssh_agent;

use std::fs;
use std::io::{self, Read as _, Write as _};

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use self::server_process::SshServer;
use crate::config::resolved_endpoint::{HostKeyRule, SftpSettings};
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::sftp;
use crate::storage::sftp::pool::ConnectionPool;
use crate::storage::sftp::sftp_storage::SftpStorage;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::TransferStorage as _;

/// A server, and what a transfer needs to reach it.
struct Fixture {
    // Dropped first, with the connections that run on it.
    pool: ConnectionPool,
    runtime: Runtime,
    server: SshServer,
}

impl Fixture {
    fn start() -> anyhow::Result<Self> {
        Self::on(SshServer::start()?)
    }

    fn on(server: SshServer) -> anyhow::Result<Self> {
        Ok(Self { pool: ConnectionPool::default(), runtime: Runtime::new()?, server })
    }

    fn open(&self, settings: &SftpSettings) -> Result<SftpStorage, StorageError> {
        sftp::open(settings, &self.pool, self.runtime.handle().clone(), CancellationToken::new())
    }

    /// The kind and the sentence of the error with which the agent does not sign in.
    fn refusal(&self, settings: &SftpSettings) -> anyhow::Result<(StorageErrorKind, String)> {
        match self.open(settings) {
            Ok(_) => anyhow::bail!("the agent signed in"),
            Err(error) => Ok((error.kind(), error.to_string())),
        }
    }

    /// Settings with a file of known host keys that has these lines. Settings with the same file share connections.
    fn knowing(&self, file: &str, lines: &str) -> anyhow::Result<SftpSettings> {
        let path = self.server.path(file);
        fs::write(&path, lines)?;
        Ok(SftpSettings { host_key: HostKeyRule::KnownHosts(vec![path]), ..self.server.settings() })
    }

    /// What files of known host keys call the server.
    fn name(&self) -> String {
        format!("[127.0.0.1]:{}", self.server.port)
    }

    /// A public key in the server's folder, without its comment.
    fn public_key(&self, file: &str) -> anyhow::Result<String> {
        let text = fs::read_to_string(self.server.path(file))?;
        Ok(text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    }

    /// The folder `data` of the server.
    fn storage(&self) -> anyhow::Result<SftpStorage> {
        Ok(self.open(&self.server.settings())?)
    }
}

fn path(text: &str) -> anyhow::Result<StoragePath> {
    Ok(StoragePath::new(text.as_bytes())?)
}

fn push(storage: &SftpStorage, to: &str, offset: u64, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = storage.open_write(&path(to)?, offset)?;
    file.write_all(bytes)?;
    Ok(file.finish(true)?)
}

fn pull(storage: &SftpStorage, from: &str, offset: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    storage.open_read(&path(from)?, offset)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The kind of the storage error inside an I/O error.
fn kind_in(error: &io::Error) -> Option<StorageErrorKind> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<StorageError>()).map(StorageError::kind)
}

/// The kind of the error with which a call failed.
fn kind_of<T>(result: Result<T, StorageError>) -> Option<StorageErrorKind> {
    result.err().map(|error| error.kind())
}
