//! The files, folders and links of a copy through storages, from a listing of its source.

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::part_name;
use crate::storage::pattern;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Entry, EntryKind, MAX_DEPTH, MAX_ENTRIES, Metadata};
use crate::transfer::copy_rules::{AfterSuccess, CopyRules, SymlinkRule};
use crate::transfer::error::CopyError;
use crate::transfer::first_messages_and_count::BoundedMessages;
use crate::transfer::storage_copy::move_to_folder;

/// The maximum number of bytes of all paths of a source. A server could name a million files inside 128 folders with long
/// names.
const MAX_PATHS: usize = 256 << 20;

/// The content of a source.
#[derive(Debug, Default)]
pub(crate) struct StreamPlan {
    /// The file or folder; of a pattern its folder.
    pub(crate) base: StoragePath,
    pub(crate) is_folder: bool,
    pub(crate) is_pattern: bool,
    /// Each folder comes before its content.
    pub(crate) entries: Vec<PlanEntry>,
    /// Bytes of all files.
    pub(crate) total: u64,
    /// Entries that cannot be read, or that a rule refuses.
    pub(crate) failures: BoundedMessages,
    /// Special files and links that are not copied.
    pub(crate) left_out: BoundedMessages,
}

/// One file, folder or link to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanEntry {
    /// Relative to the base; empty for the base itself.
    pub(crate) relative: StoragePath,
    pub(crate) kind: PlanKind,
    /// Whether a followed link of the source leads to it.
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
    /// Lists the source. `keeps_links` says whether both storages have links.
    pub(crate) fn of(source: &Opened, rules: &CopyRules, keeps_links: bool) -> Result<Self, CopyError> {
        let plan = Self::default();
        let moved_to = match &rules.after_success {
            // What is wrong with the folder is said when a file is moved there.
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
    /// The folder of the rule `moveTo`. If it is inside the source, what earlier copies have moved there is not copied again.
    moved_to: Option<StoragePath>,
    /// Entries of all listings, also of those that are not copied.
    listed: usize,
    /// Bytes of the paths in the plan.
    path_bytes: usize,
    /// Links that were followed to where the walk is.
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

    /// The source itself cannot be copied.
    fn refused_top(&self, detail: &str) -> CopyError {
        let path = self.source.storage.display(&self.source.path);
        StorageError::new(StorageErrorKind::Unsupported, "copy", path, detail).into()
    }

    /// The entries of the folder that match, without folders; possibly none.
    fn list_pattern(&mut self, missing: StorageError) -> Result<(), CopyError> {
        let source = self.source;
        let path = &source.path;
        let (Some(folder), Some(pattern)) = (path.parent(), path.file_name()) else { return Err(missing.into()) };
        let pattern = String::from_utf8_lossy(pattern).into_owned();
        self.plan = StreamPlan { base: folder, is_folder: true, is_pattern: true, ..StreamPlan::default() };
        self.add(StoragePath::default(), PlanKind::Folder)?;
        let base = self.plan.base.clone();
        for entry in self.list(&base)? {
            // Of a name that is not UTF-8 the readable part is matched.
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
        self.add(folder.clone(), PlanKind::Folder)?;
        for entry in entries {
            self.visit(folder, &entry.name, entry.metadata, depth)?;
        }
        Ok(())
    }

    /// The entries of a folder by their names. They are counted at once, since those of all folders above are kept meanwhile.
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

    /// Takes in one entry of a folder. Part files are skipped.
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
            SymlinkRule::Keep if self.keeps_links => return self.add(relative, PlanKind::Link),
            SymlinkRule::Keep | SymlinkRule::Skip => self.leave_out(path),
            SymlinkRule::Fail => self.refuse(path, "it is a symbolic link, and the copy has `symlinks: fail`"),
            SymlinkRule::Follow => match self.source.storage.metadata(path).map_err(CopyError::from) {
                // The depth ends links that lead to a folder above them. A pattern takes no folders.
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
        self.add(relative, PlanKind::File)
    }

    fn add(&mut self, relative: StoragePath, kind: PlanKind) -> Result<(), CopyError> {
        if self.plan.entries.len() >= MAX_ENTRIES {
            return Err(self.too_large("it has more than 1,000,000 entries"));
        }
        self.path_bytes = self.path_bytes.saturating_add(relative.as_bytes().len());
        if self.path_bytes > MAX_PATHS {
            return Err(self.too_large("its paths have more than 256 MiB"));
        }
        self.plan.entries.push(PlanEntry { relative, kind, is_behind_link: self.followed > 0 });
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
