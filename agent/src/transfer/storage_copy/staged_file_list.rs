//! The list of the files that a copy has staged: written and verified, but not published. Each change appends a line to
//! a file, so that a copy of many small files does not store its whole state for each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::storage::state_file::{private, with_path};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{EntryKind, Metadata};

/// A staged file or link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StagedFile {
    /// The size of the file in bytes.
    pub(crate) size: u64,
    /// The modification time of the source, in nanoseconds since 1970; `None` if it is not known.
    pub(crate) modified: Option<i64>,
    /// The modification time of the copy according to its storage, in nanoseconds since 1970; `None` if it is not
    /// known, and in lists of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<i64>,
    /// The SHA-256 of the file in hexadecimal; `None` if the copy is not verified.
    pub(crate) checksum: Option<String>,
    #[serde(default)]
    pub(crate) is_link: bool,
    /// Whether the source was reached through a symbolic link that was followed. `afterSuccess` is not applied to such
    /// a source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_behind_link: bool,
    /// Whether the copy should have been verified, but the destination does not allow reading it. `afterSuccess` is not
    /// applied to the source of such a copy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_unverified: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// The path relative to the source, as [`StoragePath::to_stored`] returns it.
    path: String,
    /// `None` if the file is not, or no longer, staged.
    file: Option<StagedFile>,
    /// Whether this line records that the writing of the file begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    begun: bool,
}

/// The staged files of one copy, by their paths relative to the source.
pub(crate) struct StagedFiles {
    file: File,
    files: BTreeMap<StoragePath, StagedFile>,
    /// The files whose writing has begun, and which are not staged yet.
    begun: BTreeSet<StoragePath>,
}

impl StagedFiles {
    /// Opens the list at `path`; a missing file is created. Lines from the first invalid one on are cut off.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let read = || -> io::Result<Self> {
            let mut file =
                private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let (mut files, mut begun, mut whole) = (BTreeMap::new(), BTreeSet::new(), 0);
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                let parsed = line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice::<Line>(line).ok());
                let Some(Line { path, file, begun: is_begun }) = parsed else { break };
                let Ok(path) = StoragePath::from_stored(&path) else { break };
                if is_begun {
                    begun.insert(path.clone());
                } else {
                    begun.remove(&path);
                }
                match file {
                    Some(file) => files.insert(path, file),
                    None => files.remove(&path),
                };
                whole += line.len();
            }
            file.set_len(whole as u64)?;
            file.seek(SeekFrom::End(0))?;
            Ok(Self { file, files, begun })
        };
        read().map_err(with_path("use", path))
    }

    pub(crate) fn get(&self, path: &StoragePath) -> Option<&StagedFile> {
        self.files.get(path)
    }

    /// Records that the writing of a file begins.
    pub(crate) fn begin(&mut self, path: &StoragePath) -> io::Result<()> {
        self.append(&Line { path: path.to_stored(), file: None, begun: true })?;
        self.files.remove(path);
        self.begun.insert(path.clone());
        Ok(())
    }

    /// Adds a staged file, whose bytes must be durable already.
    pub(crate) fn add(&mut self, path: &StoragePath, file: StagedFile) -> io::Result<()> {
        self.append(&Line { path: path.to_stored(), file: Some(file.clone()), begun: false })?;
        self.begun.remove(path);
        self.files.insert(path.clone(), file);
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &StoragePath) -> io::Result<()> {
        self.append(&Line { path: path.to_stored(), file: None, begun: false })?;
        self.begun.remove(path);
        self.files.remove(path);
        Ok(())
    }

    /// Whether this copy has written the file completely or in part.
    pub(crate) fn has_begun(&self, path: &StoragePath) -> bool {
        self.files.contains_key(path) || self.begun.contains(path)
    }

    /// The files whose writing has begun, and which are not staged yet.
    pub(crate) fn begun(&self) -> impl Iterator<Item = &StoragePath> {
        self.begun.iter()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&StoragePath, &StagedFile)> {
        self.files.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Makes all changes of the list durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }
}

