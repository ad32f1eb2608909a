//! Renames a file to its final name, on servers that replace an existing file and on servers that refuse to.

use std::mem;

use mftplus_protocol::characters::printable;
use tokio_util::sync::CancellationToken;

use crate::storage::error::StorageErrorKind;
use crate::storage::ftp::connection::Connection;
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::remote_path;
use crate::storage::part_name::name_of_bytes;
use crate::storage::transfer_storage::EntryKind;

impl Connection {
    /// Renames `from` to `to`. An existing file at `to` is replaced if `replace` is set, and is an error otherwise. If
    /// the server refuses to replace it, the old file is renamed first, and renamed back if the rename of `from` fails.
    pub(super) async fn publish(&mut self, from: &str, to: &str, replace: bool) -> Result<(), Failure> {
        if !replace {
            return match self.metadata(to).await {
                // If `from` is missing, the error must be `NotFound`: an earlier attempt may have renamed it.
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
        let aside = aside(from, to);
        // An earlier attempt may have left this file.
        let _ = self.delete(&aside).await;
        // Between the two renames nothing has the final name, so a stop of the transfer waits for both.
        let stop = mem::replace(&mut self.limits.stop, CancellationToken::new());
        let replaced = self.replace(from, to, &aside, refused).await;
        self.limits.stop = stop;
        replaced
    }

    /// Moves the file at `to` aside, and back if `from` cannot be renamed to it.
    async fn replace(&mut self, from: &str, to: &str, aside: &str, refused: Failure) -> Result<(), Failure> {
        if let Err(failure) = self.rename(to, aside).await {
            return Err(if failure.is_in_step() {
                refused.or_means(StorageErrorKind::PermissionDenied)
            } else {
                failure
            });
        }
        if let Err(failure) = self.rename(from, to).await {
            if let Err(stays) = self.rename(aside, to).await {
                let error = stays.into_error("rename", printable(aside), StorageErrorKind::Other);
                tracing::warn!(%error, "a replaced file cannot be moved back; rename it by hand");
            }
            return Err(failure);
        }
        // The new file has its final name, so a failure to remove the old one is only logged.
        if let Err(failure) = self.delete(aside).await {
            let error = failure.into_error("remove", printable(aside), StorageErrorKind::Other);
            tracing::warn!(%error, "a replaced file is not removed; remove it by hand");
        }
        Ok(())
    }
}

/// The temporary path of the old file at `to` while it is replaced, in the same folder. The name is derived from the
/// part file `from`, which belongs to one transfer, so that no other transfer uses it.
fn aside(from: &str, to: &str) -> String {
    let folder = remote_path::split(to).map_or("/", |(folder, _)| folder);
    let name = remote_path::split(from).map_or(from, |(_, name)| name);
    remote_path::join(folder, &String::from_utf8_lossy(&name_of_bytes(name.as_bytes(), Some("old"))))
}

#[cfg(test)]
mod tests {
    use super::aside;

    #[test]
    fn a_replaced_file_is_kept_beside_the_new_one_under_the_name_of_its_transfer() {
        assert_eq!(aside("/in/a.01.mftplus-part", "/in/a"), "/in/a.01.mftplus-part.old.mftplus-part");
        let longest = aside(&format!("/{}", "\u{e4}".repeat(127)), "/b");
        assert!(longest.len() <= 256 && longest.ends_with(".old.mftplus-part"), "{longest}");
    }
}
