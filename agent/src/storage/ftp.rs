//! Folders on FTP servers, with or without TLS, as storages.
//!
//! | File | Question |
//! |---|---|
//! | `ftp/endpoint.rs` | Which server, which user, which trust? |
//! | `ftp/tls.rs` | Which certificates are accepted, and how are data connections bound to their control connection? |
//! | `ftp/connection.rs` | How is a control connection opened, and a data connection on it? |
//! | `ftp/pool.rs` | Which control connections wait for their next use? |
//! | `ftp/idle_timeout_and_stop.rs` | How long does a step take at most? |
//! | `ftp/features.rs` | What can the server do? |
//! | `ftp/commands.rs`, `ftp/publish.rs`, `ftp/remove.rs` | Which commands does an operation consist of? |
//! | `ftp/download.rs`, `ftp/upload.rs` | How are the bytes of a file received and sent? |
//! | `ftp/listing_text.rs`, `ftp/mlsx_line.rs`, `ftp/list_line.rs`, `ftp/time.rs` | What does a listing say? |
//! | `ftp/remote_path.rs` | Which names can FTP carry? |
//! | `ftp/failure.rs` | What does a reply or a failure mean? |

mod commands;
mod connection;
mod download;
mod endpoint;
mod failure;
mod features;
mod idle_timeout_and_stop;
mod list_line;
mod listing_text;
mod mlsx_line;
pub(crate) mod pool;
mod publish;
mod remote_path;
mod remove;
mod time;
mod tls;
mod upload;

use std::io::Read;
use std::sync::Arc;

use mftplus_protocol::characters::printable;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use self::connection::{Connection, DataStream};
use self::download::Download;
use self::failure::Failure;
use self::features::Features;
use self::idle_timeout_and_stop::Limits;
use self::pool::{Lease, Pool, Pools};
use self::upload::Target;
use crate::config::resolved_endpoint::{FtpSettings, FtpTls};
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Attributes, Capabilities, Entry, Metadata, TransferStorage, WriteFile};

/// The ports that are omitted in URLs.
const PORTS: [u16; 2] = [21, 990];

/// A folder on an FTP server, for one transfer. Its connections belong to a pool that later transfers use as well.
pub(crate) struct FtpStorage {
    pool: Arc<Pool>,
    runtime: Handle,
    limits: Limits,
    features: Features,
    /// The absolute path of the root, without a slash at its end.
    base: String,
    /// `ftp://host`, for messages.
    address: String,
}

/// Connects, logs in, and returns the folder `root` of the settings. `stop` ends the operations of the storage. Blocks,
/// so call this on a blocking thread.
pub(crate) fn open(
    settings: &FtpSettings,
    pools: &Pools,
    handle: Handle,
    stop: CancellationToken,
) -> Result<FtpStorage, StorageError> {
    let address = address(settings);
    let failed = |failure: Failure| failure.into_error("connect to", address.clone(), StorageErrorKind::Other);
    let pool = pools.of(settings, &handle).map_err(failed)?;
    let limits = Limits { idle: pool.endpoint.idle, stop };
    let opened = handle.block_on(async {
        let lease = pool.lease(&limits).await?;
        let (base, features) = (base(&settings.root, &lease), lease.features);
        lease.give_back();
        Ok::<_, Failure>((base?, features))
    });
    let (base, features) = opened.map_err(failed)?;
    Ok(FtpStorage { pool, runtime: handle, limits, features, base, address })
}

/// The URL of the server without credentials and path.
fn address(settings: &FtpSettings) -> String {
    let scheme = if matches!(settings.tls, FtpTls::None) { "ftp" } else { "ftps" };
    let host = settings.host.trim_start_matches('[').trim_end_matches(']');
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    match settings.port {
        port if PORTS.contains(&port) => format!("{scheme}://{host}"),
        port => format!("{scheme}://{host}:{port}"),
    }
}

/// The root as an absolute path without a slash at its end. A root that does not begin with a slash is below the login
/// folder.
fn base(root: &str, connection: &Connection) -> Result<String, Failure> {
    let invalid = |text: &str| Failure::Other(StorageErrorKind::InvalidName, text.to_owned());
    let root = remote_path::carried(root.as_bytes()).map_err(invalid)?;
    let login = if root.starts_with('/') {
        String::new()
    } else {
        remote_path::of_pwd(connection.login_folder()?).map_err(invalid)?
    };
    let path = format!("{}/{}", login.trim_end_matches('/'), root.trim_matches('/'));
    Ok(path.trim_end_matches('/').to_owned())
}

impl FtpStorage {
    /// The absolute path of the root, without a slash at its end.
    pub(crate) fn root(&self) -> &str {
        &self.base
    }

    /// Runs an operation on a connection of the pool, and returns the connection to the pool if it is still usable.
    fn run<T>(
        &self,
        action: &'static str,
        path: &StoragePath,
        otherwise: StorageErrorKind,
        operation: impl AsyncFnOnce(&mut Connection, &str) -> Result<T, Failure>,
    ) -> Result<T, StorageError> {
        let remote = self.remote(action, path)?;
        let result = self.runtime.block_on(async {
            let mut lease = self.pool.lease(&self.limits).await?;
            let connection: &mut Connection = &mut lease;
            let result = operation(connection, &remote).await;
            if lease.is_usable_after(result.as_ref().err()) {
                lease.give_back();
            }
            result
        });
        result.map_err(|failure: Failure| failure.into_error(action, self.display(path), otherwise))
    }

