//! The agent's own JSON files, which survive a power failure: content is written to a temporary file, synced and
//! renamed, and the previous version is kept as `.bak`. A file that cannot be deserialized to its type counts as
//! damaged, even if it is valid JSON. Each error names the file and says what to do.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storage::path_text::text;

/// The result of reading a state file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored<T> {
    /// The file does not exist.
    Missing,
    /// The file is valid.
    Whole(T),
    /// The file is damaged, or missing where [`read_kept`] reads it; its previous version is valid.
    Previous(T),
    /// The file and its previous version are damaged.
    Damaged,
}

impl<T> Stored<T> {
    /// The content of the newest valid version; `None` if there is none.
    pub(crate) fn content(self) -> Option<T> {
        match self {
            Self::Whole(content) | Self::Previous(content) => Some(content),
            Self::Missing | Self::Damaged => None,
        }
    }
}

/// Reads a file that [`write_durably`] wrote. A damaged file is not an error. A folder at `path` is an error only if
/// there is no previous version.
pub(crate) fn read_stored<T: DeserializeOwned>(path: &Path) -> io::Result<Stored<T>> {
    let found = fs::read(path);
    if let Some(content) = found.as_ref().ok().and_then(|text| serde_json::from_slice(text).ok()) {
        return Ok(Stored::Whole(content));
    }
    let folder = match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::Missing),
        Err(error) if !path.is_dir() => return Err(with_path("read", path)(error)),
        Err(error) => Some(error),
        Ok(_) => None,
    };
    let previous = fs::read(previous(path)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    match (previous, folder) {
        (Some(previous), _) => Ok(Stored::Previous(previous)),
        (None, Some(error)) => Err(with_path("read", path)(error)),
        (None, None) => Ok(Stored::Damaged),
    }
}

/// Like [`read_stored`], for a file that the agent never removes: if the file is missing, a user has deleted it, and
/// its previous version is used.
pub(crate) fn read_kept<T: DeserializeOwned>(path: &Path) -> io::Result<Stored<T>> {
    let stored = read_stored(path)?;
    if !matches!(stored, Stored::Missing) {
        return Ok(stored);
    }
    let previous = fs::read(previous(path)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    Ok(previous.map_or(Stored::Missing, Stored::Previous))
}

/// Restores a missing or damaged `.bak` file from the file at `path`, if that is valid. A failure is only logged.
pub(crate) fn restore_previous<T: DeserializeOwned>(path: &Path) {
    let previous = previous(path);
    if read_whole::<T>(&previous).is_some() {
        return;
    }
    if let Some(bytes) = read_whole::<T>(path) {
        // A copy and not a hard link, so that damage to one file does not affect the other.
        let restored = write_beside(&previous, &bytes).and_then(|beside| put_in_place(&beside, &previous));
        if let Err(error) = restored {
            tracing::debug!(path = text(&previous), %error, "the second copy of a state file cannot be restored");
        }
    }
}

/// Renames a damaged file by appending `.damaged`, so that it can be inspected. Returns the new path.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = with_suffix(path, ".damaged");
    let moved = fs::rename(path, &aside).and_then(|()| sync_parent(path));
    moved.map(|()| aside).map_err(with_path("rename", path))
}

/// Removes a state file with its previous version.
pub(crate) fn remove_stored(path: &Path) -> io::Result<()> {
    let previous = previous(path);
    match remove(&previous) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => remove(path),
    }
}

/// Removes a state file, without its previous version.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).map_err(with_path("remove", path))
}

/// The time since a state file was written.
pub(crate) fn age(path: &Path) -> io::Result<Duration> {
    let modified = fs::metadata(path).and_then(|there| there.modified()).map_err(with_path("inspect", path))?;
    Ok(modified.elapsed().unwrap_or_default())
}

