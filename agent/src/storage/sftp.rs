//! Folders on SFTP servers, as storages.
//!
//! | File | Question |
//! |---|---|
//! | `connection` | How is a server reached: `transport` and `socks` for the network, `algorithms`, `host_key` with `known_hosts` and `host_pattern`, `authentication`? |
//! | `pool` | Which idle connections can the next transfer use? |
//! | `block_on_requests` | How does a blocking thread wait for an answer, and how long (`activity`)? |
//! | `sftp_storage` | Which operations can a copy execute: `listing`, `reader` and `writer` with requests `in_flight`,
//! `extensions`, `attributes`, `remote_path`? |
//! | `failure` | What do the errors mean? |

mod activity;
mod algorithms;
mod attributes;
mod authentication;
mod block_on_requests;
pub(crate) mod connection;
mod extensions;
mod failure;
mod host_key;
mod host_pattern;
mod in_flight;
pub(crate) mod known_hosts;
mod listing;
pub(crate) mod pool;
mod reader;
mod remote_path;
pub(crate) mod sftp_storage;
mod socks;
pub(crate) mod transport;
mod writer;

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::config::resolved_endpoint::SftpSettings;
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::sftp::block_on_requests::Calls;
use crate::storage::sftp::connection::{Connection, ShownKey};
use crate::storage::sftp::failure::Failure;
use crate::storage::sftp::pool::{ConnectionPool, PoolKey};
use crate::storage::sftp::sftp_storage::SftpStorage;
use crate::storage::sftp::transport::Target;

/// Opens the folder `root` of the settings, over an idle connection of the pool or a new one. Blocks; fails when `stop`
/// is cancelled.
pub(crate) fn open(
    settings: &SftpSettings,
    pool: &ConnectionPool,
    runtime: Handle,
    stop: CancellationToken,
) -> Result<SftpStorage, StorageError> {
    let url = remote_path::url_of(Target::of(settings).host, settings.port);
    let key = PoolKey::of(settings);
    let connected = runtime.block_on(async {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Failure::new(StorageErrorKind::Stopped, "stopped")),
            connected = connect(settings, pool, key) => connected,
        }
    });
    let connection = connected.map_err(|failure| failure.at("connect to", url.clone()))?;
    let root = remote_path::root_of(&settings.root, &connection.login_folder);
    let open_files = pool.open_files.clone();
    let calls = Calls { connection, runtime, stop, idle: settings.timeouts.idle, open_files };
    Ok(SftpStorage::new(calls, url, root, pool.clone(), key))
}

async fn connect(settings: &SftpSettings, pool: &ConnectionPool, key: PoolKey) -> Result<Arc<Connection>, Failure> {
    while let Some(connection) = pool.take(key) {
        if connection.answers(settings.timeouts.connect).await {
            return Ok(connection);
        }
    }
    Connection::open(settings).await.map(Arc::new)
}

/// The host key that a server presents, for a user to compare. The connection ends without a sign-in. Blocks.
pub(crate) fn host_key(target: &Target<'_>, runtime: &Handle) -> Result<ShownKey, StorageError> {
    let shown = runtime.block_on(connection::shown_key(target));
    shown.map_err(|failure| failure.at("read the host key of", remote_path::url_of(target.host, target.port)))
}
