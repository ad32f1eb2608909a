//! Locks and removes the part files and folders of a copy. Local parts are locked, so that only one copy writes to
//! each.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::TransferStorage;
use crate::transfer::error::CopyError;
use crate::transfer::part_lock::{self, Reserved};
use crate::transfer::storage_copy::destination_paths::create_folders;

/// Creates and locks a local part, so that no other copy writes to it. `None` on a server, where the tag in its name
/// distinguishes the part, and on systems where a lock would block the copy itself.
pub(crate) fn lock(
    target: &dyn TransferStorage,
    part: &StoragePath,
    is_folder: bool,
) -> Result<Option<Reserved>, CopyError> {
    match target.local_path(part) {
        // On other systems, the lock would also block the writes of this copy.
        Some(local) if cfg!(unix) => {
            // The folder gets the permissions of other new folders.
            if is_folder {
                create_folders(target, part)?;
            }
            part_lock::reserve(&local, is_folder).map(Some)
        }
        _ => Ok(None),
    }
}

/// Locks an existing local part while it is published or removed; `None` on a server, or if there is nothing to lock.
pub(crate) fn lock_existing(target: &dyn TransferStorage, part: &StoragePath) -> Result<Option<Reserved>, CopyError> {
    match target.local_path(part) {
        Some(part) if cfg!(unix) => part_lock::lock_existing(&part),
        _ => Ok(None),
    }
}

/// Removes a part unless another copy has locked it. A missing part is not an error.
pub(crate) fn remove_part(target: &dyn TransferStorage, part: &StoragePath) -> Result<(), StorageError> {
    match target.local_path(part) {
        Some(local) if part_lock::is_in_use(&local) => Ok(()),
        _ => remove_if_there(target, part),
    }
}

/// Removes a file, or a folder with its content. A missing one is not an error.
pub(crate) fn remove_if_there(storage: &dyn TransferStorage, path: &StoragePath) -> Result<(), StorageError> {
    match storage.remove(path) {
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
