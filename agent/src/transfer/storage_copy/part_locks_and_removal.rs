//! Locks and removes the parts of a copy. A local part is locked, so that no two copies write to it.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::TransferStorage;
use crate::transfer::error::CopyError;
use crate::transfer::part_lock::{self, Reserved};
use crate::transfer::storage_copy::destination_paths::create_folders;

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
