//! Small private files of JSON that survive a power cut: written beside, synced, renamed, and with the version before
//! kept beside them as `.bak`.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, IgnoredAny};

/// What a file of state holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored<T> {
    /// There is no file.
    Missing,
    /// It could be read.
    Whole(T),
    /// It could not be, but the version before it could.
    Previous(T),
    /// Neither could be read.
    Damaged,
}

impl<T> Stored<T> {
    /// The content, of whichever version.
    pub(crate) fn content(self) -> Option<T> {
        match self {
            Self::Whole(content) | Self::Previous(content) => Some(content),
            Self::Missing | Self::Damaged => None,
        }
    }
}

/// Reads a file that [`write_durably`] wrote; an empty or torn one is damaged, which is no error.
pub(crate) fn read_stored<T: DeserializeOwned>(path: &Path) -> io::Result<Stored<T>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::Missing),
        Err(error) => return Err(error),
    };
    if let Ok(content) = serde_json::from_slice(&text) {
        return Ok(Stored::Whole(content));
    }
    let previous = fs::read(previous(path)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    Ok(previous.map_or(Stored::Damaged, Stored::Previous))
}

/// Moves a damaged file out of the way, for people to look at; gives its new name.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = with_suffix(path, ".damaged");
    fs::rename(path, &aside)?;
    sync_parent(path)?;
    Ok(aside)
}

/// Removes a file of state with the version before it.
pub(crate) fn remove_stored(path: &Path) -> io::Result<()> {
    match fs::remove_file(previous(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::remove_file(path)
}

fn previous(path: &Path) -> PathBuf {
    with_suffix(path, ".bak")
}

/// Replaces `path` with `bytes` at once and durably, readable by its owner only.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = with_suffix(path, ".tmp");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    keep_previous(path);
    fs::rename(&beside, path)?;
    sync_parent(path)
}

/// Keeps what is at `path` under a second name, if it is whole. Where the file system has no second names, and on any
/// other trouble, the file is replaced all the same.
fn keep_previous(path: &Path) {
    let is_whole = fs::read(path).is_ok_and(|text| serde_json::from_slice::<IgnoredAny>(&text).is_ok());
    if !is_whole {
        return;
    }
    let previous = previous(path);
    let removed = fs::remove_file(&previous);
    if removed.is_ok() || removed.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        let _ = fs::hard_link(path, &previous);
    }
}

/// Makes the entries of the folder that holds `path` durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
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

/// Folders cannot be synced on this system.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a folder, with its parents, that only its owner may enter.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    if folder.is_dir() {
        return Ok(());
    }
    builder.create(folder)?;
    sync_parent(folder)
}

/// Lets a newly made file be read and written by its owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Opens a lock file, made when missing.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
}

/// `path` with `suffix` behind its file name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Stored, read_stored, remove_stored, set_aside, write_durably};

    #[test]
    fn a_torn_file_is_read_as_it_was_before_the_last_write() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a.json");
        assert_eq!(read_stored::<u32>(&path)?, Stored::Missing);
        for number in [b"1", b"2", b"3"] {
            write_durably(&path, number)?;
        }
        assert_eq!(read_stored(&path)?, Stored::Whole(3));
        for torn in ["", "\0\0", "{"] {
            fs::write(&path, torn)?;
            assert_eq!(read_stored(&path)?, Stored::Previous(2), "{torn:?}");
        }
        // What is torn never takes the place of the version that could be read.
        write_durably(&path, b"4")?;
        fs::write(&path, "")?;
        assert_eq!(read_stored(&path)?, Stored::Previous(2));
        remove_stored(&path)?;
        assert_eq!(fs::read_dir(dir.path())?.count(), 0);
        Ok(())
    }

    #[test]
    fn a_file_of_which_no_version_can_be_read_is_set_aside() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a.json");
        fs::write(&path, "")?;
        assert_eq!(read_stored::<u32>(&path)?, Stored::Damaged);
        assert_eq!(set_aside(&path)?, dir.path().join("a.json.damaged"));
        assert_eq!(read_stored::<u32>(&path)?, Stored::Missing);
        Ok(())
    }
}
