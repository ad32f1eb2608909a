//! Publishes staged files: renames them to their final names. Can be repeated after a crash at any point.

use std::collections::BTreeSet;

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{EntryKind, TransferStorage};
use crate::transfer::copy_rules::OnExists;
use crate::transfer::error::CopyError;
use crate::transfer::part_lock::Reserved;
use crate::transfer::state::{Staging, StreamState};
use crate::transfer::storage_copy::destination_paths::{MAX_NAMES, numbered, part_folder, staged_path};
use crate::transfer::storage_copy::part_locks_and_removal::{lock_existing, remove_if_there, remove_part};
use crate::transfer::storage_copy::staged_file_list::{StagedFile, StagedFiles};

/// Publishes all staged files of the copy `base`. `lock` is the lock of its part folder, if this attempt has staged the
/// files. `was_staged_before` says that an earlier attempt has staged them, and may have published some.
pub(crate) fn publish(
    target: &dyn TransferStorage,
    base: &StoragePath,
    stream: &StreamState,
    staged: &mut StagedFiles,
    lock: Option<Reserved>,
    was_staged_before: bool,
) -> Result<(), CopyError> {
    match stream.staging {
        Staging::Direct => Ok(()),
        Staging::Whole => publish_folder(target, base, stream, staged, lock, was_staged_before),
        Staging::Each => publish_files(target, base, stream, staged, was_staged_before),
    }
}

/// Publishes each file. Files that are skipped are removed from the list, so that `afterSuccess` is not applied to
/// their sources.
fn publish_files(
    target: &dyn TransferStorage,
    base: &StoragePath,
    stream: &StreamState,
    staged: &mut StagedFiles,
    was_staged_before: bool,
) -> Result<(), CopyError> {
    // On a server, a part of this attempt cannot belong to another copy.
    let is_checked = was_staged_before || target.capabilities().free_reads;
    let mut skipped = Vec::new();
    let mut folders = BTreeSet::new();
    for (relative, file) in staged.iter() {
        let part = staged_path(stream, base, relative);
        // Locked until the file has its final name.
        let _lock = lock_existing(target, &part)?;
        if is_checked {
            check_part(target, &part, file)?;
        }
        let to = base.append(relative);
        if publish_file(target, &part, &to, file, stream.rules.on_exists)? {
            folders.extend(to.parent());
        } else {
            skipped.push(relative.clone());
        }
    }
    for folder in &folders {
        target.sync_folder(folder)?;
    }
    for relative in &skipped {
        staged.remove(relative).map_err(CopyError::State)?;
    }
    if !skipped.is_empty() {
        // Synced first: a file in the list whose part is missing counts as published.
        staged.sync().map_err(CopyError::State)?;
    }
    for relative in &skipped {
        let part = staged_path(stream, base, relative);
        if let Err(error) = remove_if_there(target, &part) {
            tracing::warn!(%error, "the copy of a skipped file cannot be removed; remove it by hand");
        }
    }
    Ok(())
}