    /// Begins a data transfer, which keeps its connection until it ends.
    fn begin(
        &self,
        operation: impl AsyncFnOnce(&mut Connection) -> Result<DataStream, Failure>,
    ) -> Result<(Lease, DataStream), Failure> {
        self.runtime.block_on(async {
            let mut lease = self.pool.lease(&self.limits).await?;
            let connection: &mut Connection = &mut lease;
            match operation(connection).await {
                Ok(stream) => Ok((lease, stream)),
                Err(failure) => {
                    if lease.is_usable_after(Some(&failure)) {
                        lease.give_back();
                    }
                    Err(failure)
                }
            }
        })
    }

    /// The absolute path on the server. Fails if FTP cannot transmit it.
    fn remote(&self, action: &'static str, path: &StoragePath) -> Result<String, StorageError> {
        let refused = |text| StorageError::new(StorageErrorKind::InvalidName, action, self.display(path), text);
        remote_path::remote(&self.base, path).map_err(refused)
    }

    /// Like `remote`, but for a file or folder that will be created.
    fn created(&self, action: &'static str, path: &StoragePath) -> Result<String, StorageError> {
        let remote = self.remote(action, path)?;
        let refused = |text| StorageError::new(StorageErrorKind::InvalidName, action, self.display(path), text);
        remote_path::check_created(&remote).map_err(refused)?;
        Ok(remote)
    }

    fn unsupported(&self, action: &'static str, path: &StoragePath, what: &str) -> StorageError {
        let text = format!("FTP has no {what}");
        StorageError::new(StorageErrorKind::Unsupported, action, self.display(path), text)
    }
}

impl TransferStorage for FtpStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            links: false,
            modes: false,
            times: self.features.mfmt,
            any_bytes: false,
            // Some servers change them, and spaces at the end, without an error.
            control_characters: false,
            spaces_at_end: false,
            fsync: false,
            // Whether RNTO replaces an existing file depends on the server.
            replaces_atomically: false,
            resumes: self.features.rest_stream,
            free_reads: false,
            // Each file needs a control connection, and servers limit their number for a user.
            concurrent_files: 1,
        }
    }

    fn metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError> {
        self.run("read", path, StorageErrorKind::NotFound, async |connection, path| connection.metadata(path).await)
    }

    fn symlink_metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError> {
        let operation = async |connection: &mut Connection, path: &str| connection.symlink_metadata(path).await;
        self.run("read", path, StorageErrorKind::NotFound, operation)
    }

    fn list(&self, path: &StoragePath) -> Result<Vec<Entry>, StorageError> {
        self.run("list", path, StorageErrorKind::NotFound, async |connection, path| connection.list(path).await)
    }

    fn open_read(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn Read + Send + '_>, StorageError> {
        let remote = self.remote("read", path)?;
        let shown = self.display(path);
        match self.begin(async |connection| connection.begin_read(&remote, offset).await) {
            Ok((lease, stream)) => Ok(Box::new(Download::new(&self.runtime, lease, stream, shown))),
            Err(failure) => Err(failure.into_error("read", shown, StorageErrorKind::NotFound)),
        }
    }

    fn open_write(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn WriteFile + '_>, StorageError> {
        let remote = self.created("write", path)?;
        let shown = self.display(path);
        match self.begin(async |connection| connection.begin_write(&remote, offset).await) {
            Ok((lease, stream)) => {
                let target = Target { path: remote, offset, shown };
                Ok(upload::begin(&self.runtime, lease, stream, target))
            }
            Err(failure) => Err(failure.into_error("write", shown, StorageErrorKind::PermissionDenied)),
        }
    }

    fn create_folder(&self, path: &StoragePath) -> Result<(), StorageError> {
        self.created("create", path)?;
        let operation = async |connection: &mut Connection, path: &str| connection.create_folder(path).await;
        self.run("create", path, StorageErrorKind::PermissionDenied, operation)
    }

    fn create_link(&self, path: &StoragePath, _target: &[u8]) -> Result<(), StorageError> {
        Err(self.unsupported("create", path, "symbolic links"))
    }

    fn read_link(&self, path: &StoragePath) -> Result<Vec<u8>, StorageError> {
        Err(self.unsupported("read", path, "symbolic links"))
    }

    fn rename(&self, from: &StoragePath, to: &StoragePath, replace: bool) -> Result<(), StorageError> {
        let to = self.created("rename to", to)?;
        let operation = async |connection: &mut Connection, from: &str| connection.publish(from, &to, replace).await;
        self.run("rename", from, StorageErrorKind::NotFound, operation)
    }

    fn remove(&self, path: &StoragePath) -> Result<(), StorageError> {
        self.run("remove", path, StorageErrorKind::Other, async |connection, path| connection.remove(path).await)
    }

    fn set_attributes(&self, path: &StoragePath, attributes: Attributes) -> Result<(), StorageError> {
        if attributes.mode.is_some() {
            return Err(self.unsupported("set the mode of", path, "modes"));
        }
        let Some(modified) = attributes.modified else { return Ok(()) };
        let operation = async |connection: &mut Connection, path: &str| connection.set_modified(path, modified).await;
        self.run("set the modified time of", path, StorageErrorKind::Other, operation)
    }

    fn checksum(&self, path: &StoragePath) -> Result<Option<String>, StorageError> {
        self.run("read", path, StorageErrorKind::Other, async |connection, path| connection.checksum(path).await)
    }

    fn free_space(&self, path: &StoragePath) -> Option<u64> {
        let operation = async |connection: &mut Connection, path: &str| connection.free_space(path).await;
        self.run("read", path, StorageErrorKind::Other, operation).ok().flatten()
    }

    fn display(&self, path: &StoragePath) -> String {
        let path = String::from_utf8_lossy(path.as_bytes());
        let slash = if path.is_empty() && !self.base.is_empty() { "" } else { "/" };
        printable(&format!("{}{}{slash}{path}", self.address, self.base))
    }
}
