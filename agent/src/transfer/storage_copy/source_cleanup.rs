//! Applies `afterSuccess`: deletes or moves the source files of a published copy, and only files that were copied.

use std::collections::BTreeSet;

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::EntryKind;
use crate::transfer::bounded_messages::BoundedMessages;
use crate::transfer::copy_rules::AfterSuccess;
use crate::transfer::error::CopyError;
use crate::transfer::storage_copy::destination_paths::{MAX_NAMES, create_folders, numbered};
use crate::transfer::storage_copy::move_to_folder;
use crate::transfer::storage_copy::staged_file_list::{StagedFile, StagedFiles};

/// Applies `rule` to each copied file. `base` is the folder of the files, or the only file. Not touched are: files that
/// changed after they were copied, files whose copy could not be verified, files that were reached through a link, and
/// a source that is itself a link. Files that an earlier attempt has deleted or moved are ignored.
pub(crate) fn finish(
    source: &Opened,
    base: &StoragePath,
    rule: &AfterSuccess,
    staged: &StagedFiles,
) -> Result<(), CopyError> {
    let mut failures = BoundedMessages::default();
    let mut changed_folders = BTreeSet::new();
    for (relative, file) in staged.iter().filter(|(_, file)| !file.is_link && !file.is_behind_link) {
        if file.is_unverified {
            let path = source.storage.display(&base.append(relative));
            tracing::warn!(
                path,
                "the destination does not allow reading the copy to verify it, so the source file is kept"
            );
            continue;
        }
        match apply(source, base, relative, rule, file).map_err(CopyError::from) {
            Ok(changed) => changed_folders.extend(changed),
            Err(error) if error.is_temporary() || matches!(error, CopyError::Stopped) => return Err(error),
            Err(error) => failures.add(&error),
        }
    }
    // A file that is back in the source after a power failure would be copied again.
    for folder in &changed_folders {
        source.storage.sync_folder(folder)?;
    }
    if failures.is_empty() { Ok(()) } else { Err(CopyError::SourceKept(failures)) }
}

/// Applies `rule` to one file. Returns the folder that it was moved to, if it was moved.
fn apply(
    source: &Opened,
    base: &StoragePath,
    relative: &StoragePath,
    rule: &AfterSuccess,
    file: &StagedFile,
) -> Result<Option<StoragePath>, StorageError> {
    if relative.as_bytes().is_empty() && is_link(source, base)? {
        let path = source.storage.display(base);
        tracing::warn!(path, "the source is a symbolic link, so the link and its target are kept");
        return Ok(None);
    }
    match rule {
        AfterSuccess::Keep => Ok(None),
        AfterSuccess::Delete => delete(source, &base.append(relative), file).map(|()| None),
        AfterSuccess::MoveTo(folder) => move_file(source, base, relative, folder, file),
    }
}

fn delete(source: &Opened, path: &StoragePath, file: &StagedFile) -> Result<(), StorageError> {
    if !is_unchanged(source, path, file)? {
        return Ok(());
    }
    source.storage.remove(path)
}

fn move_file(
    source: &Opened,
    base: &StoragePath,
    relative: &StoragePath,
    folder: &str,
    file: &StagedFile,
) -> Result<Option<StoragePath>, StorageError> {
    let path = base.append(relative);
    if !is_unchanged(source, &path, file)? {
        return Ok(None);
    }
    let to = match base.file_name().filter(|_| relative.as_bytes().is_empty()) {
        Some(name) => move_to_folder::folder(&source.root, &base.parent().unwrap_or_default(), folder)?.join(name)?,
        None => move_to_folder::folder(&source.root, base, folder)?.append(relative),
    };
    let parent = to.parent();
    if let Some(parent) = &parent {
        create_folders(source.storage.as_ref(), parent)?;
    }
    let mut result = source.storage.rename(&path, &to, false);
    for number in 1..=MAX_NAMES {
        match &result {
            // Files with the same name that were moved earlier are kept.
            Err(error) if error.kind() == StorageErrorKind::AlreadyExists => {
                result = source.storage.rename(&path, &numbered(&to, number), false);
            }
            _ => break,
        }
    }
    result.map(|()| parent)
}

/// Whether the source is a symbolic link to the only file of the copy.
fn is_link(source: &Opened, path: &StoragePath) -> Result<bool, StorageError> {
    if source.is_link {
        return Ok(true);
    }
    match source.storage.symlink_metadata(path) {
        Ok(there) => Ok(there.kind == EntryKind::Link),
        // An earlier attempt has deleted or moved the file.
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the source still has the size and modification time of the copied file. If it is missing, an earlier attempt
/// has deleted or moved it.
fn is_unchanged(source: &Opened, path: &StoragePath, file: &StagedFile) -> Result<bool, StorageError> {
    match source.storage.metadata(path) {
        Ok(there) if there.kind == EntryKind::File && file.is_of(&there) => Ok(true),
        Ok(_) => {
            tracing::warn!(
                path = source.storage.display(path),
                "the source changed after it was copied, so it is kept"
            );
            Ok(false)
        }
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
