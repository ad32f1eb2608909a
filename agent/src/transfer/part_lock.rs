//! Opens part files, and locks them so that only one copy writes to each. Blocking.

use std::fs::{File, TryLockError};
use std::io;

use cap_std::fs::Metadata;

use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::error::{CopyError, at};

/// The maximum number of attempts to lock a part file that another process renames at the same time.
const TRIES: usize = 10;

/// The lock on a part file or folder, released when dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    file: Option<File>,
}

impl Reserved {
    /// The locked part file, open for reading and writing. Fails for a part folder.
    pub(crate) fn file(&self) -> io::Result<File> {
        match &self.file {
            Some(file) => file.try_clone(),
            None => Err(io::ErrorKind::IsADirectory.into()),
        }
    }
}

/// Creates the part file or folder if it is missing, and locks it. Fails with [`CopyError::InUse`] if another copy has
/// locked it.
pub(crate) fn reserve(part: &SandboxedPath, is_folder: bool) -> Result<Reserved, CopyError> {
    for _ in 0..TRIES {
        if is_in_use(part) {
            return Err(CopyError::InUse(part.as_path().to_owned()));
        }
        prepare_part_path(part, is_folder)?;
        let file = if !is_folder {
            open_part(part)?
        } else if make_folder(part).is_ok_and(|()| cfg!(unix)) {
            part.open().map_err(at("open", part))?
        } else {
            // Folders cannot be locked on this system.
            make_folder(part)?;
            return Ok(Reserved { file: None });
        };
        // If the file system does not support locks, the copy continues without one.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(CopyError::InUse(part.as_path().to_owned()));
        }
        // Another process may have renamed the file to its destination before it was locked.
        if is_at(&file, part) {
            return Ok(Reserved { file: Some(file) });
        }
    }
    Err(CopyError::InUse(part.as_path().to_owned()))
}

/// Locks an existing part while it is published or removed, so that no other copy writes to it. `None` if it does not
/// exist, cannot be opened, or is a link. Fails with [`CopyError::InUse`] if another copy has locked it.
pub(crate) fn lock_existing(part: &SandboxedPath) -> Result<Option<Reserved>, CopyError> {
    if part.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
        return Ok(None);
    }
    let Ok(file) = part.open() else { return Ok(None) };
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) || !is_at(&file, part) {
        return Err(CopyError::InUse(part.as_path().to_owned()));
    }
    Ok(Some(Reserved { file: Some(file) }))
}

/// Whether another copy has locked this part.
pub(crate) fn is_in_use(part: &SandboxedPath) -> bool {
    part.open().is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(unix)]
fn is_at(file: &File, part: &SandboxedPath) -> bool {
    use cap_std::fs::MetadataExt as _;
    let (Ok(open), Ok(there)) = (file.metadata(), part.symlink_metadata()) else { return false };
    (std::os::unix::fs::MetadataExt::dev(&open), std::os::unix::fs::MetadataExt::ino(&open))
        == (there.dev(), there.ino())
}

/// Always true: on this system, open files cannot be renamed.
#[cfg(not(unix))]
fn is_at(_file: &File, _part: &SandboxedPath) -> bool {
    true
}

/// Creates the parent folders, and removes a part of another kind than the source, but never a folder with content.
fn prepare_part_path(part: &SandboxedPath, is_folder: bool) -> Result<(), CopyError> {
    if let Some(parent) = part.parent() {
        parent.create_folders().map_err(at("create the folder", &parent))?;
    }
    match part.symlink_metadata() {
        Ok(there) if there.is_dir() && !is_folder => Err(CopyError::PartPathTaken(part.as_path().to_owned())),
        Ok(there) if there.is_dir() != is_folder => part.remove().map_err(at("remove", part)),
        _ => Ok(()),
    }
}

/// Opens the part file to continue it; a missing one is created. A file with further hard links is replaced, not written to.
pub(crate) fn open_part(part: &SandboxedPath) -> Result<File, CopyError> {
    if part.symlink_metadata().is_ok_and(|there| !there.is_file() || has_hard_links(&there)) {
        part.remove().map_err(at("remove", part))?;
    }
    match part.open_to_write() {
        // An earlier process has completed the file and made it read-only.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && part.has_entry() => {
            part.remove().map_err(at("replace", part))?;
            part.open_to_write()
        }
        other => other,
    }
    .map_err(at("write", part))
}

#[cfg(unix)]
fn has_hard_links(there: &Metadata) -> bool {
    cap_std::fs::MetadataExt::nlink(there) > 1
}

/// Always false: this system reports the number of hard links of open files only.
#[cfg(not(unix))]
fn has_hard_links(_there: &Metadata) -> bool {
    false
}

/// Creates the folder; a file at its path is removed.
pub(crate) fn make_folder(path: &SandboxedPath) -> Result<(), CopyError> {
    if path.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        return Ok(());
    }
    path.remove().map_err(at("remove", path))?;
    path.create_private_folder().map_err(at("create the folder", path))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::{lock_existing, reserve};
    use crate::storage::allowed_roots::FileAccess;
    use crate::transfer::error::CopyError;

    #[test]
    fn a_part_file_has_one_writer_and_is_not_reopened_after_its_rename() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        for is_folder in [false, true] {
            let part = FileAccess::Unrestricted.destination(&dir.path().join(format!("{is_folder}.mftplus-part")))?;
            let first = reserve(&part, is_folder)?;
            assert!(matches!(reserve(&part, is_folder), Err(CopyError::InUse(_))));
            assert!(matches!(reserve(&part, !is_folder), Err(CopyError::InUse(_))));
            assert!(matches!(lock_existing(&part), Err(CopyError::InUse(_))));
            let done = dir.path().join(format!("{is_folder}"));
            fs::rename(part.as_path(), &done)?;
            let second = reserve(&part, is_folder)?;
            assert!(part.as_path().exists() && done.exists());
            drop((first, second));
            assert!(lock_existing(&part)?.is_some());
            assert!(reserve(&part, is_folder).is_ok());
        }
        Ok(())
    }
}
