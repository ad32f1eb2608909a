//! Local files as a storage, confined to the root folder of a [`SandboxedPath`].

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cap_std::fs::Metadata as FileMetadata;

use crate::storage::background_fsync::BackgroundSync;
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::path_text::text;
use crate::storage::sandboxed_path::SandboxedPath;
use crate::storage::sparse;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{
    Attributes, Capabilities, Entry, EntryKind, MAX_ENTRIES, Metadata, TransferStorage, WriteFile,
};

/// The number of files of one copy that are read or written at the same time. The syncs of files that are written
/// together share commits of the file system's journal.
const CONCURRENT_FILES: usize = 8;

/// The files below one folder of this machine.
#[derive(Debug)]
pub(crate) struct LocalStorage {
    root: SandboxedPath,
}

impl LocalStorage {
    /// Creates the storage of the root folder of `path`, and returns it with the path relative to that folder.
    pub(crate) fn holding(path: &SandboxedPath) -> Result<(Self, StoragePath), StorageError> {
        let (root, below) = path.in_root();
        Ok((Self { root }, StoragePath::new(&bytes(below.as_os_str()))?))
    }

    fn at(&self, path: &StoragePath) -> SandboxedPath {
        self.root.join(&native(path.as_bytes()))
    }
}

impl TransferStorage for LocalStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            links: cfg!(unix),
            modes: cfg!(unix),
            times: cfg!(unix),
            any_bytes: cfg!(unix),
            control_characters: cfg!(unix),
            spaces_at_end: true,
            fsync: true,
            replaces_atomically: true,
            resumes: true,
            free_reads: true,
            concurrent_files: CONCURRENT_FILES,
        }
    }

    fn metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError> {
        let path = self.at(path);
        path.metadata().map(|there| metadata(&there)).map_err(failed("read", &path))
    }

    fn symlink_metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError> {
        let path = self.at(path);
        path.symlink_metadata().map(|there| metadata(&there)).map_err(failed("read", &path))
    }

    fn list(&self, path: &StoragePath) -> Result<Vec<Entry>, StorageError> {
        let folder = self.at(path);
        let names = folder.entries().map_err(failed("list", &folder))?;
        if names.len() > MAX_ENTRIES {
            let detail = format!("it has more than {MAX_ENTRIES} entries");
            return Err(StorageError::new(StorageErrorKind::Unsupported, "list", text(folder.as_path()), detail));
        }
        let mut entries = Vec::with_capacity(names.len());
        for (name, _) in names {
            let entry = folder.join(Path::new(&name));
            match entry.symlink_metadata() {
                Ok(there) => entries.push(Entry { name: bytes(&name), metadata: metadata(&there) }),
                // The entry was removed after the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed("read", &entry)(error)),
            }
        }
        Ok(entries)
    }

    fn open_read(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn Read + Send + '_>, StorageError> {
        let path = self.at(path);
        let mut file = path.open().map_err(failed("read", &path))?;
        refuse_other_kinds("read", &path, &file)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed("read", &path))?;
        Ok(Box::new(file))
    }

    fn open_write(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn WriteFile + '_>, StorageError> {
        let path = self.at(path);
        make_way(&path)?;
        let file = open_to_write(&path).map_err(failed("write", &path))?;
        refuse_other_kinds("write", &path, &file)?;
        if file.metadata().map_err(failed("write", &path))?.len() < offset {
            let detail = format!("it has fewer than {offset} bytes");
            return Err(StorageError::new(StorageErrorKind::Other, "continue", text(path.as_path()), detail));
        }
        file.set_len(offset).map_err(failed("write", &path))?;
        Ok(Box::new(LocalFile { file, path, length: offset, sync: BackgroundSync::default() }))
    }

    fn create_folder(&self, path: &StoragePath) -> Result<(), StorageError> {
        let path = self.at(path);
        path.create_folders().map_err(failed("create the folder", &path))
    }

    fn create_link(&self, path: &StoragePath, target: &[u8]) -> Result<(), StorageError> {
        let path = self.at(path);
        path.create_link(&native(target)).map_err(failed("create the link", &path))
    }

    fn read_link(&self, path: &StoragePath) -> Result<Vec<u8>, StorageError> {
        let path = self.at(path);
        path.read_link().map(|target| bytes(target.as_os_str())).map_err(failed("read the link", &path))
    }

    fn rename(&self, from: &StoragePath, to: &StoragePath, replace: bool) -> Result<(), StorageError> {
        let (from, to) = (self.at(from), self.at(to));
        if let Some(kind) = to.special() {
            let detail = format!("it is {kind}, which must not be replaced");
            return Err(StorageError::new(StorageErrorKind::Unsupported, "write", text(to.as_path()), detail));
        }
        // If the part file is missing, the error must be `NotFound` and not `AlreadyExists`.
        let is_folder = from.symlink_metadata().map_err(failed("rename", &from))?.is_dir();
        if !replace && to.has_entry() {
            return Err(failed("create", &to)(io::ErrorKind::AlreadyExists.into()));
        }
        if is_folder {
            sync_folders(&from)?;
        }
        let renamed = if replace { from.rename(&to) } else { from.rename_to_free(&to) };
        renamed.map_err(failed("rename a file to", &to))
    }

    fn sync_folder(&self, folder: &StoragePath) -> Result<(), StorageError> {
        let folder = self.at(folder);
        folder.sync().map_err(failed("sync the folder", &folder))
    }

    fn remove(&self, path: &StoragePath) -> Result<(), StorageError> {
        let path = self.at(path);
        path.remove().map_err(failed("remove", &path))
    }

    fn set_attributes(&self, path: &StoragePath, attributes: Attributes) -> Result<(), StorageError> {
        let path = self.at(path);
        if let Some(modified) = attributes.modified {
            path.set_modified(modified).map_err(failed("set the time of", &path))?;
        }
        match attributes.mode {
            // The mode is set last, because it may deny access to the owner.
            Some(mode) => set_mode(&path, mode).map_err(failed("set the permissions of", &path)),
            None => Ok(()),
        }
    }

    fn checksum(&self, _path: &StoragePath) -> Result<Option<String>, StorageError> {
        Ok(None)
    }

    fn free_space(&self, path: &StoragePath) -> Option<u64> {
        free_space(&self.at(path).open().ok()?)
    }

    fn local_path(&self, path: &StoragePath) -> Option<SandboxedPath> {
        Some(self.at(path))
    }

    fn display(&self, path: &StoragePath) -> String {
        text(self.at(path).as_path())
    }
}

