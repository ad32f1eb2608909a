//! Deletes or moves the source files of a copy once it is published, and only those that it has copied.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::EntryKind;
use crate::transfer::bounded_messages::BoundedMessages;
use crate::transfer::error::CopyError;
use crate::transfer::rules::AfterSuccess;
use crate::transfer::stream::destination_paths::{MAX_NAMES, create_folders, numbered};
use crate::transfer::stream::staged::{StagedFile, StagedFiles};

/// Applies the rule to each file that was staged. A file that changed since, whose copy could not be compared with it, that an
/// earlier attempt has deleted or moved, or that is behind a link, which could lead out of the source, is left alone; so is a
/// link that is the source itself. `base` is the folder of the files, or the one file.
pub(crate) fn finish(
    source: &Opened,
    base: &StoragePath,
    rule: &AfterSuccess,
    staged: &StagedFiles,
) -> Result<(), CopyError> {
    let mut failures = BoundedMessages::default();
    for (relative, file) in staged.iter().filter(|(_, file)| !file.is_link && !file.is_behind_link) {
        if file.is_unverified {
            let path = source.storage.display(&base.append(relative));
            tracing::warn!(
                path,
                "the destination does not show the copy of the file to compare it, so the source is kept"
            );
            continue;
        }
        if relative.as_bytes().is_empty() && is_link(source, base)? {
            let path = source.storage.display(base);
            tracing::warn!(path, "the source is a link, so it and what it leads to are kept");
            continue;
        }
        let result = match rule {
            AfterSuccess::Keep => return Ok(()),
            AfterSuccess::Delete => delete(source, &base.append(relative), file),
            AfterSuccess::MoveTo(folder) => move_to(source, (base, relative), folder, file),
        };
        match result.map_err(CopyError::from) {
            Ok(()) => {}
            Err(error) if error.is_temporary() || matches!(error, CopyError::Stopped) => return Err(error),
            Err(error) => failures.add(&error),
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(CopyError::SourceKept(failures)) }
}

fn delete(source: &Opened, path: &StoragePath, file: &StagedFile) -> Result<(), StorageError> {
    if !is_unchanged(source, path, file)? {
        return Ok(());
    }
    source.storage.remove(path)
}

fn move_to(
    source: &Opened,
    (base, relative): (&StoragePath, &StoragePath),
    folder: &str,
    file: &StagedFile,
) -> Result<(), StorageError> {
    let path = base.append(relative);
    if !is_unchanged(source, &path, file)? {
        return Ok(());
    }
    let to = match base.file_name().filter(|_| relative.as_bytes().is_empty()) {
        Some(name) => destination(&source.root, &base.parent().unwrap_or_default(), folder)?.join(name)?,
        None => destination(&source.root, base, folder)?.append(relative),
    };
    if let Some(parent) = to.parent() {
        create_folders(source.storage.as_ref(), &parent)?;
    }
    let mut result = source.storage.rename(&path, &to, false);
    for number in 1..=MAX_NAMES {
        match &result {
            // Files of the same name that were moved there earlier are kept.
            Err(error) if error.kind() == StorageErrorKind::AlreadyExists => {
                result = source.storage.rename(&path, &numbered(&to, number), false);
            }
            _ => break,
        }
    }
    result
}

/// The folder of the rule `moveTo`: an absolute path, or one below `above`. `root` is the absolute path of the storage's root.
fn destination(root: &[u8], above: &StoragePath, folder: &str) -> Result<StoragePath, StorageError> {
    if !folder.starts_with('/') {
        return StoragePath::new(folder.as_bytes()).map(|below| above.append(&below));
    }
    let root = root.strip_suffix(b"/").unwrap_or(root);
    match folder.as_bytes().strip_prefix(root) {
        Some(below) if below.first() == Some(&b'/') => StoragePath::new(below),
        _ => Err(StorageError::new(
            StorageErrorKind::PermissionDenied,
            "move a file to",
            folder,
            "it is outside the folder that holds the source; choose a folder inside it",
        )),
    }
}

/// Whether the one file of a copy was named by a link.
fn is_link(source: &Opened, path: &StoragePath) -> Result<bool, StorageError> {
    if source.is_link {
        return Ok(true);
    }
    match source.storage.symlink_metadata(path) {
        Ok(there) => Ok(there.kind == EntryKind::Link),
        // An earlier attempt has deleted or moved it.
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the source is still the file that was copied.
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

#[cfg(test)]
mod tests {
    use super::destination;
    use crate::storage::error::StorageErrorKind;
    use crate::storage::storage_path::StoragePath;

    #[test]
    fn an_absolute_path_is_that_of_the_server_also_below_the_login_folder() -> anyhow::Result<()> {
        let above = StoragePath::new(b"out")?;
        for (root, folder, expected) in [
            ("/", "/home/orders/done", "home/orders/done"),
            ("/home/orders", "/home/orders/done/", "done"),
            ("/home/orders/", "/home/orders/done", "done"),
            ("/home/orders", "done", "out/done"),
        ] {
            let found = destination(root.as_bytes(), &above, folder)?;
            assert_eq!(found, StoragePath::new(expected.as_bytes())?, "{folder} below {root}");
        }
        for folder in ["/done", "/home/orders2/done"] {
            let refused = destination(b"/home/orders", &above, folder).map_err(|error| error.kind());
            assert_eq!(refused, Err(StorageErrorKind::PermissionDenied), "{folder}");
        }
        Ok(())
    }
}