/// Adds the failed action, the path and advice to an error. The kind of the error does not change.
pub(crate) fn with_path(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| {
        let advice = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "run the command as the owner of the agent's state folder, or make that user the owner of all files in it"
            }
            io::ErrorKind::IsADirectory => "there is a folder instead of a file: move the folder away",
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                "there is something else instead of a folder: move it away"
            }
            io::ErrorKind::NotFound => "remove it if it is a link, and create its folder if that is missing",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space there",
            io::ErrorKind::ReadOnlyFilesystem => "make the file system writable, or give another --state-dir",
            _ => "the agent's user must be able to read and write it",
        };
        io::Error::new(error.kind(), format!("cannot {action} {}: {error}; {advice}", text(path)))
    }
}

fn previous(path: &Path) -> PathBuf {
    with_suffix(path, ".bak")
}

/// Replaces the file with `content` as JSON, atomically and durably, and keeps the previous version. Only its owner can
/// read it.
pub(crate) fn write_durably<T: Serialize + DeserializeOwned>(path: &Path, content: &T) -> io::Result<()> {
    let bytes = serde_json::to_vec_pretty(content).map_err(io::Error::from);
    let written = bytes.and_then(|bytes| write_beside(path, &bytes)).and_then(|beside| {
        keep_previous::<T>(path);
        put_in_place(&beside, path)
    });
    written.map_err(with_path("write", path))
}

/// Writes and syncs `PATH.tmp`, and returns its path. The file at `path` is not changed.
pub(crate) fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let beside = with_suffix(path, ".tmp");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(beside)
}

/// Renames the temporary file `beside` to `path`, durably. If that fails, the temporary file is removed.
pub(crate) fn put_in_place(beside: &Path, path: &Path) -> io::Result<()> {
    if let Err(error) = fs::rename(beside, path) {
        // The next write creates it again.
        let _ = fs::remove_file(beside);
        return Err(error);
    }
    sync_parent(path)
}

/// The content of the file if it is a `T`.
fn read_whole<T: DeserializeOwned>(path: &Path) -> Option<Vec<u8>> {
    fs::read(path).ok().filter(|text| serde_json::from_slice::<T>(text).is_ok())
}

/// Keeps a valid file as its previous version, with a hard link. If that fails, for example on a file system without
/// hard links, no previous version is kept.
fn keep_previous<T: DeserializeOwned>(path: &Path) {
    if read_whole::<T>(path).is_none() {
        return;
    }
    let previous = previous(path);
    let removed = fs::remove_file(&previous);
    if removed.is_ok() || removed.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        let _ = fs::hard_link(path, &previous);
    }
}

/// Makes the entries of the folder that holds `path` durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => sync_folder(folder),
        _ => sync_folder(Path::new(".")),
    }
}

/// Makes the entries of `folder` durable.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Does nothing, because folders cannot be synced on this system.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates a folder and its parents if they are missing. Only their owner may enter those that are created.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    if folder.is_dir() {
        return Ok(());
    }
    builder.create(folder).and_then(|()| sync_parent(folder)).map_err(with_path("create the folder", folder))
}

/// Sets the option that a new file is readable and writable by its owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Opens a lock file; a missing one is created.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let opened = private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path);
    opened.map_err(with_path("open", path))
}

