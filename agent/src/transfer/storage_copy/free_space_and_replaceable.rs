//! Checks of the destination before anything is written: entries that a file must not replace, and free space.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{EntryKind, TransferStorage};
use crate::transfer::error::CopyError;
use crate::transfer::state::StreamState;
use crate::transfer::storage_copy::plan::StreamPlan;
use crate::transfer::storage_copy::staged_file_list::StagedFiles;

/// Fails if `path` is a folder or a special file, which a file must not replace. On a server this is not checked,
/// because that needs a request for each file; the later rename fails instead.
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

/// Fails if the destination reports less free space than a new copy needs. A copy that has begun is not checked.
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
