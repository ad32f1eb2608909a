//! Lists the files, folders and links of a local source. Nothing is copied here.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::FileType;

use crate::storage::allowed_roots::AccessError;
use crate::storage::part_name;
use crate::storage::path_text::text;
use crate::storage::pattern;
use crate::storage::sandboxed_path::{SandboxedPath, special};
use crate::storage::usage_error::UsageError;
use crate::transfer::bounded_messages::BoundedMessages;

/// The entries of a local source that are copied.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The source: a file or a folder.
    pub(crate) source: SandboxedPath,
    /// Whether the source is a folder.
    pub(crate) is_folder: bool,
    /// The entries to copy. Each folder comes before its content.
    pub(crate) entries: Vec<Entry>,
    /// The total size of all files, in bytes.
    pub(crate) total: u64,
    /// The entries of the folder that cannot be read.
    pub(crate) failures: BoundedMessages,
    /// The paths of devices, pipes and sockets in the folder, which are not copied.
    pub(crate) left_out: BoundedMessages,
}

/// One file, folder or link to copy.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The path relative to the source; empty for the source itself.
    pub(crate) relative: PathBuf,
    pub(crate) kind: Kind,
}

/// The kinds of entries that are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
}

/// The names in a folder, with their types.
type Entries = Vec<(OsString, io::Result<FileType>)>;

/// Why a source cannot be copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("cannot read {path}: {error}", path = text(path))]
    Io { path: PathBuf, error: io::Error },
    #[error("{path} is {kind}, neither a file nor a folder; leave it out of the source", path = text(path))]
    Special { path: PathBuf, kind: &'static str },
    #[error("{} is the part file of a copy that is not complete; copy it when it has its final name", text(.0))]
    Part(PathBuf),
    #[error(transparent)]
    Name(#[from] UsageError),
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl Plan {
    /// Lists `source`, which may be a file, a folder, a link to one, or a pattern. Links inside a folder are copied as
    /// links. Fails if `source` is a part file.
    pub(crate) fn of(source: &SandboxedPath) -> Result<Self, PlanError> {
        let plan = match (pattern::split(source.as_path()), source.parent()) {
            (Some((_, pattern)), Some(folder)) => Self::of_pattern(&folder, pattern)?,
            _ if source.as_path().file_name().is_some_and(part_name::is_part) => {
                return Err(PlanError::Part(source.as_path().to_owned()));
            }
            _ => Self::of_one(source)?,
        };
        Ok(plan)
    }

    /// Like [`Self::of`], but `source` is not interpreted as a pattern and may be a part file.
    pub(crate) fn of_one(source: &SandboxedPath) -> Result<Self, PlanError> {
        let top = source.metadata().map_err(unreadable(source))?;
        let mut plan = Self::empty(source, top.is_dir());
        if top.is_dir() {
            let entries = source.entries().map_err(unreadable(source))?;
            plan.walk(source, Path::new(""), entries);
        } else if top.is_file() {
            plan.total = top.len();
            plan.entries.push(Entry { relative: PathBuf::new(), kind: Kind::File });
        } else {
            let kind = special(top.file_type()).unwrap_or("a special file");
            return Err(PlanError::Special { path: source.as_path().to_owned(), kind });
        }
        Ok(plan)
    }

    /// Lists the entries of `folder` that match, except folders. There may be none.
    fn of_pattern(folder: &SandboxedPath, pattern: &str) -> Result<Self, PlanError> {
        let entries = folder.entries().map_err(unreadable(folder))?;
        let mut plan = Self::empty(folder, true);
        plan.entries.push(Entry { relative: PathBuf::new(), kind: Kind::Folder });
        for (name, found) in entries {
            // If a name is not UTF-8, its invalid bytes are replaced before it is matched.
            if !found.as_ref().is_ok_and(FileType::is_dir) && pattern::matches(pattern, &name.to_string_lossy()) {
                plan.add(&folder.join(name.as_ref()), PathBuf::from(name), found);
            }
        }
        Ok(plan)
    }

    fn empty(source: &SandboxedPath, is_folder: bool) -> Self {
        let (failures, left_out) = (BoundedMessages::default(), BoundedMessages::default());
        Self { source: source.clone(), is_folder, entries: Vec::new(), total: 0, failures, left_out }
    }

    fn walk(&mut self, folder: &SandboxedPath, relative: &Path, entries: Entries) {
        self.entries.push(Entry { relative: relative.to_owned(), kind: Kind::Folder });
        for (name, found) in entries {
            let (inner, relative) = (folder.join(name.as_ref()), relative.join(&name));
            if !found.as_ref().is_ok_and(FileType::is_dir) {
                self.add(&inner, relative, found);
            } else if !part_name::is_part(&name) {
                match inner.entries() {
                    Ok(entries) => self.walk(&inner, &relative, entries),
                    Err(error) => self.failures.add(&unreadable(&inner)(error)),
                }
            }
        }
    }

    /// Adds an entry that is not a folder. Part files are skipped.
    fn add(&mut self, path: &SandboxedPath, relative: PathBuf, found: io::Result<FileType>) {
        if relative.file_name().is_some_and(part_name::is_part) {
            tracing::debug!(path = text(path.as_path()), "a part file is skipped");
            return;
        }
        let size = found.and_then(|found| match found {
            found if found.is_symlink() => Ok(Some((Kind::Link, 0))),
            found if found.is_file() => Ok(Some((Kind::File, path.symlink_metadata()?.len()))),
            _ => Ok(None),
        });
        match size {
            Ok(Some((kind, size))) => {
                self.total = self.total.saturating_add(size);
                self.entries.push(Entry { relative, kind });
            }
            Ok(None) => self.left_out.add(&text(path.as_path())),
            Err(error) => self.failures.add(&unreadable(path)(error)),
        }
    }
}

impl Entry {
    /// The path of this entry below `base`.
    pub(crate) fn below(&self, base: &SandboxedPath) -> SandboxedPath {
        base.join(&self.relative)
    }

    /// The relative path of the entry in a manifest, with `/` as separator on every system.
    pub(crate) fn manifest_name(&self) -> Vec<u8> {
        let parts: Vec<&[u8]> = self.relative.components().map(|part| part.as_os_str().as_encoded_bytes()).collect();
        parts.join(&b'/')
    }
}

fn unreadable(path: &SandboxedPath) -> impl FnOnce(io::Error) -> PlanError {
    move |error| PlanError::Io { path: path.as_path().to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Kind, Plan, PlanError};
    use crate::storage::allowed_roots::FileAccess;

    fn plan(source: &Path) -> Result<Plan, PlanError> {
        let source = FileAccess::Unrestricted.source(source).map_err(std::io::Error::other);
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
        assert_eq!(names, [&b""[..], b"a", b"b", b"b/c", b"b/empty"]);
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
    fn a_socket_is_left_out_of_a_folder_and_rejected_as_a_source() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("door"))?;
        let left_out = plan(dir.path())?.left_out;
        assert!(left_out.count() == 1 && left_out.to_string().ends_with("/door"));
        let error = plan(&dir.path().join("door")).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("/door is a socket")));
        Ok(())
    }
}
