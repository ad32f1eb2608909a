//! The implementation of storages on SFTP servers.

use std::io::Read;
use std::sync::Arc;

use russh_sftp::protocol::{FileAttributes, OpenFlags};

use crate::storage::error::{StorageError, StorageErrorKind as Kind};
use crate::storage::part_name::name_of_bytes;
use crate::storage::sftp::attributes::{metadata_of, to_set};
use crate::storage::sftp::block_on_requests::Calls;
use crate::storage::sftp::extensions::{FSYNC, POSIX_RENAME, STATVFS, check_file, posix_rename};
use crate::storage::sftp::failure::Failure;
use crate::storage::sftp::in_flight::send_only;
use crate::storage::sftp::listing;
use crate::storage::sftp::pool::{ConnectionPool, PoolKey};
use crate::storage::sftp::reader::SftpReader;
use crate::storage::sftp::remote_path;
use crate::storage::sftp::writer::SftpWriter;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{
    Attributes, Capabilities, Entry, EntryKind, MAX_DEPTH, Metadata, TransferStorage, WriteFile,
};

/// The mode of new files, so that other users cannot read incomplete ones.
const NEW_FILE: u32 = 0o600;

/// The number of files of one copy that are read or written at the same time over its connection, so that the copy of
/// many small files does not wait for each response.
const CONCURRENT_FILES: usize = 8;

/// A folder on an SFTP server. When this value is dropped, its connection is returned to the pool.
pub(crate) struct SftpStorage {
    calls: Calls,
    /// `sftp://host`, for messages.
    url: String,
    /// The absolute path of the folder.
    root: String,
    pool: ConnectionPool,
    key: PoolKey,
}

impl SftpStorage {
    pub(crate) fn new(calls: Calls, url: String, root: String, pool: ConnectionPool, key: PoolKey) -> Self {
        Self { calls, url, root, pool, key }
    }

    /// The absolute path of the root.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// The path on the server, and the path for messages.
    fn names(&self, action: &'static str, path: &StoragePath) -> Result<(String, String), StorageError> {
        let shown = self.display(path);
        match remote_path::below(&self.root, path) {
            Ok(remote) => Ok((remote, shown)),
            Err(failure) => Err(failure.at(action, shown)),
        }
    }

