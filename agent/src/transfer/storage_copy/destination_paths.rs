//! The paths of a copy: its final path, which is chosen once, and the paths of its part files.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::part_name::{MAX_NAME, name_of_bytes};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{EntryKind, Metadata, TransferStorage};
use crate::storage::usage_error::UsageError;
use crate::transfer::copy_rules::OnExists;
use crate::transfer::error::CopyError;
use crate::transfer::source_entries::PlanError;
use crate::transfer::state::{Staging, StreamState};
use crate::transfer::storage_copy::plan::StreamPlan;

/// The maximum number of names that are tried for `onExists: rename`.
pub(crate) const MAX_NAMES: u32 = 1000;

/// The maximum number of bytes of a character in UTF-8.
const MAX_CHARACTER: usize = 4;

/// Returns the path of the copy in the storage of the destination. The first attempt chooses it and records it in
/// `stream`.
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

/// The path at which the file `relative` of the copy `base` is written before it is published.
pub(crate) fn staged_path(stream: &StreamState, base: &StoragePath, relative: &StoragePath) -> StoragePath {
    match stream.staging {
        Staging::Each => part_of(&base.append(relative), stream.part_tag.as_deref()),
        Staging::Whole => part_folder(stream, base).append(relative),
        Staging::Direct => base.append(relative),
    }
}

/// The part folder of the copy `base`, for the staging [`Staging::Whole`].
pub(crate) fn part_folder(stream: &StreamState, base: &StoragePath) -> StoragePath {
    part_of(base, stream.part_tag.as_deref())
}

/// The path of the part file or folder of a copy to `path`: in the same folder, with the tag of the copy if it has one.
fn part_of(path: &StoragePath, tag: Option<&str>) -> StoragePath {
    path.with_file_name(name_of_bytes(path.file_name().unwrap_or_default(), tag))
}

/// The path with the name `name (number).ext`. `name` is shortened if the result would be too long.
pub(crate) fn numbered(path: &StoragePath, number: u32) -> StoragePath {
    let name = path.file_name().unwrap_or_default();
    let number = format!(" ({number})");
    let room = MAX_NAME.saturating_sub(number.len());
    // An extension that leaves no room for a character counts as part of the name.
    let is_stem = |at: &usize| *at > 0 && name.len() - at + MAX_CHARACTER <= room;
    let end = name.iter().rposition(|byte| *byte == b'.').filter(is_stem).unwrap_or(name.len());
    let (stem, extension) = name.split_at(end);
    let stem = beginning(stem, room.saturating_sub(extension.len()));
    path.with_file_name([stem, number.as_bytes(), extension].concat())
}

/// At most `most` bytes from the beginning of a name, without splitting a character.
fn beginning(name: &[u8], most: usize) -> &[u8] {
    let most = most.min(name.len());
    let is_boundary = |at: &usize| name.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let cut = (most.saturating_sub(MAX_CHARACTER - 1)..=most).rev().find(is_boundary).unwrap_or(most);
    &name[..cut]
}

fn lookup(storage: &dyn TransferStorage, path: &StoragePath) -> Result<Option<Metadata>, StorageError> {
    match storage.metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(None),
        // A server that only accepts uploads may hide its files.
        Err(error) if matches!(error.kind(), StorageErrorKind::PermissionDenied | StorageErrorKind::Unsupported) => {
            Ok(None)
        }
        Err(error) => Err(error),
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

/// Fails if the destination is the source or inside it.
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

/// Creates a folder and its missing parents; succeeds if it exists already.
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
        // A server that only accepts uploads may hide its folders. If the folder is missing, the later write fails.
        Err(error) if matches!(error.kind(), StorageErrorKind::PermissionDenied | StorageErrorKind::Unsupported) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{numbered, part_of};
    use crate::storage::part_name::MAX_NAME;
    use crate::storage::storage_path::StoragePath;

    #[test]
    fn numbers_stand_before_the_extension() -> anyhow::Result<()> {
        for (path, expected) in
            [("in/a.csv", "in/a (2).csv"), ("a", "a (2)"), (".profile", ".profile (2)"), ("a.tar.gz", "a.tar (2).gz")]
        {
            assert_eq!(numbered(&StoragePath::new(path.as_bytes())?, 2).to_str(), Some(expected));
        }
        let path = StoragePath::new(b"in/a")?;
        assert_eq!(part_of(&path, None).to_str(), Some("in/a.mftplus-part"));
        assert_eq!(part_of(&path, Some("01")).to_str(), Some("in/a.01.mftplus-part"));
        Ok(())
    }

    #[test]
    fn a_number_shortens_a_name_that_would_be_too_long() -> anyhow::Result<()> {
        let name = |path: &str, number| -> anyhow::Result<Vec<u8>> {
            let numbered = numbered(&StoragePath::new(path.as_bytes())?, number);
            Ok(numbered.file_name().unwrap_or_default().to_vec())
        };
        let longest = "a".repeat(MAX_NAME - 4);
        assert_eq!(name(&format!("in/{longest}.csv"), 1)?, format!("{} (1).csv", &longest[4..]).as_bytes());
        assert_eq!(name(&format!("in/{longest}.csv"), 10)?, format!("{} (10).csv", &longest[5..]).as_bytes());
        assert_eq!(name(&longest[4..], 1)?, format!("{} (1)", &longest[4..]).as_bytes());
        assert_eq!(name(&"ä".repeat(127), 1)?, format!("{} (1)", "ä".repeat(125)).as_bytes());
        let extension = format!("a.{}", "b".repeat(MAX_NAME - 2));
        assert_eq!(name(&extension, 1)?, format!("{} (1)", &extension[..MAX_NAME - 4]).as_bytes());
        let other = numbered(&StoragePath::new(&[0xa4_u8; MAX_NAME])?, 1);
        assert_eq!(other.file_name(), Some([&[0xa4_u8; MAX_NAME - 4][..], b" (1)"].concat().as_slice()));
        Ok(())
    }
}