impl StagedFile {
    /// Whether the source still has the size and modification time of the staged file.
    pub(crate) fn is_of(&self, source: &Metadata) -> bool {
        self.size == source.size && self.modified == source.modified.and_then(nanoseconds)
    }

    /// Whether `there`, the metadata of an entry at the destination, is that of the file or link that this copy has
    /// written.
    pub(crate) fn has_become(&self, there: &Metadata) -> bool {
        if self.is_link {
            return there.kind == EntryKind::Link;
        }
        let modified = there.modified.and_then(nanoseconds);
        let is_of_its_time = self.written.is_none() || modified.is_none() || self.written == modified;
        there.kind == EntryKind::File && there.size == self.size && is_of_its_time
    }
}

/// Converts a time to nanoseconds since 1970; `None` outside the years 1678 to 2261.
pub(crate) fn nanoseconds(time: SystemTime) -> Option<i64> {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok(),
        Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|before| -before),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::{StagedFile, StagedFiles, nanoseconds};
    use crate::storage::storage_path::StoragePath;
    use crate::storage::transfer_storage::{EntryKind, Metadata};

    #[test]
    fn the_list_survives_the_process_without_an_incomplete_line() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a.staged");
        let (one, other, third) = (StoragePath::new(b"in/\xff")?, StoragePath::new(b"b")?, StoragePath::new(b"d")?);
        let file = StagedFile {
            size: 3,
            modified: Some(-7),
            written: Some(9),
            checksum: Some("ab".into()),
            is_link: false,
            is_behind_link: true,
            is_unverified: true,
        };
        let mut list = StagedFiles::open(&path)?;
        assert!(list.is_empty());
        list.begin(&one)?;
        list.add(&one, file.clone())?;
        list.add(&other, StagedFile { is_link: true, ..file.clone() })?;
        list.remove(&other)?;
        list.begin(&third)?;
        assert!(list.has_begun(&one) && !list.has_begun(&other) && list.has_begun(&third));
        drop(list);
        let whole = fs::read(&path)?;
        fs::write(&path, [&whole[..], b"{\"path\":\"c\",\"fi"].concat())?;
        let mut list = StagedFiles::open(&path)?;
        assert_eq!(list.iter().collect::<Vec<_>>(), [(&one, &file)]);
        assert_eq!(list.begun().collect::<Vec<_>>(), [&third]);
        assert_eq!(fs::read(&path)?, whole);
        list.add(&other, file.clone())?;
        drop(list);
        assert_eq!(StagedFiles::open(&path)?.get(&other), Some(&file));
        Ok(())
    }

    #[test]
    fn what_stands_at_a_path_is_the_copy_only_with_its_kind_size_and_time() {
        let file = StagedFile {
            size: 3,
            modified: None,
            written: Some(1_000_000_000),
            checksum: None,
            is_link: false,
            is_behind_link: false,
            is_unverified: false,
        };
        let modified = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let there = Metadata { kind: EntryKind::File, size: 3, modified, mode: None };
        assert!(file.has_become(&there) && file.has_become(&Metadata { modified: None, ..there }));
        assert!(StagedFile { written: None, ..file.clone() }.has_become(&there));
        let later = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(2));
        for other in [
            Metadata { size: 4, ..there },
            Metadata { modified: later, ..there },
            Metadata { kind: EntryKind::Folder, ..there },
            Metadata { kind: EntryKind::Link, ..there },
        ] {
            assert!(!file.has_become(&other), "{other:?}");
        }
        let link = StagedFile { is_link: true, ..file };
        assert!(link.has_become(&Metadata { kind: EntryKind::Link, size: 9, ..there }) && !link.has_become(&there));
    }

    #[test]
    fn times_are_numbers_before_and_after_1970() {
        let second = Duration::from_secs(1);
        assert_eq!(nanoseconds(SystemTime::UNIX_EPOCH + second), Some(1_000_000_000));
        assert_eq!(nanoseconds(SystemTime::UNIX_EPOCH - second), Some(-1_000_000_000));
    }
}