    /// Whether the path exists. Links are not followed.
    fn exists(&self, path: &StoragePath) -> Result<bool, StorageError> {
        match self.symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Cuts off the bytes after `offset`, from which writing continues. Fails if the file is shorter.
    fn cut(&self, handle: &str, offset: u64, shown: &str) -> Result<(), StorageError> {
        let session = &self.calls.connection.session;
        let found = self.calls.run("inspect", shown, session.fstat(handle))?;
        let size = found.attrs.size.unwrap_or_default();
        if size < offset {
            let why = format!("it has {size} bytes, so writing cannot go on at {offset}");
            return Err(Failure::new(Kind::Other, why).at("write", shown.to_owned()));
        }
        if size > offset {
            let attributes = FileAttributes { size: Some(offset), ..FileAttributes::empty() };
            self.calls.run("shorten", shown, session.fsetstat(handle, attributes))?;
        }
        Ok(())
    }

    /// Renames without an atomic replacement: if `replace` is set, an existing file at `to` is renamed first, and
    /// renamed back if the rename of `from` fails.
    fn rename_in_steps(&self, from: &StoragePath, to: &StoragePath, replace: bool) -> Result<(), StorageError> {
        let ((old, shown), (new, _)) = (self.names("rename", from)?, self.names("rename", to)?);
        let session = &self.calls.connection.session;
        let taken = || {
            let why = format!("{} already exists", self.display(to));
            Failure::new(Kind::AlreadyExists, why).at("rename", shown.clone())
        };
        if !replace && self.exists(to)? {
            // If `from` is missing, the error must be `NotFound`: an earlier attempt may have renamed it.
            self.symlink_metadata(from)?;
            return Err(taken());
        }
        let refused = match self.calls.run("rename", &shown, session.rename(old.as_str(), new.as_str())) {
            // Some servers replace an existing file here.
            Ok(_) => return Ok(()),
            Err(error) if error.kind().is_temporary() || error.kind() == Kind::Stopped => return Err(error),
            Err(error) => error,
        };
        // The existing file is renamed only if both files exist.
        if !self.exists(from)? || !self.exists(to)? {
            return Err(refused);
        }
        if !replace {
            return Err(taken());
        }
        if self.symlink_metadata(to)?.kind == EntryKind::Folder {
            let why = format!("{} is a folder, which is not replaced", self.display(to));
            return Err(Failure::new(Kind::IsAFolder, why).at("rename", shown.clone()));
        }
        // The name is derived from the part file, which belongs to one transfer, so that no other transfer uses it.
        let aside = to.with_file_name(name_of_bytes(from.file_name().unwrap_or_default(), Some("old")));
        let (kept, kept_shown) = self.names("rename", &aside)?;
        // An earlier attempt may have left this file.
        let _ = self.remove_entry(&aside);
        // Between the two renames nothing has the final name, so a stop of the transfer waits for both.
        let calls = &self.calls;
        calls.run_to_the_end("replace", &self.display(to), session.rename(new.as_str(), kept.as_str()))?;
        if let Err(error) = calls.run_to_the_end("rename", &shown, session.rename(old, new.as_str())) {
            if let Err(stays) = calls.run_to_the_end("rename", &kept_shown, session.rename(kept.as_str(), new)) {
                tracing::warn!(error = %stays, "a replaced file cannot be moved back; rename it by hand");
            }
            return Err(error);
        }
        // The new file has its final name, so a failure to remove the old one is only logged.
        if let Err(error) = calls.run_to_the_end("remove", &kept_shown, session.remove(kept)) {
            tracing::warn!(%error, "a replaced file is not removed; remove it by hand");
        }
        Ok(())
    }

    fn remove_entry(&self, path: &StoragePath) -> Result<(), StorageError> {
        let (remote, shown) = self.names("remove", path)?;
        self.calls.run("remove", &shown, self.calls.connection.session.remove(remote)).map(drop)
    }

    /// Removes a file, a link, or a folder with its content. Fails if folders are nested deeper than `depth`.
    fn remove_below(&self, path: &StoragePath, depth: usize) -> Result<(), StorageError> {
        // Requested immediately before, so that a link that has replaced a folder is not followed.
        if self.symlink_metadata(path)?.kind != EntryKind::Folder {
            return self.remove_entry(path);
        }
        let (remote, shown) = self.names("remove", path)?;
        if depth == 0 {
            let why = format!("folders are nested more than {MAX_DEPTH} levels deep");
            return Err(Failure::new(Kind::Other, why).at("remove", shown));
        }
        for entry in self.list(path)? {
            let child = path.join(&entry.name)?;
            match entry.metadata.kind {
                EntryKind::Folder => self.remove_below(&child, depth - 1)?,
                EntryKind::File | EntryKind::Link | EntryKind::Special => self.remove_entry(&child)?,
            }
        }
        self.calls.run("remove", &shown, self.calls.connection.session.rmdir(remote)).map(drop)
    }
}

impl TransferStorage for SftpStorage {
    fn capabilities(&self) -> Capabilities {
        let extensions = &self.calls.connection.extensions;
        Capabilities {
            links: true,
            modes: true,
            times: true,
            any_bytes: false,
            control_characters: true,
            spaces_at_end: true,
            fsync: extensions.has(FSYNC),
            replaces_atomically: extensions.has(POSIX_RENAME),
            resumes: true,
            free_reads: false,
            concurrent_files: CONCURRENT_FILES,
        }
    }

    fn metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError> {
        let (remote, shown) = self.names("inspect", path)?;
        let found = self.calls.run("inspect", &shown, self.calls.connection.session.stat(remote))?;
        Ok(metadata_of(&found.attrs, ""))
    }

    fn symlink_metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError> {
        let (remote, shown) = self.names("inspect", path)?;
        let found = self.calls.run("inspect", &shown, self.calls.connection.session.lstat(remote))?;
        Ok(metadata_of(&found.attrs, ""))
    }

    fn list(&self, path: &StoragePath) -> Result<Vec<Entry>, StorageError> {
        let (remote, shown) = self.names("list", path)?;
        listing::list(&self.calls, remote, &shown)
    }

    fn open_read(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn Read + Send + '_>, StorageError> {
        let (remote, shown) = self.names("read", path)?;
        let session = &self.calls.connection.session;
        let opening = session.open(remote, OpenFlags::READ, FileAttributes::empty());
        let handle = self.calls.run("read", &shown, opening)?.handle;
        Ok(Box::new(SftpReader::new(&self.calls, shown, handle, offset)))
    }

    fn open_write(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn WriteFile + '_>, StorageError> {
        let (remote, shown) = self.names("write", path)?;
        let session = &self.calls.connection.session;
        let mut flags = OpenFlags::WRITE | OpenFlags::CREATE;
        if offset == 0 {
            flags |= OpenFlags::TRUNCATE;
        }
        let attributes = FileAttributes { permissions: Some(NEW_FILE), ..FileAttributes::empty() };
        let handle = self.calls.run("write", &shown, session.open(remote.as_str(), flags, attributes))?.handle;
        if offset > 0
            && let Err(error) = self.cut(&handle, offset, &shown)
        {
            send_only(&self.calls.runtime, session.close(handle));
            return Err(error);
        }
        Ok(Box::new(SftpWriter::new(&self.calls, shown, remote, handle, offset)))
    }

