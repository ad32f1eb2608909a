//! Removes a file, or a folder with its content.

use crate::storage::error::StorageErrorKind;
use crate::storage::ftp::connection::Connection;
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::remote_path;
use crate::storage::transfer_storage::{EntryKind, MAX_DEPTH};

impl Connection {
    /// Removes a file, a link, or a folder with its content. The targets of links are not touched.
    pub(super) async fn remove(&mut self, path: &str) -> Result<(), Failure> {
        let refused = match self.delete(path).await {
            Err(failure) if failure.is_in_step() => failure,
            removed => return removed,
        };
        match self.symlink_metadata(path).await {
            Ok(metadata) if metadata.kind == EntryKind::Folder => self.remove_tree(path).await,
            Ok(_) => Err(refused.or_means(StorageErrorKind::PermissionDenied)),
            Err(failure) if failure.is_in_step() => Err(refused.or_means(StorageErrorKind::NotFound)),
            Err(failure) => Err(failure),
        }
    }

    async fn remove_tree(&mut self, top: &str) -> Result<(), Failure> {
        let mut waiting = vec![(top.to_owned(), 1)];
        let mut emptied = Vec::new();
        while let Some((folder, depth)) = waiting.pop() {
            if depth > MAX_DEPTH {
                let text = format!("folders are nested more than {MAX_DEPTH} levels deep");
                return Err(Failure::Other(StorageErrorKind::Other, text));
            }
            for entry in self.list(&folder).await? {
                let invalid = |text: &str| Failure::Other(StorageErrorKind::InvalidName, text.to_owned());
                let path = remote_path::join(&folder, remote_path::carried(&entry.name).map_err(invalid)?);
                match entry.metadata.kind {
                    EntryKind::Folder => waiting.push((path, depth + 1)),
                    _ => self.delete(&path).await?,
                }
            }
            emptied.push(folder);
        }
        // A listing may have changed the current folder, and some servers do not remove the current folder.
        match self.change_folder("/").await {
            Err(failure) if !failure.is_in_step() => return Err(failure),
            _ => {}
        }
        // Each folder was listed before the folders within it.
        for folder in emptied.iter().rev() {
            self.remove_folder(folder).await?;
        }
        Ok(())
    }
}
