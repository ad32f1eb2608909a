//! Converts the attributes of files between SFTP and copies.

use std::time::{Duration, UNIX_EPOCH};

use russh_sftp::protocol::FileAttributes;

use crate::storage::error::StorageErrorKind as Kind;
use crate::storage::sftp::failure::Failure;
use crate::storage::transfer_storage::{Attributes, EntryKind, Metadata};

/// The bits of a mode that encode the kind of an entry, and their values.
const KIND: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// The bits that may be set.
const PERMISSIONS: u32 = 0o7777;

/// The metadata of an entry. `long_name` is its line in the style of `ls -l`, empty outside of listings. The kind is
/// taken from it if the mode does not contain one.
pub(crate) fn metadata_of(attributes: &FileAttributes, long_name: &str) -> Metadata {
    let kind = match attributes.permissions.unwrap_or_default() & KIND {
        FILE => EntryKind::File,
        FOLDER => EntryKind::Folder,
        LINK => EntryKind::Link,
        0 => match long_name.bytes().next() {
            Some(b'd') => EntryKind::Folder,
            Some(b'l') => EntryKind::Link,
            Some(b'b' | b'c' | b'p' | b's') => EntryKind::Special,
            _ => EntryKind::File,
        },
        _ => EntryKind::Special,
    };
    Metadata {
        kind,
        size: attributes.size.unwrap_or_default(),
        modified: attributes.mtime.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds.into())),
        mode: attributes.permissions.map(|mode| mode & PERMISSIONS),
    }
}

/// The attributes to send in a request that sets `attributes`; `None` if there is nothing to set. Fails for times that
/// SFTP cannot express.
pub(crate) fn to_set(attributes: Attributes) -> Result<Option<FileAttributes>, Failure> {
    let mut request = FileAttributes::empty();
    request.permissions = attributes.mode.map(|mode| mode & PERMISSIONS);
    if let Some(modified) = attributes.modified {
        let since = modified.duration_since(UNIX_EPOCH).map(|since| u32::try_from(since.as_secs()));
        let Ok(Ok(seconds)) = since else {
            let why = "SFTP has no times before 1970 or after 2106: copy without the modified times";
            return Err(Failure::new(Kind::Unsupported, why));
        };
        // SFTP can only set both times together.
        (request.atime, request.mtime) = (Some(seconds), Some(seconds));
    }
    Ok((request.permissions.is_some() || request.mtime.is_some()).then_some(request))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use russh_sftp::protocol::FileAttributes;

    use super::{metadata_of, to_set};
    use crate::storage::transfer_storage::{Attributes, EntryKind};

    #[test]
    fn the_kind_of_an_entry_is_in_its_mode_or_else_in_its_line_of_the_listing() {
        for (permissions, long_name, kind) in [
            (Some(0o100_644), "", EntryKind::File),
            (Some(0o040_755), "", EntryKind::Folder),
            (Some(0o120_777), "", EntryKind::Link),
            (Some(0o010_644), "", EntryKind::Special),
            (Some(0o755), "drwxr-xr-x 2 a a 4096 Jan 1 00:00 a", EntryKind::Folder),
            (None, "lrwxrwxrwx", EntryKind::Link),
            (None, "-rw-r--r--", EntryKind::File),
            (None, "", EntryKind::File),
        ] {
            let attributes = FileAttributes { permissions, ..FileAttributes::empty() };
            let metadata = metadata_of(&attributes, long_name);
            assert_eq!((metadata.kind, metadata.mode), (kind, permissions.map(|mode| mode & 0o777)), "{long_name}");
        }
    }

    #[test]
    fn only_times_that_sftp_has_are_set() {
        let time = |modified| to_set(Attributes { modified: Some(modified), mode: None });
        let second = Duration::from_secs(1);
        let set = time(UNIX_EPOCH + second).ok().flatten();
        assert_eq!(set.map(|set| (set.mtime, set.atime, set.permissions)), Some((Some(1), Some(1), None)));
        assert!(time(UNIX_EPOCH - second).is_err());
        assert!(time(UNIX_EPOCH + Duration::from_secs(1 << 32)).is_err());
        let set = to_set(Attributes { modified: None, mode: Some(0o100_640) }).ok().flatten();
        assert_eq!(set.and_then(|set| set.permissions), Some(0o640));
        assert!(to_set(Attributes { modified: None, mode: None }).is_ok_and(|set| set.is_none()));
    }
}