    fn create_folder(&self, path: &StoragePath) -> Result<(), StorageError> {
        let (remote, shown) = self.names("create the folder", path)?;
        let making = self.calls.connection.session.mkdir(remote, FileAttributes::empty());
        let Err(error) = self.calls.run("create the folder", &shown, making) else { return Ok(()) };
        // Servers do not report the reason. The folder, or a link to a folder, may exist already.
        match self.metadata(path) {
            Ok(there) if there.kind == EntryKind::Folder => Ok(()),
            Ok(_) => {
                let failure = Failure::new(Kind::NotAFolder, "something else has this name");
                Err(failure.at("create the folder", shown))
            }
            Err(_) => Err(error),
        }
    }

    fn create_link(&self, path: &StoragePath, target: &[u8]) -> Result<(), StorageError> {
        let (remote, shown) = self.names("create the link", path)?;
        let Ok(target) = str::from_utf8(target) else {
            let failure = Failure::new(Kind::InvalidName, "the target of the link is not UTF-8");
            return Err(failure.at("create the link", shown));
        };
        // OpenSSH expects the target first, contrary to the specification, and other servers do the same.
        let linking = self.calls.connection.session.symlink(target, remote);
        self.calls.run("create the link", &shown, linking).map(drop)
    }

    fn read_link(&self, path: &StoragePath) -> Result<Vec<u8>, StorageError> {
        let (remote, shown) = self.names("read the link", path)?;
        let names = self.calls.run("read the link", &shown, self.calls.connection.session.readlink(remote))?;
        let target = names.files.into_iter().next().map(|file| file.filename);
        match target {
            Some(target) if !target.contains(char::REPLACEMENT_CHARACTER) => Ok(target.into_bytes()),
            Some(_) => {
                let failure = Failure::new(Kind::InvalidName, "the target of the link is not UTF-8");
                Err(failure.at("read the link", shown))
            }
            None => {
                Err(Failure::new(Kind::Other, "the server reports no target of the link").at("read the link", shown))
            }
        }
    }

    fn rename(&self, from: &StoragePath, to: &StoragePath, replace: bool) -> Result<(), StorageError> {
        let connection = &self.calls.connection;
        if !replace || !connection.extensions.has(POSIX_RENAME) {
            return self.rename_in_steps(from, to, replace);
        }
        let ((old, shown), (new, _)) = (self.names("rename", from)?, self.names("rename", to)?);
        self.calls.run("rename", &shown, posix_rename(&connection.session, &old, &new))
    }

    fn remove(&self, path: &StoragePath) -> Result<(), StorageError> {
        self.remove_below(path, MAX_DEPTH)
    }

    fn set_attributes(&self, path: &StoragePath, attributes: Attributes) -> Result<(), StorageError> {
        let (remote, shown) = self.names("set the attributes of", path)?;
        match to_set(attributes) {
            Ok(None) => Ok(()),
            Ok(Some(request)) => {
                let setting = self.calls.connection.session.setstat(remote, request);
                self.calls.run("set the attributes of", &shown, setting).map(drop)
            }
            Err(failure) => Err(failure.at("set the attributes of", shown)),
        }
    }

    fn checksum(&self, path: &StoragePath) -> Result<Option<String>, StorageError> {
        let connection = &self.calls.connection;
        if !connection.extensions.has_checksums() {
            return Ok(None);
        }
        let (remote, shown) = self.names("compute the checksum of", path)?;
        self.calls.run_slowly("compute the checksum of", &shown, check_file(&connection.session, &remote))
    }

    fn free_space(&self, path: &StoragePath) -> Option<u64> {
        let connection = &self.calls.connection;
        if !connection.extensions.has(STATVFS) {
            return None;
        }
        let (remote, shown) = self.names("inspect", path).ok()?;
        let found = self.calls.run("inspect", &shown, connection.session.statvfs(remote)).ok()?;
        found.blocks_avail.checked_mul(found.fragment_size)
    }

    fn display(&self, path: &StoragePath) -> String {
        remote_path::display(&self.url, &self.root, path)
    }
}

impl Drop for SftpStorage {
    fn drop(&mut self) {
        if self.calls.connection.is_usable() {
            self.pool.give(self.key, Arc::clone(&self.calls.connection), &self.calls.runtime);
        }
    }
}
