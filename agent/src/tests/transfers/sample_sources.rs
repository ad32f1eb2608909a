//! Samples of what is copied, and how two copies are compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::remote_server::Kind;
use crate::tests::{sha256, test_bytes};

/// Kinds of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    File,
    Empty,
    /// A file with few bytes between holes.
    Sparse,
    /// A file whose name leaves no space for the suffix of a part file.
    LongName,
    SmallFiles,
    /// Folders inside folders, empty ones among them.
    Tree,
    OddNames,
}

/// Bytes of [`Content::Sparse`].
const SPARSE: u64 = 16 << 20;

/// Files of [`Content::SmallFiles`].
const SMALL_FILES: usize = 1000;

impl Content {
    pub(super) const ALL: [Self; 7] =
        [Self::File, Self::Empty, Self::Sparse, Self::LongName, Self::SmallFiles, Self::Tree, Self::OddNames];

    /// The name of the source.
    pub(super) fn name(self) -> String {
        match self {
            Self::File => "orders.csv".to_owned(),
            Self::Empty => "empty.csv".to_owned(),
            Self::Sparse => "disk.img".to_owned(),
            Self::LongName => format!("{}.csv", "n".repeat(251)),
            Self::SmallFiles => "small".to_owned(),
            Self::Tree => "tree".to_owned(),
            Self::OddNames => "odd".to_owned(),
        }
    }

    pub(super) fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Empty | Self::Sparse | Self::LongName)
    }

    /// Creates the source in a folder, with names that `kind` can carry.
    pub(super) fn create(self, folder: &Path, kind: Kind) -> anyhow::Result<()> {
        let path = folder.join(self.name());
        match self {
            Self::File => fs::write(path, test_bytes(3 * 1024 * 1024 + 1))?,
            Self::Empty => fs::write(path, "")?,
            Self::Sparse => {
                let file = fs::File::create(path)?;
                file.set_len(SPARSE)?;
                file.write_all_at(&test_bytes(10_000), SPARSE / 2 + 1)?;
            }
            Self::LongName => fs::write(path, test_bytes(100))?,
            Self::SmallFiles => {
                fs::create_dir(&path)?;
                for number in 0..SMALL_FILES {
                    fs::write(path.join(format!("{number:04}.csv")), test_bytes(number))?;
                }
            }
            Self::Tree => {
                for below in ["a/b/c", "a/empty", "empty", "a/b/empty/empty"] {
                    fs::create_dir_all(path.join(below))?;
                }
                for (below, size) in [("top", 1), ("a/one", 70_000), ("a/b/two", 0), ("a/b/c/three", 1_200_000)] {
                    fs::write(path.join(below), test_bytes(size))?;
                }
            }
            Self::OddNames => {
                fs::create_dir(&path)?;
                for (index, name) in odd_names(kind).into_iter().enumerate() {
                    fs::write(path.join(name), test_bytes(index))?;
                }
            }
        }
        Ok(())
    }
}

fn odd_names(kind: Kind) -> Vec<String> {
    let plain = [
        "two  spaces",
        " leading",
        "-la",
        ".hidden",
        "\u{e9}*[x]?",
        "100%41",
        "quote\"'`",
        "semi;colon",
        "~",
        "#hash",
        "\u{1f4be} \u{4f60}\u{597d}",
    ];
    let mut names = Vec::from(plain.map(str::to_owned));
    names.push("n".repeat(255));
    if kind.carries_backslashes() {
        names.push("back\\slash".to_owned());
    }
    if kind.carries_any_text() {
        names.extend(["line\nbreak", "tab\there", "trailing "].map(str::to_owned));
    }
    names
}

/// Whether a copy of [`Content::Sparse`] has its holes.
pub(super) fn has_holes(path: &Path) -> anyhow::Result<bool> {
    Ok(fs::metadata(path)?.blocks() * 512 < SPARSE / 16)
}

/// The digests of the files at a path, by their paths below it; folders have none.
pub(super) fn snapshot(path: &Path) -> anyhow::Result<BTreeMap<PathBuf, Option<String>>> {
    let mut found = BTreeMap::new();
    for entry in WalkDir::new(path) {
        let entry = entry?;
        let digest = if entry.file_type().is_file() { Some(sha256(entry.path())?) } else { None };
        found.insert(entry.path().strip_prefix(path)?.to_owned(), digest);
    }
    Ok(found)
}
