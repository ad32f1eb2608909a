//! Part files: their names, and the lock that lets only one process write to each. Blocking.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::copy::{CopyError, at, make_folder, open_part, prepare_part_path};

/// The suffix of part files.
pub(crate) const SUFFIX: &str = ".mftplus-part";

/// The longest file name that file systems accept, in bytes.
const MAX_NAME: usize = 255;

/// Bytes of the digest that distinguishes shortened names.
const DIGEST: usize = 8;

/// Attempts to open a part file that another process renames meanwhile.
const TRIES: usize = 10;

/// The name of the part file for `name`; shortened if the suffix would make it too long.
pub(crate) fn name_of(name: &OsStr) -> OsString {
    let mut part = name.to_owned();
    if name.len() + SUFFIX.len() > MAX_NAME {
        let mut tag = String::from(".");
        for byte in Sha256::digest(name.as_encoded_bytes()).iter().take(DIGEST) {
            // Writing into a `String` cannot fail.
            let _ = write!(tag, "{byte:02x}");
        }
        let text = name.to_string_lossy();
        let head = text.floor_char_boundary(MAX_NAME - SUFFIX.len() - tag.len());
        part = format!("{}{tag}", &text[..head]).into();
    }
    part.push(SUFFIX);
    part
}

/// The path of the part file of a copy to `destination`.
pub(crate) fn beside(destination: &Path) -> PathBuf {
    match destination.file_name() {
        Some(name) => destination.with_file_name(name_of(name)),
        None => destination.join(SUFFIX),
    }
}

/// Whether this is the name of a part file, which is never copied.
pub(crate) fn is_part(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(SUFFIX.as_bytes())
}

/// The lock on a part file or folder, released when dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    file: Option<File>,
}

impl Reserved {
    /// The part file, open for reading and writing.
    pub(crate) fn file(&self) -> std::io::Result<File> {
        match &self.file {
            Some(file) => file.try_clone(),
            None => Err(std::io::ErrorKind::IsADirectory.into()),
        }
    }
}

/// Creates a missing part and locks it, so that a second copy to the same destination is rejected.
pub(crate) fn reserve(part: &SandboxedPath, is_folder: bool) -> Result<Reserved, CopyError> {
    for _ in 0..TRIES {
        if is_in_use(part) {
            return Err(CopyError::InUse(part.as_path().to_owned()));
        }
        prepare_part_path(part, is_folder)?;
        let file = if !is_folder {
            open_part(part)?
        } else if make_folder(part).is_ok_and(|()| cfg!(unix)) {
            part.open().map_err(at("open", part))?
        } else {
            // Folders cannot be locked on this system.
            make_folder(part)?;
            return Ok(Reserved { file: None });
        };
        // Without a lock, if the file system has none.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(CopyError::InUse(part.as_path().to_owned()));
        }
        // Another process may have renamed it to its destination before the lock.
        if is_at(&file, part) {
            return Ok(Reserved { file: Some(file) });
        }
    }
    Err(CopyError::InUse(part.as_path().to_owned()))
}

/// Whether another process holds the lock on this part.
pub(crate) fn is_in_use(part: &SandboxedPath) -> bool {
    part.open().is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(unix)]
fn is_at(file: &File, part: &SandboxedPath) -> bool {
    use cap_std::fs::MetadataExt as _;
    let (Ok(open), Ok(there)) = (file.metadata(), part.symlink_metadata()) else { return false };
    (std::os::unix::fs::MetadataExt::dev(&open), std::os::unix::fs::MetadataExt::ino(&open))
        == (there.dev(), there.ino())
}

/// On other systems open files are not renamed.
#[cfg(not(unix))]
fn is_at(_file: &File, _part: &SandboxedPath) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::path::Path;

    use super::{MAX_NAME, beside, is_part, name_of, reserve};
    use crate::storage::allowed_roots::FileAccess;
    use crate::transfer::copy::CopyError;

    #[test]
    fn a_name_that_leaves_no_room_for_the_suffix_gets_a_shorter_part_of_its_own() {
        assert_eq!(beside(Path::new("/a/b")), Path::new("/a/b.mftplus-part"));
        let longest = format!("{}1", "a".repeat(MAX_NAME - 1));
        let other = format!("{}2", "a".repeat(MAX_NAME - 1));
        let umlauts = "ä".repeat(127);
        for name in [&longest, &other, &umlauts, &"a".repeat(243)] {
            let part = name_of(OsStr::new(name));
            assert!(part.len() <= MAX_NAME && is_part(&part), "{part:?}");
        }
        assert_ne!(name_of(OsStr::new(&longest)), name_of(OsStr::new(&other)));
        assert_eq!(name_of(OsStr::new(&"a".repeat(242))).len(), MAX_NAME);
    }

    #[cfg(unix)]
    #[test]
    fn a_part_is_written_by_one_at_a_time_and_a_finished_one_is_never_reopened() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        for is_folder in [false, true] {
            let part = FileAccess::Unrestricted.destination(&dir.path().join(format!("{is_folder}.mftplus-part")))?;
            let first = reserve(&part, is_folder)?;
            assert!(matches!(reserve(&part, is_folder), Err(CopyError::InUse(_))));
            assert!(matches!(reserve(&part, !is_folder), Err(CopyError::InUse(_))));
            let done = dir.path().join(format!("{is_folder}"));
            fs::rename(part.as_path(), &done)?;
            let second = reserve(&part, is_folder)?;
            assert!(part.as_path().exists() && done.exists());
            drop((first, second));
            assert!(reserve(&part, is_folder).is_ok());
        }
        Ok(())
    }
}
