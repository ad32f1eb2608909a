//! The seam for protocols: what a copy needs of the place where files are.

use std::io::{Read, Write};
use std::time::SystemTime;

use crate::storage::error::StorageError;
use crate::storage::sandboxed_path::SandboxedPath;
use crate::storage::storage_path::StoragePath;

/// The maximum number of entries of a folder.
pub(crate) const MAX_ENTRIES: usize = 1_000_000;

/// The maximum depth of nested folders.
pub(crate) const MAX_DEPTH: usize = 128;

/// Where files are: a local folder inside the allowed folders, or a folder on an SFTP or FTP server.
///
/// Calls block and are made on a blocking thread, never on the runtime. Remote storages are clients of the async runtime
/// whose `Handle` they hold: each call waits with a timeout and the stop token of the transfer.
pub(crate) trait TransferStorage: Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// The metadata of what a link leads to.
    fn metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError>;

    /// The metadata of the entry itself.
    fn symlink_metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError>;

    /// The entries of a folder, without `.` and `..`, in no order; at most [`MAX_ENTRIES`].
    fn list(&self, path: &StoragePath) -> Result<Vec<Entry>, StorageError>;

    /// Reads a file from `offset` on.
    fn open_read(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn Read + Send + '_>, StorageError>;

    /// Creates a file (mode 0600 where there are modes), or opens it to write from `offset` on; the bytes behind `offset`
    /// are cut off.
    fn open_write(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn WriteFile + '_>, StorageError>;

    /// Creates a folder; an existing one is no error.
    fn create_folder(&self, path: &StoragePath) -> Result<(), StorageError>;

    fn create_link(&self, path: &StoragePath, target: &[u8]) -> Result<(), StorageError>;

    fn read_link(&self, path: &StoragePath) -> Result<Vec<u8>, StorageError>;

    /// Publishes: `replace` decides about an existing destination. Without an atomic rename over, the storage moves the
    /// destination aside first and says so in its capabilities. A missing `from` is `NotFound`, whatever stands at `to`: so a copy
    /// whose rename was done before its answer was lost is known to be published.
    fn rename(&self, from: &StoragePath, to: &StoragePath, replace: bool) -> Result<(), StorageError>;

    /// Removes a file or link, or a folder with its content.
    fn remove(&self, path: &StoragePath) -> Result<(), StorageError>;

    fn set_attributes(&self, path: &StoragePath, attributes: Attributes) -> Result<(), StorageError>;

    /// SHA-256 in hexadecimal as the other side computes it, where it can (SFTP `check-file`, FTP `HASH` and `XSHA256`).
    fn checksum(&self, path: &StoragePath) -> Result<Option<String>, StorageError>;

    /// Bytes that are free for a folder, if that is known.
    fn free_space(&self, path: &StoragePath) -> Option<u64>;

    /// The path on this machine, by which part files are locked; none on a server.
    fn local_path(&self, _path: &StoragePath) -> Option<SandboxedPath> {
        None
    }

    /// The path for messages: `sftp://host/path` without credentials, or the local path.
    fn display(&self, path: &StoragePath) -> String;
}

/// A file that is written.
pub(crate) trait WriteFile: Write + Send {
    /// Waits until all is written, durably if `sync` is set and the storage can do that, and closes the file. Errors of
    /// writes in flight are returned here at the latest.
    fn finish(self: Box<Self>, sync: bool) -> Result<(), StorageError>;
}

/// What is known of a file, folder or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) kind: EntryKind,
    /// Bytes of a file.
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
    /// Permission bits, without the type.
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
    /// Of the entry itself, not of what a link leads to.
    pub(crate) metadata: Metadata,
}

/// What to set on a file or folder; what is none stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) modified: Option<SystemTime>,
    /// Permission bits.
    pub(crate) mode: Option<u32>,
}

/// What a storage can do.
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
    /// Names may hold line breaks.
    pub(crate) line_breaks: bool,
    /// Names may end with a space.
    pub(crate) spaces_at_end: bool,
    /// Files can be written durably.
    pub(crate) fsync: bool,
    /// A rename replaces an existing file in one step.
    pub(crate) replaces_atomically: bool,
    /// Files can be read and written from an offset on.
    pub(crate) resumes: bool,
    /// Reading back costs no network traffic.
    pub(crate) free_reads: bool,
}
