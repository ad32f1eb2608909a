//! Lists the files, folders and links of a source for a copy through storages.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::part_name;
use crate::storage::pattern;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Entry, EntryKind, MAX_DEPTH, MAX_ENTRIES, Metadata};
use crate::transfer::bounded_messages::BoundedMessages;
use crate::transfer::copy_rules::{AfterSuccess, CopyRules, SymlinkRule};
use crate::transfer::error::CopyError;
use crate::transfer::storage_copy::move_to_folder;

/// The maximum number of bytes of all paths of a source. Without this limit, a server could list a million files in
/// deep folders with long names.
const MAX_PATHS: usize = 256 << 20;

/// The entries of a source that are copied.
#[derive(Debug, Default)]
pub(crate) struct StreamPlan {
    /// The path of the file or folder, or the folder of a pattern.
    pub(crate) base: StoragePath,
    pub(crate) is_folder: bool,
    pub(crate) is_pattern: bool,
    /// The entries to copy. Each folder comes before its content.
    pub(crate) entries: Vec<PlanEntry>,
    /// The total size of all files in bytes.
    pub(crate) total: u64,
    /// Messages about entries that cannot be read or that a rule does not allow.
    pub(crate) failures: BoundedMessages,
    /// The paths of special files and links that are not copied.
    pub(crate) left_out: BoundedMessages,
}

/// One file, folder or link to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanEntry {
    /// The path relative to the base; empty for the base itself.
    pub(crate) relative: StoragePath,
    pub(crate) kind: PlanKind,
    /// The size of a file in bytes when it was listed; 0 for folders and links.
    pub(crate) size: u64,
    /// Whether the entry was reached through a symbolic link that was followed.
    pub(crate) is_behind_link: bool,
}

/// The kinds of entries that are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlanKind {
    File,
    Folder,
    Link,
}

impl StreamPlan {
    /// Lists the source according to `rules`. `keeps_links` says whether both storages support symbolic links.
    pub(crate) fn of(source: &Opened, rules: &CopyRules, keeps_links: bool) -> Result<Self, CopyError> {
        let plan = Self::default();
        let moved_to = match &rules.after_success {
            // An invalid folder is reported later, when a file is moved to it.
            AfterSuccess::MoveTo(folder) => move_to_folder::folder(&source.root, &source.path, folder).ok(),
            AfterSuccess::Keep | AfterSuccess::Delete => None,
        };
        let symlinks = rules.symlinks;
        let mut walk = Walk { source, symlinks, keeps_links, moved_to, listed: 0, path_bytes: 0, followed: 0, plan };
        walk.start()?;
        Ok(walk.plan)
    }
}

struct Walk<'a> {
    source: &'a Opened,
    symlinks: SymlinkRule,
    keeps_links: bool,
    /// The folder of the rule `moveTo`. If it is inside the source, it is skipped, so that files which earlier copies
    /// have moved are not copied again.
    moved_to: Option<StoragePath>,
    /// The number of listed entries, including those that are not copied.
    listed: usize,
    /// The total length of the paths in the plan in bytes.
    path_bytes: usize,
    /// The number of links that were followed to reach the current folder.
    followed: usize,
    plan: StreamPlan,
}

