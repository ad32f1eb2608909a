//! The folder to which the rule `moveTo` moves source files.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::storage_path::StoragePath;

/// The folder of the rule `moveTo` as a path in the storage. `written` is an absolute path, which must be below `root`,
/// the absolute path of the storage's root, or a path relative to `above`.
pub(crate) fn folder(root: &[u8], above: &StoragePath, written: &str) -> Result<StoragePath, StorageError> {
    if !written.starts_with('/') {
        return StoragePath::new(written.as_bytes()).map(|below| above.append(&below));
    }
    let root = root.strip_suffix(b"/").unwrap_or(root);
    match written.as_bytes().strip_prefix(root) {
        Some(below) if below.first() == Some(&b'/') => StoragePath::new(below),
        _ => Err(StorageError::new(
            StorageErrorKind::PermissionDenied,
            "move a file to",
            written,
            "it is outside the folder that holds the source; choose a folder inside it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::folder;
    use crate::storage::error::StorageErrorKind;
    use crate::storage::storage_path::StoragePath;

    #[test]
    fn an_absolute_path_is_that_of_the_server_also_below_the_login_folder() -> anyhow::Result<()> {
        let above = StoragePath::new(b"out")?;
        for (root, written, expected) in [
            ("/", "/home/orders/done", "home/orders/done"),
            ("/home/orders", "/home/orders/done/", "done"),
            ("/home/orders/", "/home/orders/done", "done"),
            ("/home/orders", "done", "out/done"),
        ] {
            let found = folder(root.as_bytes(), &above, written)?;
            assert_eq!(found, StoragePath::new(expected.as_bytes())?, "{written} below {root}");
        }
        for written in ["/done", "/home/orders2/done"] {
            let refused = folder(b"/home/orders", &above, written).map_err(|error| error.kind());
            assert_eq!(refused, Err(StorageErrorKind::PermissionDenied), "{written}");
        }
        Ok(())
    }
}
