//! The errors of copies and of steps that write files.

use std::io;
use std::path::PathBuf;

use mftplus_protocol::failure_code::FailureCode;

use crate::storage::allowed_roots::AccessError;
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::path_text::text;
use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::bounded_messages::BoundedMessages;
use crate::transfer::source_entries::PlanError;

/// The sizes in bytes that files in /proc and /sys report, independently of their content.
pub(crate) const UNKNOWN_SIZES: [u64; 2] = [0, 4096];

/// Why a copy failed or stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// The copy was paused or cancelled; `Control::cancellation` tells which of the two.
    #[error("stopped")]
    Stopped,
    #[error("cannot {action} {path}: {error}", path = text(path))]
    Io { action: &'static str, path: PathBuf, error: io::Error },
    #[error("{} changed while it was copied; copy again when nothing writes to it", text(.0))]
    Changed(PathBuf),
    #[error(
        "{} has more or fewer bytes than its size says, as files in /proc and /sys do, so the copy cannot be checked; write its content to a regular file and copy that",
        text(.0)
    )]
    UnknownSize(PathBuf),
    #[error(
        "the copy {path} differs from its source (SHA-256 {found} instead of {expected}): another program wrote to it meanwhile, or the disk or memory is faulty; copy again when nothing else writes there",
        path = text(path)
    )]
    Mismatch { path: PathBuf, expected: String, found: String },
    #[error("{} already exists; choose another destination or copy with --overwrite", text(.0))]
    Exists(PathBuf),
    #[error("{} cannot be replaced: one of source and destination is a folder and the other is not", text(.0))]
    KindMismatch(PathBuf),
    #[error("{path} is {kind}, which must not be replaced; choose another destination", path = text(path))]
    Special { path: PathBuf, kind: &'static str },
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{} is a folder, but the part file of the copy has this name; move it, or delete it if an earlier copy left it", text(.0))]
    PartPathTaken(PathBuf),
    #[error("{} is not a file", text(.0))]
    NoFile(PathBuf),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(
        "another copy to the same destination is running and writes {} (perhaps from a second agent or state folder on this machine); wait until it has ended, or choose another destination",
        text(.0)
    )]
    InUse(PathBuf),
    #[error("the folder was not copied, because {} of its entries cannot be copied: {}", .0.count(), .0)]
    Several(BoundedMessages),
    #[error(transparent)]
    Storage(StorageError),
    #[error(
        "{0} is not what this copy has written, so it is not published: another program wrote to it meanwhile; copy again when nothing else writes there"
    )]
    PartChanged(String),
    #[error("the copy {path} has {found} bytes instead of {expected}; copy again when nothing else writes there")]
    SizeMismatch { path: String, expected: u64, found: u64 },
    #[error("nothing was copied, because {} of the names cannot be written to the destination: {}", .0.count(), .0)]
    Names(BoundedMessages),
    #[error("the copy is complete, but {} of its source files cannot be deleted or moved: {}", .0.count(), .0)]
    SourceKept(BoundedMessages),
    #[error("cannot record the state of the copy: {0}")]
    State(io::Error),
    #[error("the folder has no checksum, because {} of its entries cannot be read: {}", .0.count(), .0)]
    Unreadable(BoundedMessages),
}

impl CopyError {
    /// Whether the copy of a folder must end, because the other files would fail for the same reason.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Stopped | Self::State(_) => true,
            Self::Io { error, .. } => matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem
            ),
            Self::Storage(error) => {
                error.kind().is_temporary()
                    || matches!(
                        error.kind(),
                        StorageErrorKind::NoSpace
                            | StorageErrorKind::QuotaExceeded
                            | StorageErrorKind::Authentication
                            | StorageErrorKind::HostKey
                            | StorageErrorKind::Certificate
                    )
            }
            _ => false,
        }
    }

    /// The code with which the agent reports this failure.
    pub(crate) fn failure_code(&self) -> FailureCode {
        match self {
            Self::Io { error, .. } | Self::Plan(PlanError::Io { error, .. }) => of_io(error),
            Self::Changed(_) => FailureCode::SourceChanged,
            Self::Mismatch { .. } | Self::SizeMismatch { .. } | Self::PartChanged(_) => FailureCode::Mismatch,
            Self::Exists(_) | Self::PartPathTaken(_) => FailureCode::AlreadyExists,
            Self::KindMismatch(_) => FailureCode::IsAFolder,
            Self::UnknownSize(_)
            | Self::Special { .. }
            | Self::NoFile(_)
            | Self::Plan(PlanError::Special { .. } | PlanError::Part(_)) => FailureCode::Unsupported,
            Self::Plan(PlanError::Name(_)) | Self::Names(_) => FailureCode::InvalidName,
            Self::Access(error) | Self::Plan(PlanError::Access(error)) => match error {
                AccessError::Outside { .. } => FailureCode::OutsideAllowedFolders,
                AccessError::Io { error, .. } => of_io(error),
            },
            Self::InUse(_) => FailureCode::InUse,
            Self::Several(_) | Self::Unreadable(_) => FailureCode::Several,
            Self::Storage(error) => error.kind().failure_code(),
            Self::SourceKept(_) => FailureCode::SourceKept,
            Self::State(_) => FailureCode::AgentState,
            Self::Stopped => FailureCode::Other,
        }
    }

    /// Whether the copy may succeed if it is continued later.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self, Self::Storage(error) if error.kind().is_temporary())
    }
}

impl From<StorageError> for CopyError {
    fn from(error: StorageError) -> Self {
        match error.kind() {
            StorageErrorKind::Stopped => Self::Stopped,
            _ => Self::Storage(error),
        }
    }
}

/// The code of an I/O error, which may wrap a [`StorageError`].
fn of_io(error: &io::Error) -> FailureCode {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<StorageError>());
    inner.map_or_else(|| StorageErrorKind::of_io(error.kind()), StorageError::kind).failure_code()
}

/// Adds the action and the path to an I/O error.
pub(crate) fn at(action: &'static str, path: &SandboxedPath) -> impl FnOnce(io::Error) -> CopyError {
    move |error| CopyError::Io { action, path: path.as_path().to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::{AccessError, CopyError, FailureCode, PathBuf, PlanError, StorageError, StorageErrorKind, io};

    #[test]
    fn a_failure_is_reported_with_the_code_of_its_cause() {
        let path = PathBuf::from("/a");
        let full = StorageError::new(StorageErrorKind::NoSpace, "write", "/a", "the disk is full");
        let outside = AccessError::Outside { path: path.clone(), allowed: "/b".to_owned() };
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        for (error, code) in [
            (CopyError::Storage(full.clone()), FailureCode::NoSpace),
            (CopyError::Io { action: "write", path: path.clone(), error: full.into() }, FailureCode::NoSpace),
            (CopyError::Plan(PlanError::Io { path: path.clone(), error: missing() }), FailureCode::NotFound),
            (CopyError::Plan(PlanError::Access(outside)), FailureCode::OutsideAllowedFolders),
            (CopyError::Changed(path), FailureCode::SourceChanged),
            (CopyError::State(missing()), FailureCode::AgentState),
        ] {
            assert_eq!(error.failure_code(), code, "{error}");
        }
    }
}
