//! Opens the storage of a source or destination. Only this file maps protocols to implementations.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mftplus_protocol::wire::Protocol;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::config::ConfigError;
use crate::config::endpoint_lookup::Address;
use crate::config::reloadable_config::LiveConfig;
use crate::config::resolved_endpoint::{Endpoint, EndpointSettings, Upload};
use crate::storage::allowed_roots::{AccessError, FileAccess};
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::ftp;
use crate::storage::ftp::pool::Pools;
use crate::storage::local::LocalStorage;
use crate::storage::location::{Location, RemoteLocation};
use crate::storage::path_text::{ends_with_separator, text as path_text};
use crate::storage::sftp;
use crate::storage::sftp::pool::ConnectionPool;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::TransferStorage;

/// The two ends of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Source,
    Destination,
}

/// A storage that is open, with a path in it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the path or its storage")]
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) storage: Arc<dyn TransferStorage>,
    pub(crate) path: StoragePath,
    /// The absolute path of the storage's root.
    pub(crate) root: Vec<u8>,
    /// Whether the last name of the path contains a wildcard. It is a file pattern unless a file has exactly this name.
    pub(crate) may_be_pattern: bool,
    /// Whether the path was written with a separator at its end.
    pub(crate) is_folder: bool,
    /// Whether the local path is a symbolic link. `path` may already be the target of the link.
    pub(crate) is_link: bool,
    /// Whether files are written under their final names at once, for servers that allow no rename (`upload =
    /// "direct"`).
    pub(crate) uploads_directly: bool,
}

/// A connection to a server.
pub(crate) struct Connected {
    pub(crate) storage: Arc<dyn TransferStorage>,
    /// The absolute path of the storage's root.
    pub(crate) root: String,
    /// Whether the endpoint has `upload = "direct"`.
    pub(crate) uploads_directly: bool,
}

/// Connects to the servers of locations. Tests have implementations without a network.
pub(crate) trait Connect: Send + Sync {
    /// The protocol of a location, from its URL or its endpoint. Fails if there is none.
    fn protocol(&self, location: &RemoteLocation) -> Result<Protocol, StorageError>;

    /// Connects and signs in, with the set of credentials named `credentials` if it is given. Blocks; fails when `stop`
    /// is cancelled.
    fn connect(
        &self,
        location: &RemoteLocation,
        credentials: Option<&str>,
        stop: &CancellationToken,
    ) -> Result<Connected, StorageError>;
}

/// Connects to servers with the settings in the agent's configuration.
pub(crate) struct ConfiguredServers {
    config: Arc<LiveConfig>,
    state_dir: PathBuf,
    runtime: Handle,
    /// Idle connections to SFTP servers.
    connections: ConnectionPool,
    /// Idle connections to FTP servers.
    ftp_connections: Pools,
}

impl ConfiguredServers {
    /// Creates the connector; `runtime` executes its connections.
    pub(crate) fn new(config: Arc<LiveConfig>, state_dir: &Path, runtime: Handle) -> Self {
        Self {
            config,
            state_dir: state_dir.to_owned(),
            runtime,
            connections: ConnectionPool::default(),
            ftp_connections: Pools::default(),
        }
    }
}

impl Connect for ConfiguredServers {
    fn protocol(&self, location: &RemoteLocation) -> Result<Protocol, StorageError> {
        self.config.current().protocol_of(&address(location)).map_err(|error| not_configured(location, &error))
    }

    fn connect(
        &self,
        location: &RemoteLocation,
        credentials: Option<&str>,
        stop: &CancellationToken,
    ) -> Result<Connected, StorageError> {
        let endpoint = self.config.current().resolve(&address(location), credentials, &self.state_dir);
        let Endpoint { upload, settings } = endpoint.map_err(|error| not_configured(location, &error))?;
        let (runtime, stop) = (self.runtime.clone(), stop.clone());
        let (storage, root): (Arc<dyn TransferStorage>, _) = match &settings {
            EndpointSettings::Sftp(settings) => {
                let storage = sftp::open(settings, &self.connections, runtime, stop)?;
                let root = storage.root().to_owned();
                (Arc::new(storage), root)
            }
            EndpointSettings::Ftp(settings) => {
                let storage = ftp::open(settings, &self.ftp_connections, runtime, stop)?;
                let root = storage.root().to_owned();
                (Arc::new(storage), root)
            }
        };
        Ok(Connected { storage, root, uploads_directly: upload == Upload::Direct })
    }
}

/// The address of a location. The root of its storage is the root of the server, or the login folder.
fn address(location: &RemoteLocation) -> Address {
    Address {
        protocol: location.protocol,
        host: location.host.clone(),
        port: location.port,
        user: location.user.clone(),
        root: if location.is_below_login { String::new() } else { "/".to_owned() },
    }
}

fn not_configured(location: &RemoteLocation, error: &ConfigError) -> StorageError {
    StorageError::new(StorageErrorKind::Other, "connect to", location.host.as_str(), error.to_string())
}

/// Opens the storage of a location. `access` restricts local paths; `connect` and `credentials` are used for servers.
/// Blocking.
pub(crate) fn open(
    location: &Location,
    end: End,
    access: &FileAccess,
    connect: &dyn Connect,
    credentials: Option<&str>,
    stop: &CancellationToken,
) -> Result<Opened, StorageError> {
    match location {
        Location::Local(path) => open_local(path, end, access),
        Location::Remote(remote) => {
            let Connected { storage, root, uploads_directly } = connect.connect(remote, credentials, stop)?;
            Ok(Opened {
                storage,
                path: remote.path.clone(),
                root: root.into_bytes(),
                may_be_pattern: remote.is_pattern,
                is_folder: remote.is_folder,
                is_link: false,
                uploads_directly,
            })
        }
    }
}

fn open_local(path: &Path, end: End, access: &FileAccess) -> Result<Opened, StorageError> {
    let bare: PathBuf = path.components().collect();
    let found = match end {
        End::Source => access.source(&bare),
        End::Destination => access.destination(&bare),
    };
    let sandboxed = found.map_err(|error| match &error {
        AccessError::Io { error, .. } => StorageError::from_io("open", path_text(&bare), error),
        AccessError::Outside { .. } => {
            StorageError::new(StorageErrorKind::PermissionDenied, "open", path_text(&bare), error.to_string())
        }
    })?;
    let (storage, path_in_storage) = LocalStorage::holding(&sandboxed)?;
    let root = sandboxed.in_root().0.as_path().as_os_str().as_encoded_bytes().to_vec();
    let may_be_pattern = bare.file_name().and_then(OsStr::to_str).is_some_and(|name| name.contains(['*', '?']));
    Ok(Opened {
        storage: Arc::new(storage),
        path: path_in_storage,
        root,
        may_be_pattern,
        is_folder: ends_with_separator(path),
        is_link: bare.is_symlink(),
        uploads_directly: false,
    })
}