/// `path` with `suffix` after its file name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Stored, read_kept, read_stored, remove_stored, restore_previous, set_aside, write_durably};

    #[test]
    fn a_truncated_file_is_read_from_its_previous_version() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a.json");
        assert_eq!(read_stored::<u32>(&path)?, Stored::Missing);
        for number in [1, 2, 3] {
            write_durably::<u32>(&path, &number)?;
        }
        assert_eq!(read_stored(&path)?, Stored::Whole(3));
        for damaged in ["", "\0\0", "{", "[]", "{}"] {
            fs::write(&path, damaged)?;
            assert_eq!(read_stored::<u32>(&path)?, Stored::Previous(2), "{damaged:?}");
            // A damaged file never replaces the readable previous version.
            write_durably::<u32>(&path, &4)?;
            assert_eq!(read_stored::<u32>(&path)?, Stored::Whole(4), "{damaged:?}");
            fs::write(&path, "")?;
            assert_eq!(read_stored::<u32>(&path)?, Stored::Previous(2), "{damaged:?}");
        }
        remove_stored(&path)?;
        assert_eq!(fs::read_dir(dir.path())?.count(), 0);
        Ok(())
    }

    #[test]
    fn a_deleted_file_that_is_kept_is_read_from_its_previous_version() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a.json");
        assert_eq!(read_kept::<u32>(&path)?, Stored::Missing);
        write_durably::<u32>(&path, &1)?;
        write_durably::<u32>(&path, &2)?;
        assert_eq!(read_kept::<u32>(&path)?, Stored::Whole(2));
        fs::remove_file(&path)?;
        assert_eq!(read_stored::<u32>(&path)?, Stored::Missing);
        assert_eq!(read_kept::<u32>(&path)?, Stored::Previous(1));
        for damaged in ["{", "[]"] {
            fs::write(dir.path().join("a.json.bak"), damaged)?;
            assert_eq!(read_kept::<u32>(&path)?, Stored::Missing);
        }
        Ok(())
    }

    #[test]
    fn a_missing_or_damaged_previous_version_is_restored_as_a_separate_file() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let (path, previous) = (dir.path().join("a.json"), dir.path().join("a.json.bak"));
        write_durably::<u32>(&path, &1)?;
        write_durably::<u32>(&path, &2)?;
        restore_previous::<u32>(&path);
        assert_eq!(fs::read(&previous)?, b"1", "a whole one stays");
        for damaged in [Some(""), Some("[]"), Some("{}"), None] {
            damaged.map_or_else(|| fs::remove_file(&previous), |damaged| fs::write(&previous, damaged))?;
            restore_previous::<u32>(&path);
            assert_eq!(fs::read(&previous)?, b"2", "{damaged:?}");
        }
        fs::write(&path, "")?;
        assert_eq!(read_stored::<u32>(&path)?, Stored::Previous(2));
        fs::write(&previous, "{")?;
        for damaged in ["", "[]"] {
            fs::write(&path, damaged)?;
            restore_previous::<u32>(&path);
            assert_eq!(fs::read(&previous)?, b"{", "what is damaged is not copied");
        }

        write_durably::<u32>(&path, &3)?;
        fs::remove_file(&previous)?;
        fs::create_dir(&previous)?;
        restore_previous::<u32>(&path);
        assert_eq!(fs::read_dir(dir.path())?.count(), 2, "nothing is left behind");
        Ok(())
    }

    #[test]
    fn a_folder_in_place_of_a_state_file_counts_as_damage_and_is_kept() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a.json");
        write_durably::<u32>(&path, &1)?;
        write_durably::<u32>(&path, &2)?;
        fs::remove_file(&path)?;
        fs::create_dir(&path)?;
        assert_eq!(read_stored::<u32>(&path)?, Stored::Previous(1));
        assert!(write_durably::<u32>(&path, &3).is_err() && path.is_dir());
        assert!(!dir.path().join("a.json.tmp").exists());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn every_error_names_the_file_and_says_what_to_do() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a.json");
        fs::create_dir(&path)?;
        let errors = [
            ("read", read_stored::<u32>(&path).map(drop)),
            ("write", write_durably::<u32>(&path, &1)),
            ("open", super::open_lock(&path).map(drop)),
        ];
        for (action, error) in errors {
            let error = error.map_err(|error| error.to_string()).err().unwrap_or_default();
            assert!(error.starts_with(&format!("cannot {action} {}: ", path.display())), "{error}");
            assert!(error.ends_with("; there is a folder instead of a file: move the folder away"), "{error}");
        }
        Ok(())
    }

    #[test]
    fn a_file_without_a_readable_version_is_set_aside() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a.json");
        fs::write(&path, "")?;
        assert_eq!(read_stored::<u32>(&path)?, Stored::Damaged);
        assert_eq!(set_aside(&path)?, dir.path().join("a.json.damaged"));
        assert_eq!(read_stored::<u32>(&path)?, Stored::Missing);
        Ok(())
    }
}
