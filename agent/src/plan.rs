//! What one transfer consists of, found by walking its source. Copies nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::paths::{UsageError, text};
use crate::pattern;

/// A source, walked.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Absolute.
    pub(crate) source: PathBuf,
    /// Whether the source is a folder.
    pub(crate) is_folder: bool,
    /// Every folder before what it holds.
    pub(crate) entries: Vec<Entry>,
    /// Bytes of all files together.
    pub(crate) total: u64,
}

/// One thing to copy.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Below the source; empty for the source itself.
    pub(crate) relative: PathBuf,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
}

/// Why a source cannot be copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("cannot read {path}: {error}", path = path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{} is neither a file nor a folder (a device, pipe or socket); leave it out of the source", .0.display())]
    Special(PathBuf),
    #[error(transparent)]
    Name(#[from] UsageError),
}

impl Plan {
    /// Walks `source`; links inside it are kept as links, `source` itself may be one, or a pattern.
    pub(crate) fn of(source: &Path) -> Result<Self, PlanError> {
        if let Some((folder, pattern)) = pattern::split(source) {
            return Self::of_pattern(folder, pattern);
        }
        let top = fs::metadata(source).map_err(|error| PlanError::Io { path: source.to_owned(), error })?;
        let mut plan = Self { source: source.to_owned(), is_folder: top.is_dir(), entries: Vec::new(), total: 0 };
        if top.is_file() {
            plan.total = top.len();
            plan.entries.push(Entry { relative: PathBuf::new(), kind: Kind::File });
            return Ok(plan);
        }
        if !top.is_dir() {
            return Err(PlanError::Special(source.to_owned()));
        }
        for found in WalkDir::new(source).follow_links(false).follow_root_links(true).sort_by_file_name() {
            let found = found.map_err(|error| unreadable(source, error))?;
            let kind = kind_of(found.path(), found.depth() == 0)?;
            let relative = found.path().strip_prefix(source).unwrap_or(Path::new("")).to_owned();
            text(&relative)?;
            if kind == Kind::File {
                plan.total += found.metadata().map_err(|error| unreadable(source, error))?.len();
            }
            plan.entries.push(Entry { relative, kind });
        }
        Ok(plan)
    }

    /// Everything in `folder` that fits, but for folders; that may be nothing.
    fn of_pattern(folder: &Path, pattern: &str) -> Result<Self, PlanError> {
        let top = Entry { relative: PathBuf::new(), kind: Kind::Folder };
        let mut plan = Self { source: folder.to_owned(), is_folder: true, entries: vec![top], total: 0 };
        for found in WalkDir::new(folder).min_depth(1).max_depth(1).follow_root_links(true).sort_by_file_name() {
            let found = found.map_err(|error| unreadable(folder, error))?;
            let relative = PathBuf::from(found.file_name());
            if found.file_type().is_dir() || !pattern::fits(pattern, &text(&relative)?) {
                continue;
            }
            let kind = kind_of(found.path(), false)?;
            if kind == Kind::File {
                plan.total += found.metadata().map_err(|error| unreadable(folder, error))?.len();
            }
            plan.entries.push(Entry { relative, kind });
        }
        Ok(plan)
    }
}

impl Entry {
    /// Where this entry is below `base`.
    pub(crate) fn below(&self, base: &Path) -> PathBuf {
        if self.relative.as_os_str().is_empty() { base.to_owned() } else { base.join(&self.relative) }
    }

    /// Its name in a manifest, with `/` on every system.
    pub(crate) fn manifest_name(&self) -> String {
        let parts: Vec<_> = self.relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    }
}

fn kind_of(path: &Path, is_top: bool) -> Result<Kind, PlanError> {
    let metadata = if is_top { fs::metadata(path) } else { fs::symlink_metadata(path) };
    let metadata = metadata.map_err(|error| PlanError::Io { path: path.to_owned(), error })?;
    match metadata.file_type() {
        kind if kind.is_file() => Ok(Kind::File),
        kind if kind.is_dir() => Ok(Kind::Folder),
        kind if kind.is_symlink() => Ok(Kind::Link),
        _ => Err(PlanError::Special(path.to_owned())),
    }
}

fn unreadable(source: &Path, error: walkdir::Error) -> PlanError {
    let path = error.path().unwrap_or(source).to_owned();
    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("the folder contains itself"));
    PlanError::Io { path, error }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Kind, Plan};

    #[test]
    fn a_folder_sums_its_sizes_and_lists_folders_first() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        fs::create_dir_all(dir.path().join("b/empty"))?;
        fs::write(dir.path().join("b/c"), "four")?;
        fs::write(dir.path().join("a"), "two")?;
        let plan = Plan::of(dir.path())?;
        let names: Vec<_> = plan.entries.iter().map(super::Entry::manifest_name).collect();
        assert_eq!(names, ["", "a", "b", "b/c", "b/empty"]);
        assert_eq!(plan.total, 7);
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn links_inside_a_folder_are_not_followed() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        std::os::unix::fs::symlink("/", dir.path().join("everything"))?;
        let plan = Plan::of(dir.path())?;
        assert_eq!(plan.entries.len(), 2);
        assert_eq!(plan.entries[1].kind, Kind::Link);
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_refused_by_name() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("door"))?;
        let error = Plan::of(dir.path()).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("door")));
        Ok(())
    }
}
