//! Where a copy is written: its path, chosen once, and the paths of its parts.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{EntryKind, Metadata, TransferStorage};
use crate::storage::usage_error::UsageError;
use crate::transfer::error::CopyError;
use crate::transfer::part_lock::{self, Reserved};
use crate::transfer::rules::OnExists;
use crate::transfer::source_entries::PlanError;
use crate::transfer::state::{Staging, StreamState};
use crate::transfer::stream::destination_names::{numbered, part_of};
use crate::transfer::stream::plan::StreamPlan;
use crate::transfer::stream::staged::StagedFiles;

/// The maximum number of names that are tried for `onExists: rename`.
pub(crate) const MAX_NAMES: u32 = 1000;

/// The path of the copy: the one that an earlier attempt has chosen, or a new choice.
///
/// A file is copied into a folder (existing, or written with `/` at its end), else as the destination. The files of a
/// pattern, and the content of a folder that is written with `/` at its end, are copied into the destination. Any other folder
/// is copied as the destination, or into it if that is written with `/` at its end.
pub(crate) fn choose(
    stream: &mut StreamState,
    plan: &StreamPlan,
    source: &Opened,
    destination: &Opened,
) -> Result<StoragePath, CopyError> {
    if let Some(chosen) = &stream.target {
        return Ok(StoragePath::from_stored(chosen)?);
    }
    let target = destination.storage.as_ref();
    let mut base = destination.path.clone();
    let mut there = lookup(target, &base)?;
    let is_folder = |there: Option<Metadata>| there.is_some_and(|there| there.kind == EntryKind::Folder);
    let goes_into = if plan.is_pattern {
        false
    } else if plan.is_folder {
        destination.is_folder && !source.is_folder
    } else {
        destination.is_folder || is_folder(there)
    };
    if goes_into {
        let Some(name) = plan.base.file_name() else {
            let shown = source.storage.display(&plan.base);
            let problem = format!("{shown} has no file name; give the full path of the copy as the destination");
            return Err(PlanError::Name(UsageError(problem)).into());
        };
        base = base.join(name)?;
        there = lookup(target, &base)?;
    }
    if there.is_some() && is_folder(there) != plan.is_folder {
        return Err(CopyError::KindMismatch(target.display(&base).into()));
    }
    refuse_itself(plan, source, destination, &base)?;
    if there.is_some() && !plan.is_folder && stream.rules.on_exists == OnExists::Rename {
        base = free_name(target, &base)?;
    }
    stream.staging = match there {
        _ if destination.uploads_directly => Staging::Direct,
        None if plan.is_folder && base.file_name().is_some() => Staging::Whole,
        _ => Staging::Each,
    };
    stream.origin = Some(plan.base.to_stored());
    stream.target = Some(base.to_stored());
    Ok(base)
}

/// The path under which the file `relative` of the copy `base` is staged.
pub(crate) fn staged_path(stream: &StreamState, base: &StoragePath, relative: &StoragePath) -> StoragePath {
    match stream.staging {
        Staging::Each => part_of(&base.append(relative), stream.part_tag.as_deref()),
        Staging::Whole => part_folder(stream, base).append(relative),
        Staging::Direct => base.append(relative),
    }
}

/// The part folder of the copy `base`, for a copy that has one.
pub(crate) fn part_folder(stream: &StreamState, base: &StoragePath) -> StoragePath {
    part_of(base, stream.part_tag.as_deref())
}

/// Creates and locks a local part, so that no other copy writes to it. On a server its tag does that.
pub(crate) fn lock(
    target: &dyn TransferStorage,
    part: &StoragePath,
    is_folder: bool,
) -> Result<Option<Reserved>, CopyError> {
    match target.local_path(part) {
        // On other systems the lock would keep this copy from writing, too.
        Some(local) if cfg!(unix) => {
            // With the permissions of other new folders.
            if is_folder {
                create_folders(target, part)?;
            }
            part_lock::reserve(&local, is_folder).map(Some)
        }
        _ => Ok(None),
    }
}

/// Locks a local part that is there, while it is published or removed.
pub(crate) fn hold(target: &dyn TransferStorage, part: &StoragePath) -> Result<Option<Reserved>, CopyError> {
    match target.local_path(part) {
        Some(part) if cfg!(unix) => part_lock::hold(&part),
        _ => Ok(None),
    }
}