/// A local file that is being written. Blocks of zeros become holes.
struct LocalFile {
    file: File,
    path: SandboxedPath,
    /// The length so far in bytes, including a hole at the end, which becomes part of the file in `finish`.
    length: u64,
    sync: BackgroundSync,
}

impl Write for LocalFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = sparse::write_at(&mut self.file, self.length, bytes)?;
        self.length += bytes.len() as u64;
        self.sync.record(&self.file, written)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WriteFile for LocalFile {
    fn finish(mut self: Box<Self>, sync: bool) -> Result<(), StorageError> {
        let finished = self.file.set_len(self.length).and_then(|()| {
            self.sync.finish()?;
            if sync { self.file.sync_all() } else { Ok(()) }
        });
        finished.map_err(failed("write", &self.path))
    }
}

/// Makes the entries of a folder and its subfolders durable. The files are synced in `finish`.
fn sync_folders(folder: &SandboxedPath) -> Result<(), StorageError> {
    for (name, found) in folder.entries().map_err(failed("list", folder))? {
        if found.is_ok_and(|found| found.is_dir()) {
            sync_folders(&folder.join(Path::new(&name)))?;
        }
    }
    folder.sync().map_err(failed("sync the folder", folder))
}

/// Adds the action and the path to an I/O error.
fn failed(action: &'static str, path: &SandboxedPath) -> impl FnOnce(io::Error) -> StorageError {
    move |error| StorageError::from_io(action, text(path.as_path()), &error)
}

/// Removes a link, or a file with further hard links, because writing to it would change another file.
fn make_way(path: &SandboxedPath) -> Result<(), StorageError> {
    match path.symlink_metadata() {
        Ok(there) if there.is_symlink() || there.is_file() && has_hard_links(&there) => {
            path.remove().map_err(failed("replace", path))
        }
        _ => Ok(()),
    }
}

/// Opens a file for writing. A file that an earlier process has made read-only is replaced.
fn open_to_write(path: &SandboxedPath) -> io::Result<File> {
    match path.open_to_write() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.has_entry() => {
            path.remove()?;
            path.open_to_write()
        }
        other => other,
    }
}

fn refuse_other_kinds(action: &'static str, path: &SandboxedPath, file: &File) -> Result<(), StorageError> {
    let there = file.metadata().map_err(failed(action, path))?;
    let (kind, detail) = match there {
        there if there.is_file() => return Ok(()),
        there if there.is_dir() => (StorageErrorKind::IsAFolder, "it is a folder"),
        _ => (StorageErrorKind::Unsupported, "it is neither a file nor a folder"),
    };
    Err(StorageError::new(kind, action, text(path.as_path()), detail))
}

fn metadata(there: &FileMetadata) -> Metadata {
    let kind = match there.file_type() {
        kind if kind.is_file() => EntryKind::File,
        kind if kind.is_dir() => EntryKind::Folder,
        kind if kind.is_symlink() => EntryKind::Link,
        _ => EntryKind::Special,
    };
    let modified = there.modified().ok().map(cap_std::time::SystemTime::into_std);
    Metadata { kind, size: there.len(), modified, mode: mode(there) }
}

#[cfg(unix)]
fn has_hard_links(there: &FileMetadata) -> bool {
    cap_std::fs::MetadataExt::nlink(there) > 1
}

/// Always `false`: this system reports the number of hard links of open files only.
#[cfg(not(unix))]
fn has_hard_links(_there: &FileMetadata) -> bool {
    false
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no modes")]
fn mode(there: &FileMetadata) -> Option<u32> {
    Some(cap_std::fs::MetadataExt::mode(there) & 0o7777)
}

#[cfg(not(unix))]
fn mode(_there: &FileMetadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn set_mode(path: &SandboxedPath, mode: u32) -> io::Result<()> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode & 0o7777);
    path.set_permissions(cap_std::fs::Permissions::from_std(permissions))
}

/// Does nothing, because this system has no modes.
#[cfg(not(unix))]
fn set_mode(_path: &SandboxedPath, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn free_space(folder: &File) -> Option<u64> {
    let there = rustix::fs::fstatvfs(folder).ok()?;
    Some(there.f_bavail.saturating_mul(there.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_folder: &File) -> Option<u64> {
    None
}

#[cfg(unix)]
fn native(path: &[u8]) -> PathBuf {
    PathBuf::from(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(path))
}

/// Names that are not UTF-8 were refused earlier.
#[cfg(not(unix))]
fn native(path: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(path).into_owned())
}

/// The bytes of a path; on Windows with `/` between names.
fn bytes(path: &OsStr) -> Vec<u8> {
    let mut bytes = path.as_encoded_bytes().to_vec();
    if cfg!(windows) {
        bytes.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    bytes
}

#[cfg(all(test, unix))]
mod tests;
