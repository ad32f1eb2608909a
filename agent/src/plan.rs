//! What one transfer consists of, found by walking its source. Copies nothing.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::FileType;

use crate::fence::OutOfReach;
use crate::paths::{UsageError, text};
use crate::pattern;
use crate::spot::Spot;

/// A source, walked.
#[derive(Debug)]
pub(crate) struct Plan {
    /// A file or a folder.
    pub(crate) source: Spot,
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
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}

impl Plan {
    /// Walks `source`; links inside it are kept as links, `source` itself may be one, or a pattern.
    pub(crate) fn of(source: &Spot) -> Result<Self, PlanError> {
        match (pattern::split(source.shown()), source.parent()) {
            (Some((_, pattern)), Some(folder)) => Self::of_pattern(&folder, pattern),
            _ => Self::of_one(source),
        }
    }

    /// The same of a source that is no pattern, whatever its name.
    pub(crate) fn of_one(source: &Spot) -> Result<Self, PlanError> {
        let top = source.metadata().map_err(unreadable(source))?;
        let mut plan = Self { source: source.clone(), is_folder: top.is_dir(), entries: Vec::new(), total: 0 };
        if top.is_dir() {
            plan.walk(source, Path::new(""))?;
        } else if top.is_file() {
            plan.total = top.len();
            plan.entries.push(Entry { relative: PathBuf::new(), kind: Kind::File });
        } else {
            return Err(PlanError::Special(source.shown().to_owned()));
        }
        Ok(plan)
    }

    /// Everything in `folder` that fits, but for folders; that may be nothing.
    fn of_pattern(folder: &Spot, pattern: &str) -> Result<Self, PlanError> {
        let entries = folder.entries().map_err(unreadable(folder))?;
        let top = Entry { relative: PathBuf::new(), kind: Kind::Folder };
        let mut plan = Self { source: folder.clone(), is_folder: true, entries: vec![top], total: 0 };
        for (name, found) in entries {
            let relative = PathBuf::from(name);
            if !found.is_dir() && pattern::fits(pattern, &text(&relative)?) {
                plan.add(&folder.join(&relative), relative, found)?;
            }
        }
        Ok(plan)
    }

    fn walk(&mut self, folder: &Spot, relative: &Path) -> Result<(), PlanError> {
        let entries = folder.entries().map_err(unreadable(folder))?;
        self.entries.push(Entry { relative: relative.to_owned(), kind: Kind::Folder });
        for (name, found) in entries {
            let (inner, relative) = (folder.join(name.as_ref()), relative.join(name));
            if found.is_dir() {
                self.walk(&inner, &relative)?;
            } else {
                self.add(&inner, relative, found)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, spot: &Spot, relative: PathBuf, found: FileType) -> Result<(), PlanError> {
        text(&relative)?;
        let kind = if found.is_symlink() {
            Kind::Link
        } else if found.is_file() {
            self.total += spot.look().map_err(unreadable(spot))?.len();
            Kind::File
        } else {
            return Err(PlanError::Special(spot.shown().to_owned()));
        };
        self.entries.push(Entry { relative, kind });
        Ok(())
    }
}

impl Entry {
    /// Where this entry is below `base`.
    pub(crate) fn below(&self, base: &Spot) -> Spot {
        base.join(&self.relative)
    }

    /// Its name in a manifest, with `/` on every system.
    pub(crate) fn manifest_name(&self) -> String {
        let parts: Vec<_> = self.relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    }
}

fn unreadable(spot: &Spot) -> impl FnOnce(io::Error) -> PlanError {
    move |error| PlanError::Io { path: spot.shown().to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Kind, Plan, PlanError};
    use crate::fence::Reach;

    fn plan(source: &Path) -> Result<Plan, PlanError> {
        let source = Reach::Anywhere.source(source).map_err(std::io::Error::other);
        Plan::of(&source.map_err(|error| PlanError::Io { path: "the source".into(), error })?)
    }

    #[test]
    fn a_folder_sums_its_sizes_and_lists_folders_first() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        fs::create_dir_all(dir.path().join("b/empty"))?;
        fs::write(dir.path().join("b/c"), "four")?;
        fs::write(dir.path().join("a"), "two")?;
        let plan = plan(dir.path())?;
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
        let plan = plan(dir.path())?;
        assert_eq!(plan.entries.len(), 2);
        assert_eq!(plan.entries[1].kind, Kind::Link);
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_refused_by_name() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("door"))?;
        let error = plan(dir.path()).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("door")));
        Ok(())
    }
}
