//! The interface of storages, which each protocol implements.

use std::io::{Read, Write};
use std::time::SystemTime;

use crate::storage::error::StorageError;
use crate::storage::sandboxed_path::SandboxedPath;
use crate::storage::storage_path::StoragePath;

/// The maximum number of entries of a folder.
pub(crate) const MAX_ENTRIES: usize = 1_000_000;

/// The maximum depth of nested folders.
pub(crate) const MAX_DEPTH: usize = 128;

/// A storage: a local folder inside the allowed folders, or a folder on an SFTP or FTP server.
///
/// The methods block, so call them on a blocking thread and never in an async task. Remote storages execute each
/// request on an async runtime, with a timeout and the stop token of the transfer.
pub(crate) trait TransferStorage: Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// The metadata of a file or folder. Links are followed.
    fn metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError>;

    /// The metadata of the entry itself. A link at the end of the path is not followed.
    fn symlink_metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError>;

    /// The entries of a folder, without `.` and `..`, in no order; at most [`MAX_ENTRIES`].
    fn list(&self, path: &StoragePath) -> Result<Vec<Entry>, StorageError>;

    /// Reads a file from `offset` on.
    fn open_read(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn Read + Send + '_>, StorageError>;

    /// Opens a file to write from `offset` on, and cuts off the bytes after `offset`. A missing file is created, with
    /// mode 0600 if the storage has modes.
    fn open_write(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn WriteFile + '_>, StorageError>;

    /// Creates a folder; succeeds if it exists already.
    fn create_folder(&self, path: &StoragePath) -> Result<(), StorageError>;

    fn create_link(&self, path: &StoragePath, target: &[u8]) -> Result<(), StorageError>;

    fn read_link(&self, path: &StoragePath) -> Result<Vec<u8>, StorageError>;

    /// Renames `from` to `to`. An existing file at `to` is replaced if `replace` is set, and is an error otherwise. If
    /// the storage cannot replace atomically (see [`Capabilities::replaces_atomically`]), it renames the old file
    /// first. A missing `from` is always `NotFound`, even if `to` exists, so that a copy is recognised as published if
    /// only the response to its rename was lost. The rename is durable after [`Self::sync_folder`].
    fn rename(&self, from: &StoragePath, to: &StoragePath, replace: bool) -> Result<(), StorageError>;

    /// Makes the renames of entries to names in `folder` durable, if the storage can. One call is enough for many
    /// renames; each may take as long as writing a small file.
    fn sync_folder(&self, _folder: &StoragePath) -> Result<(), StorageError> {
        Ok(())
    }

    /// Removes a file or link, or a folder with its content.
    fn remove(&self, path: &StoragePath) -> Result<(), StorageError>;

    fn set_attributes(&self, path: &StoragePath, attributes: Attributes) -> Result<(), StorageError>;

    /// The SHA-256 of a file in hexadecimal, computed by the server (SFTP `check-file`, FTP `HASH` and `XSHA256`);
    /// `None` if it cannot.
    fn checksum(&self, path: &StoragePath) -> Result<Option<String>, StorageError>;

    /// The number of free bytes for a folder; `None` if it is not known.
    fn free_space(&self, path: &StoragePath) -> Option<u64>;

    /// The path on this machine, which is used to lock part files; `None` for a path on a server.
    fn local_path(&self, _path: &StoragePath) -> Option<SandboxedPath> {
        None
    }

    /// The path for messages: `sftp://host/path` without credentials, or the local path.
    fn display(&self, path: &StoragePath) -> String;
}

/// A file that is being written.
pub(crate) trait WriteFile: Write + Send {
    /// Waits until all bytes are written, and closes the file. If `sync` is set and the storage supports it, the file
    /// is then durable. Errors of earlier writes are returned here at the latest.
    fn finish(self: Box<Self>, sync: bool) -> Result<(), StorageError>;
}

/// The metadata of a file, folder or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) kind: EntryKind,
    /// The size of a file in bytes.
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
    /// The permission bits, without the file type; `None` if they are not known.
    pub(crate) mode: Option<u32>,
}

/// The kinds of entries of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    Link,
    /// A pipe, a socket or a device.
    Special,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    /// The metadata of the entry itself; links are not followed.
    pub(crate) metadata: Metadata,
}

/// The attributes to set on a file or folder; `None` leaves an attribute unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) modified: Option<SystemTime>,
    /// The permission bits.
    pub(crate) mode: Option<u32>,
}

/// The capabilities of a storage.
#[expect(clippy::struct_excessive_bools, reason = "each is a capability of its own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Symbolic links can be read and created.
    pub(crate) links: bool,
    /// Permissions can be set.
    pub(crate) modes: bool,
    /// Modification times can be set.
    pub(crate) times: bool,
    /// Names need not be UTF-8.
    pub(crate) any_bytes: bool,
    /// Names may contain control characters, such as line breaks and tabs.
    pub(crate) control_characters: bool,
    /// Names may end with a space.
    pub(crate) spaces_at_end: bool,
    /// Files can be synced to disk.
    pub(crate) fsync: bool,
    /// A rename replaces an existing file in one step.
    pub(crate) replaces_atomically: bool,
    /// Files can be read and written from an offset on.
    pub(crate) resumes: bool,
    /// Reading a file causes no network traffic.
    pub(crate) free_reads: bool,
    /// The number of files of one copy that may be read or written at the same time; at least 1.
    pub(crate) concurrent_files: usize,
}