impl Walk<'_> {
    fn start(&mut self) -> Result<(), CopyError> {
        let source = self.source;
        let (storage, path) = (&source.storage, &source.path);
        let top = match storage.metadata(path) {
            Err(error) if error.kind() == StorageErrorKind::NotFound && source.may_be_pattern => {
                if source.is_folder {
                    return Err(self.refused_top(pattern::FILES_ONLY));
                }
                return self.list_pattern(error);
            }
            found => found?,
        };
        if path.file_name().is_some_and(part_name::is_part_bytes) {
            return Err(self.refused_top(
                "it is the part file of a copy that is not complete; copy it when it has its final name",
            ));
        }
        self.plan.base = path.clone();
        match top.kind {
            EntryKind::Folder => {
                self.plan.is_folder = true;
                self.walk(&StoragePath::default(), 0)
            }
            EntryKind::File => self.add_file(StoragePath::default(), &top),
            EntryKind::Link | EntryKind::Special => {
                Err(self.refused_top("it is neither a file nor a folder; leave it out of the source"))
            }
        }
    }

    /// The error for a source that cannot be copied itself.
    fn refused_top(&self, detail: &str) -> CopyError {
        let path = self.source.storage.display(&self.source.path);
        StorageError::new(StorageErrorKind::Unsupported, "copy", path, detail).into()
    }

    /// Adds the entries of the folder that match the pattern, except folders. There may be none.
    fn list_pattern(&mut self, missing: StorageError) -> Result<(), CopyError> {
        let source = self.source;
        let path = &source.path;
        let (Some(folder), Some(pattern)) = (path.parent(), path.file_name()) else { return Err(missing.into()) };
        let pattern = String::from_utf8_lossy(pattern).into_owned();
        self.plan = StreamPlan { base: folder, is_folder: true, is_pattern: true, ..StreamPlan::default() };
        self.add(StoragePath::default(), PlanKind::Folder, 0)?;
        let base = self.plan.base.clone();
        for entry in self.list(&base)? {
            // If a name is not UTF-8, its invalid bytes are replaced before it is matched.
            if entry.metadata.kind != EntryKind::Folder
                && pattern::matches(&pattern, &String::from_utf8_lossy(&entry.name))
            {
                self.visit(&StoragePath::default(), &entry.name, entry.metadata, 0)?;
            }
        }
        Ok(())
    }

    fn walk(&mut self, folder: &StoragePath, depth: usize) -> Result<(), CopyError> {
        let path = self.plan.base.append(folder);
        if depth > 0 && self.moved_to.as_ref() == Some(&path) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            self.refuse(&path, "it is inside more than 128 folders");
            return Ok(());
        }
        let entries = match self.list(&path) {
            Ok(entries) => entries,
            Err(error) if depth == 0 || error.is_final() || self.listed > MAX_ENTRIES => return Err(error),
            Err(error) => {
                self.plan.failures.add(&error);
                return Ok(());
            }
        };
        self.add(folder.clone(), PlanKind::Folder, 0)?;
        for entry in entries {
            self.visit(folder, &entry.name, entry.metadata, depth)?;
        }
        Ok(())
    }

    /// The entries of a folder, sorted by name. They are counted immediately, because those of all parent folders are
    /// in memory at the same time.
    fn list(&mut self, path: &StoragePath) -> Result<Vec<Entry>, CopyError> {
        let mut entries = self.source.storage.list(path)?;
        self.listed = self.listed.saturating_add(entries.len());
        if self.listed > MAX_ENTRIES {
            return Err(self.too_large("it has more than 1,000,000 entries"));
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn too_large(&self, detail: &str) -> CopyError {
        let path = self.source.storage.display(&self.plan.base);
        StorageError::new(StorageErrorKind::Unsupported, "copy", path, detail).into()
    }

    /// Adds one entry of a folder to the plan. Part files are skipped.
    fn visit(&mut self, folder: &StoragePath, name: &[u8], found: Metadata, depth: usize) -> Result<(), CopyError> {
        if part_name::is_part_bytes(name) {
            return Ok(());
        }
        let relative = match folder.join(name) {
            Ok(relative) => relative,
            Err(error) => {
                self.plan.failures.add(&error);
                return Ok(());
            }
        };
        let path = self.plan.base.append(&relative);
        match found.kind {
            EntryKind::File => self.add_file(relative, &found),
            EntryKind::Folder => self.walk(&relative, depth + 1),
            EntryKind::Special => {
                self.leave_out(&path);
                Ok(())
            }
            EntryKind::Link => self.visit_link(relative, &path, depth),
        }
    }

    fn visit_link(&mut self, relative: StoragePath, path: &StoragePath, depth: usize) -> Result<(), CopyError> {
        match self.symlinks {
            SymlinkRule::Keep if self.keeps_links => return self.add(relative, PlanKind::Link, 0),
            SymlinkRule::Keep | SymlinkRule::Skip => self.leave_out(path),
            SymlinkRule::Fail => self.refuse(path, "it is a symbolic link, and the copy has `symlinks: fail`"),
            SymlinkRule::Follow => match self.source.storage.metadata(path).map_err(CopyError::from) {
                // The maximum depth ends cycles of links. A pattern does not select folders.
                Ok(there)
                    if there.kind == EntryKind::File || there.kind == EntryKind::Folder && !self.plan.is_pattern =>
                {
                    self.followed += 1;
                    let added = if there.kind == EntryKind::Folder {
                        self.walk(&relative, depth + 1)
                    } else {
                        self.add_file(relative, &there)
                    };
                    self.followed -= 1;
                    return added;
                }
                Ok(_) => self.leave_out(path),
                Err(error) if error.is_final() => return Err(error),
                Err(error) => self.plan.failures.add(&error),
            },
        }
        Ok(())
    }

    fn add_file(&mut self, relative: StoragePath, found: &Metadata) -> Result<(), CopyError> {
        self.plan.total = self.plan.total.saturating_add(found.size);
        self.add(relative, PlanKind::File, found.size)
    }

    fn add(&mut self, relative: StoragePath, kind: PlanKind, size: u64) -> Result<(), CopyError> {
        if self.plan.entries.len() >= MAX_ENTRIES {
            return Err(self.too_large("it has more than 1,000,000 entries"));
        }
        self.path_bytes = self.path_bytes.saturating_add(relative.as_bytes().len());
        if self.path_bytes > MAX_PATHS {
            return Err(self.too_large("its paths have more than 256 MiB"));
        }
        self.plan.entries.push(PlanEntry { relative, kind, size, is_behind_link: self.followed > 0 });
        Ok(())
    }

    fn refuse(&mut self, path: &StoragePath, detail: &str) {
        let path = self.source.storage.display(path);
        self.plan.failures.add(&StorageError::new(StorageErrorKind::Unsupported, "copy", path, detail));
    }

    fn leave_out(&mut self, path: &StoragePath) {
        self.plan.left_out.add(&self.source.storage.display(path));
    }
}