/// Removes a part, unless another copy writes it; a missing one is no error.
pub(crate) fn remove_part(target: &dyn TransferStorage, part: &StoragePath) -> Result<(), StorageError> {
    match target.local_path(part) {
        Some(local) if part_lock::is_in_use(&local) => Ok(()),
        _ => remove_if_there(target, part),
    }
}

/// Removes a file, or a folder with its content; a missing one is no error.
pub(crate) fn remove_if_there(storage: &dyn TransferStorage, path: &StoragePath) -> Result<(), StorageError> {
    match storage.remove(path) {
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn lookup(storage: &dyn TransferStorage, path: &StoragePath) -> Result<Option<Metadata>, StorageError> {
    match storage.metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(None),
        // A drop box may hide what it holds.
        Err(error) if matches!(error.kind(), StorageErrorKind::PermissionDenied | StorageErrorKind::Unsupported) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Refuses what a file must not replace. A server, which would have to be asked for each file, refuses it when the file gets
/// its name.
pub(crate) fn require_replaceable(target: &dyn TransferStorage, path: &StoragePath) -> Result<(), CopyError> {
    if !target.capabilities().free_reads {
        return Ok(());
    }
    let shown = || target.display(path).into();
    match target.symlink_metadata(path) {
        Ok(there) if there.kind == EntryKind::Folder => Err(CopyError::KindMismatch(shown())),
        Ok(there) if there.kind == EntryKind::Special => {
            Err(CopyError::Special { path: shown(), kind: "a special file" })
        }
        Err(error) if error.kind() != StorageErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn free_name(storage: &dyn TransferStorage, path: &StoragePath) -> Result<StoragePath, CopyError> {
    for number in 1..=MAX_NAMES {
        let name = numbered(path, number);
        if lookup(storage, &name)?.is_none() {
            return Ok(name);
        }
    }
    Err(CopyError::Exists(storage.display(path).into()))
}

/// Rejects a copy onto or into itself.
fn refuse_itself(
    plan: &StreamPlan,
    source: &Opened,
    destination: &Opened,
    base: &StoragePath,
) -> Result<(), CopyError> {
    let (from, to) = (source.storage.display(&plan.base), destination.storage.display(base));
    let problem = if from == to {
        format!("{from} and {to} are the same; choose another destination")
    } else if plan.is_folder && !plan.is_pattern && to.starts_with(&format!("{}/", from.trim_end_matches('/'))) {
        format!("{to} is inside {from}; choose a destination outside it")
    } else {
        return Ok(());
    };
    Err(PlanError::Name(UsageError(problem)).into())
}

/// Refuses a copy for which the destination says that it has not enough space.
pub(crate) fn check_space(
    plan: &StreamPlan,
    stream: &StreamState,
    destination: &Opened,
    base: &StoragePath,
    staged: &StagedFiles,
) -> Result<(), CopyError> {
    let has_begun = !staged.is_empty() || stream.partial.is_some();
    let folder = base.parent().unwrap_or_default();
    match destination.storage.free_space(&folder) {
        Some(free) if free < plan.total && !has_begun => {
            let detail = format!("{} bytes are needed, and {free} are free", plan.total);
            let path = destination.storage.display(&folder);
            Err(StorageError::new(StorageErrorKind::NoSpace, "write to", path, detail).into())
        }
        _ => Ok(()),
    }
}

/// Creates a folder and those above it that are missing.
pub(crate) fn create_folders(target: &dyn TransferStorage, folder: &StoragePath) -> Result<(), StorageError> {
    match target.metadata(folder) {
        Ok(there) if there.kind == EntryKind::Folder => Ok(()),
        Ok(_) => {
            let (path, detail) = (target.display(folder), "there is something else of this name");
            Err(StorageError::new(StorageErrorKind::NotAFolder, "create the folder", path, detail))
        }
        Err(error) if error.kind() == StorageErrorKind::NotFound => {
            if let Some(parent) = folder.parent() {
                create_folders(target, &parent)?;
            }
            target.create_folder(folder)
        }
        // A drop box may hide its folders: then the write tells.
        Err(error) if matches!(error.kind(), StorageErrorKind::PermissionDenied | StorageErrorKind::Unsupported) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}
