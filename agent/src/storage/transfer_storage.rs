//! The seam for protocols: what a copy needs of the place where files are.

use std::io::{Read, Write};
use std::time::SystemTime;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::sandboxed_path::SandboxedPath;

/// The maximum number of entries of a folder.
pub(crate) const MAX_ENTRIES: usize = 1_000_000;

/// The maximum depth of nested folders.
pub(crate) const MAX_DEPTH: usize = 128;

/// The maximum number of bytes of a refused name that messages show.
const MAX_SHOWN: usize = 255;

/// The characters of paths that state files hold in escaped form, besides those that are not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

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

/// A path below the root of a storage: bytes, `/` between names, no `..`, no NUL; empty for the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StoragePath(Vec<u8>);

impl StoragePath {
    /// The path without empty names and `.`.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, StorageError> {
        let names: Vec<&[u8]> =
            bytes.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".").collect();
        if names.iter().all(|name| is_name(name)) {
            return Ok(Self(names.join(&b'/')));
        }
        let detail = "it goes up (`..`) or contains the character NUL";
        Err(StorageError::new(StorageErrorKind::InvalidName, "use the path", shown(bytes), detail))
    }

    /// The path of the entry `name` of this folder. A name that leads elsewhere, as a server may send one, is refused.
    pub(crate) fn join(&self, name: &[u8]) -> Result<Self, StorageError> {
        if is_name(name) {
            return Ok(self.append(&Self(name.to_owned())));
        }
        let detail = "it is not a name of a file or folder";
        Err(StorageError::new(StorageErrorKind::InvalidName, "use the name", shown(name), detail))
    }

    /// The path `relative` below this folder.
    pub(crate) fn append(&self, relative: &Self) -> Self {
        match (self.0.is_empty(), relative.0.is_empty()) {
            (true, _) => relative.clone(),
            (false, true) => self.clone(),
            (false, false) => Self([self.0.as_slice(), &relative.0].join(&b'/')),
        }
    }

    /// The path of an entry `name` beside this one; the name is made of one that is valid.
    pub(crate) fn with_file_name(&self, name: Vec<u8>) -> Self {
        self.parent().unwrap_or_default().append(&Self(name))
    }

    /// The folder that holds it; none for the root.
    pub(crate) fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Some(Self(self.0[..end].to_owned()))
    }

    /// The last name; none for the root.
    pub(crate) fn file_name(&self) -> Option<&[u8]> {
        self.0.rsplit(|byte| *byte == b'/').next().filter(|name| !name.is_empty())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text for state files: each byte that is not printable ASCII is written as `%XX`.
    pub(crate) fn to_stored(&self) -> String {
        percent_encode(&self.0, ESCAPED).to_string()
    }

    /// The path from which [`Self::to_stored`] made a text.
    pub(crate) fn from_stored(text: &str) -> Result<Self, StorageError> {
        Self::new(&percent_decode_str(text).collect::<Vec<u8>>())
    }

    /// The path as text, if it is UTF-8.
    pub(crate) fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// The begin of a name or path that is refused, for messages: a server may have sent it, so nothing in it may steer a
/// terminal.
fn shown(bytes: &[u8]) -> String {
    StoragePath(bytes[..bytes.len().min(MAX_SHOWN)].to_owned()).to_stored()
}

/// Whether it can be the name of an entry of a folder. The names that a server sends are checked with it.
fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0)
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

#[cfg(test)]
mod tests {
    use super::{StoragePath, is_name};

    #[test]
    fn a_path_is_made_of_names_and_never_goes_up() -> anyhow::Result<()> {
        for (written, path) in [("/a//b/./c/", "a/b/c"), ("", ""), ("/", ""), ("a", "a")] {
            assert_eq!(StoragePath::new(written.as_bytes())?.to_str(), Some(path), "{written}");
        }
        for wrong in ["..", "a/../b", "/a/..", "a\0b"] {
            assert!(StoragePath::new(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let bytes = StoragePath::new(b"a/\xff%\n")?;
        assert_eq!((bytes.to_str(), bytes.to_stored().as_str()), (None, "a/%FF%25%0A"));
        assert_eq!(StoragePath::from_stored(&bytes.to_stored())?, bytes);
        Ok(())
    }

    #[test]
    fn parent_and_file_name_take_a_path_apart_and_join_puts_it_together() -> anyhow::Result<()> {
        let path = StoragePath::new(b"a/b")?;
        let parent = path.parent().unwrap_or_default();
        assert_eq!((parent.as_bytes(), path.file_name()), (&b"a"[..], Some(&b"b"[..])));
        assert_eq!(parent.join(b"b")?, path);
        let root = StoragePath::default();
        assert_eq!((root.parent(), root.file_name()), (None, None));
        assert_eq!((root.append(&path), path.append(&root)), (path.clone(), path.clone()));
        assert_eq!(path.append(&path).as_bytes(), b"a/b/a/b");
        assert_eq!(StoragePath::new(b"a")?.parent(), Some(root));
        Ok(())
    }

    #[test]
    fn a_name_from_a_server_never_leads_elsewhere() {
        assert!(is_name(b"a b") && is_name(b"...") && is_name(b"\xff\n"));
        for name in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0"] {
            assert!(!is_name(name) && StoragePath::default().join(name).is_err(), "{name:?}");
        }
        let refused = StoragePath::default().join(b"a/\x1b[2J\x00").map_err(|error| error.to_string());
        assert_eq!(refused, Err("cannot use the name `a/%1B[2J%00`: it is not a name of a file or folder".to_owned()));
    }
}
