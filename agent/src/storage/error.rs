//! The errors of storages. The kind of an error decides whether a copy is retried.

use std::io;

use mftplus_protocol::failure_code::FailureCode;

/// The cause of a failed operation of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StorageErrorKind {
    NotFound,
    PermissionDenied,
    AlreadyExists,
    NotEmpty,
    NoSpace,
    QuotaExceeded,
    NameTooLong,
    /// The storage does not allow a file with this name.
    InvalidName,
    NotAFolder,
    IsAFolder,
    Disconnected,
    TimedOut,
    /// The host name cannot be resolved to an address.
    NameResolution,
    /// The host accepts no connection at this port.
    Refused,
    Authentication,
    /// The host key is unknown or has changed.
    HostKey,
    /// The TLS certificate is not valid for the host.
    Certificate,
    Unsupported,
    /// The transfer is paused or cancelled.
    Stopped,
    /// The server asks to try again later, as FTP servers do with replies of 4xx.
    Temporary,
    Other,
}

impl StorageErrorKind {
    /// Whether the same operation may succeed later without any change by a user.
    pub(crate) fn is_temporary(self) -> bool {
        matches!(self, Self::Disconnected | Self::TimedOut | Self::NameResolution | Self::Refused | Self::Temporary)
    }

    /// The code with which the agent reports a transfer that failed for this reason.
    pub(crate) fn failure_code(self) -> FailureCode {
        match self {
            Self::NotFound => FailureCode::NotFound,
            Self::PermissionDenied => FailureCode::PermissionDenied,
            Self::AlreadyExists => FailureCode::AlreadyExists,
            Self::NotEmpty => FailureCode::NotEmpty,
            Self::NoSpace => FailureCode::NoSpace,
            Self::QuotaExceeded => FailureCode::QuotaExceeded,
            Self::NameTooLong => FailureCode::NameTooLong,
            Self::InvalidName => FailureCode::InvalidName,
            Self::NotAFolder => FailureCode::NotAFolder,
            Self::IsAFolder => FailureCode::IsAFolder,
            Self::Disconnected => FailureCode::Disconnected,
            Self::TimedOut => FailureCode::TimedOut,
            Self::NameResolution => FailureCode::NameResolution,
            Self::Refused => FailureCode::ConnectionRefused,
            Self::Authentication => FailureCode::Authentication,
            Self::HostKey => FailureCode::HostKey,
            Self::Certificate => FailureCode::Certificate,
            Self::Unsupported => FailureCode::Unsupported,
            Self::Temporary => FailureCode::Temporary,
            Self::Stopped | Self::Other => FailureCode::Other,
        }
    }

    pub(crate) fn of_io(kind: io::ErrorKind) -> Self {
        use io::ErrorKind as Io;
        match kind {
            Io::NotFound => Self::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Self::PermissionDenied,
            Io::AlreadyExists => Self::AlreadyExists,
            Io::DirectoryNotEmpty => Self::NotEmpty,
            Io::StorageFull => Self::NoSpace,
            Io::QuotaExceeded => Self::QuotaExceeded,
            Io::InvalidFilename => Self::NameTooLong,
            Io::NotADirectory => Self::NotAFolder,
            Io::IsADirectory => Self::IsAFolder,
            Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::BrokenPipe
            | Io::NotConnected
            | Io::UnexpectedEof
            | Io::HostUnreachable
            | Io::NetworkUnreachable
            | Io::NetworkDown => Self::Disconnected,
            Io::ConnectionRefused => Self::Refused,
            Io::TimedOut => Self::TimedOut,
            Io::Unsupported => Self::Unsupported,
            _ => Self::Other,
        }
    }
}

/// A failed operation of a storage, with the path for messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} `{path}`: {detail}")]
pub(crate) struct StorageError {
    kind: StorageErrorKind,
    action: &'static str,
    path: String,
    detail: String,
}

impl StorageError {
    /// Creates the error of the operation `action`, a verb such as `read`, on `path`. `detail` says why it failed.
    pub(crate) fn new(
        kind: StorageErrorKind,
        action: &'static str,
        path: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self { kind, action, path: path.into(), detail: detail.into() }
    }

    /// Converts the I/O error of `action` on `path`. If `error` wraps a [`StorageError`], returns that one unchanged.
    pub(crate) fn from_io(action: &'static str, path: impl Into<String>, error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        inner
            .cloned()
            .unwrap_or_else(|| Self::new(StorageErrorKind::of_io(error.kind()), action, path, error.to_string()))
    }

    pub(crate) fn kind(&self) -> StorageErrorKind {
        self.kind
    }
}

/// Wraps the error for `Read` and `Write`; [`StorageError::from_io`] unwraps it.
impl From<StorageError> for io::Error {
    fn from(error: StorageError) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{StorageError, StorageErrorKind};

    #[test]
    fn the_kind_survives_a_reader_or_writer() {
        let lost = StorageError::new(StorageErrorKind::Disconnected, "read", "sftp://h/a", "the connection was lost");
        assert_eq!(lost.to_string(), "cannot read `sftp://h/a`: the connection was lost");
        let carried = StorageError::from_io("write", "/b", &io::Error::from(lost.clone()));
        assert_eq!(carried, lost);
    }

    #[test]
    fn only_errors_of_the_network_and_the_server_are_temporary() {
        for (kind, is_temporary) in [
            (io::ErrorKind::ConnectionReset, true),
            (io::ErrorKind::TimedOut, true),
            (io::ErrorKind::ConnectionRefused, true),
            (io::ErrorKind::NotFound, false),
            (io::ErrorKind::PermissionDenied, false),
            (io::ErrorKind::StorageFull, false),
        ] {
            let error = StorageError::from_io("read", "/a", &kind.into());
            assert_eq!(error.kind().is_temporary(), is_temporary, "{error}");
        }
        assert!(StorageErrorKind::Temporary.is_temporary() && StorageErrorKind::NameResolution.is_temporary());
        assert!(!StorageErrorKind::Authentication.is_temporary() && !StorageErrorKind::HostKey.is_temporary());
    }
}