/// Fails if this copy has not written the part. A part that is missing may be published already.
fn check_part(target: &dyn TransferStorage, part: &StoragePath, file: &StagedFile) -> Result<(), CopyError> {
    match target.symlink_metadata(part) {
        Ok(there) if file.has_become(&there) => Ok(()),
        Ok(_) => Err(CopyError::PartChanged(target.display(part))),
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn publish_folder(
    target: &dyn TransferStorage,
    base: &StoragePath,
    stream: &StreamState,
    staged: &StagedFiles,
    lock: Option<Reserved>,
    was_staged_before: bool,
) -> Result<(), CopyError> {
    let part = part_folder(stream, base);
    let _lock = if lock.is_some() { lock } else { lock_existing(target, &part)? };
    let is_checked = was_staged_before && target.capabilities().free_reads && exists(target, &part)?;
    if is_checked && !is_all_there(target, &part, staged)? {
        return Err(CopyError::PartChanged(target.display(&part)));
    }
    match target.rename(&part, base, false) {
        Ok(()) => {}
        // An earlier attempt may have renamed the folder.
        Err(error)
            if was_staged_before
                && error.kind() == StorageErrorKind::NotFound
                && is_all_there(target, base, staged)? => {}
        Err(error) => return Err(failed(error, target, base)),
    }
    Ok(target.sync_folder(&base.parent().unwrap_or_default())?)
}

fn exists(target: &dyn TransferStorage, path: &StoragePath) -> Result<bool, CopyError> {
    match target.symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether a folder contains all staged files.
fn is_all_there(target: &dyn TransferStorage, base: &StoragePath, staged: &StagedFiles) -> Result<bool, CopyError> {
    match target.symlink_metadata(base) {
        Ok(there) if there.kind == EntryKind::Folder => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == StorageErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    for (relative, file) in staged.iter() {
        if !is_there(target, &base.append(relative), file)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Publishes a file. Returns `false` if the file is skipped, because its destination exists.
fn publish_file(
    target: &dyn TransferStorage,
    part: &StoragePath,
    to: &StoragePath,
    file: &StagedFile,
    on_exists: OnExists,
) -> Result<bool, CopyError> {
    let replaces = on_exists == OnExists::Overwrite;
    if replaces && !target.capabilities().replaces_atomically {
        tracing::debug!(path = target.display(to), "an existing file is renamed before it is replaced");
    }
    let error = match target.rename(part, to, replaces) {
        Ok(()) => return Ok(true),
        Err(error) => error,
    };
    match error.kind() {
        // An earlier attempt has renamed the file.
        StorageErrorKind::NotFound if is_there(target, to, file)? => Ok(true),
        StorageErrorKind::NotFound if on_exists == OnExists::Rename && is_there_numbered(target, to, file)? => Ok(true),
        StorageErrorKind::AlreadyExists if on_exists == OnExists::Rename => {
            publish_numbered(target, part, to).map(|()| true)
        }
        StorageErrorKind::AlreadyExists if on_exists == OnExists::Skip => {
            tracing::warn!(path = target.display(to), "the destination appeared during the copy; the file is skipped");
            Ok(false)
        }
        _ => Err(failed(error, target, to)),
    }
}

fn publish_numbered(target: &dyn TransferStorage, part: &StoragePath, to: &StoragePath) -> Result<(), CopyError> {
    for number in 1..=MAX_NAMES {
        match target.rename(part, &numbered(to, number), false) {
            Err(error) if error.kind() == StorageErrorKind::AlreadyExists => {}
            renamed => return Ok(renamed?),
        }
    }
    Err(CopyError::Exists(target.display(to).into()))
}

/// Whether an earlier attempt has published the file under one of the names of [`publish_numbered`].
fn is_there_numbered(target: &dyn TransferStorage, path: &StoragePath, file: &StagedFile) -> Result<bool, CopyError> {
    for number in 1..=MAX_NAMES {
        match target.symlink_metadata(&numbered(path, number)) {
            Ok(there) if file.has_become(&there) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == StorageErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

fn is_there(target: &dyn TransferStorage, path: &StoragePath, file: &StagedFile) -> Result<bool, CopyError> {
    match target.symlink_metadata(path) {
        Ok(there) => Ok(file.has_become(&there)),
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn failed(error: StorageError, target: &dyn TransferStorage, path: &StoragePath) -> CopyError {
    match error.kind() {
        StorageErrorKind::AlreadyExists => CopyError::Exists(target.display(path).into()),
        _ => error.into(),
    }
}

/// Removes the staged files that are not published, after the copy has failed or was cancelled. Published files are not
/// touched.
pub(crate) fn discard(
    target: &dyn TransferStorage,
    base: &StoragePath,
    stream: &StreamState,
    staged: &StagedFiles,
) -> Result<(), StorageError> {
    let remove = |path: &StoragePath| remove_part(target, path);
    if stream.staging == Staging::Whole {
        return remove(&part_folder(stream, base));
    }
    if let Some(partial) = &stream.partial {
        let relative = StoragePath::from_stored(&partial.path)?;
        let is_done = stream.staging == Staging::Direct && staged.get(&relative).is_some();
        if !is_done {
            remove(&staged_path(stream, base, &relative))?;
        }
    }
    if stream.staging == Staging::Each {
        for relative in staged.iter().map(|(relative, _)| relative).chain(staged.begun()) {
            remove(&staged_path(stream, base, relative))?;
        }
    }
    Ok(())
}
