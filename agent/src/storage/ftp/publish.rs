//! How a file gets its final name, on servers that rename over a file and on those that refuse to.

use crate::storage::error::StorageErrorKind;
use crate::storage::ftp::connection::Connection;
use crate::storage::ftp::reply::Failure;
use crate::storage::part_name;
use crate::storage::transfer_storage::EntryKind;

impl Connection {
    /// Renames; `replace` decides about a file at `to`. Where the server does not rename over it, the file is moved
    /// aside first, and moved back if the renaming fails.
    pub(super) async fn publish(&mut self, from: &str, to: &str, replace: bool) -> Result<(), Failure> {
        if !replace {
            return match self.metadata(to).await {
                // A missing file must not look like a name that is taken: an earlier attempt may have renamed it.
                Ok(_) => match self.metadata(from).await {
                    Ok(_) => Err(Failure::Other(StorageErrorKind::AlreadyExists, "the destination exists".to_owned())),
                    Err(missing) => Err(missing.or_means(StorageErrorKind::NotFound)),
                },
                Err(failure) if failure.is_in_step() => self.rename(from, to).await,
                Err(failure) => Err(failure),
            };
        }
        self.begin_rename(from).await?;
        let refused = match self.rename_to(to).await {
            Err(failure) if failure.is_in_step() => failure,
            renamed => return renamed,
        };
        match self.metadata(to).await {
            Ok(metadata) if metadata.kind == EntryKind::File => {}
            Err(failure) if !failure.is_in_step() => return Err(failure),
            _ => return Err(refused.or_means(StorageErrorKind::PermissionDenied)),
        }
        let aside = format!("{to}.old{}", part_name::SUFFIX);
        // Of an earlier attempt.
        let _ = self.delete(&aside).await;
        if let Err(failure) = self.rename(to, &aside).await {
            return Err(if failure.is_in_step() {
                refused.or_means(StorageErrorKind::PermissionDenied)
            } else {
                failure
            });
        }
        if let Err(failure) = self.rename(from, to).await {
            let _ = self.rename(&aside, to).await;
            return Err(failure);
        }
        // The new file is in its place, whatever becomes of the old one.
        let _ = self.delete(&aside).await;
        Ok(())
    }
}
