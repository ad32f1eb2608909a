//! The times and permissions of staged files and folders.

use std::time::SystemTime;

use crate::storage::error::StorageErrorKind;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Attributes, EntryKind, Metadata};
use crate::transfer::copy_rules::Preserve;
use crate::transfer::error::CopyError;
use crate::transfer::first_messages_and_count::BoundedMessages;
use crate::transfer::state::Staging;
use crate::transfer::storage_copy::destination_paths;
use crate::transfer::storage_copy::plan::{PlanEntry, PlanKind};
use crate::transfer::storage_copy::stage_files::Stager;

impl Stager<'_> {
    /// Sets the attributes of a part, which was modified at `written`; returns when it is modified from now on.
    pub(super) fn set_attributes(
        &self,
        entry: &PlanEntry,
        from: &Metadata,
        part: &StoragePath,
        written: Option<SystemTime>,
    ) -> Result<Option<SystemTime>, CopyError> {
        let capabilities = self.target.capabilities();
        let mode = if self.preserve.modes {
            self.mode_of(from)
        } else if capabilities.free_reads && self.stream.staging == Staging::Each {
            // A file that is replaced keeps its mode; a new one is its owner's.
            match self.target.symlink_metadata(&self.base.append(&entry.relative)) {
                Ok(there) => there.mode.filter(|_| there.kind == EntryKind::File),
                Err(error) if error.kind() == StorageErrorKind::NotFound => None,
                Err(error) => return Err(error.into()),
            }
        } else {
            None
        };
        let attributes = Attributes {
            modified: from.modified.filter(|_| self.preserve.times && capabilities.times),
            mode: mode.filter(|_| capabilities.modes),
        };
        if attributes == Attributes::default() {
            return Ok(written);
        }
        self.target.set_attributes(part, attributes)?;
        if attributes.modified.is_none() || self.stream.staging == Staging::Direct {
            return Ok(written);
        }
        // The storage may keep the time less precisely.
        Ok(self.target.symlink_metadata(part)?.modified)
    }

    /// The permissions of a source. From a server none is taken that makes programs run with the rights of their owner.
    fn mode_of(&self, found: &Metadata) -> Option<u32> {
        let taken = if self.source.capabilities().free_reads { 0o7777 } else { 0o1777 };
        found.mode.map(|mode| mode & taken)
    }

    /// Sets the attributes of the folders of a part folder, innermost first. A folder that vanished meanwhile is a failure
    /// as a file is one, except for the source itself.
    pub(super) fn finish_folders(&self, failures: &mut BoundedMessages) -> Result<(), CopyError> {
        if self.stream.staging != Staging::Whole || self.preserve == Preserve::default() {
            return Ok(());
        }
        for folder in self.plan.entries.iter().filter(|entry| entry.kind == PlanKind::Folder).rev() {
            match self.finish_folder(&folder.relative) {
                Err(error) if error.is_final() || folder.relative == StoragePath::default() => return Err(error),
                Err(error) => failures.add(&error),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn finish_folder(&self, relative: &StoragePath) -> Result<(), CopyError> {
        let capabilities = self.target.capabilities();
        let found = self.source.metadata(&self.plan.base.append(relative))?;
        let attributes = Attributes {
            modified: found.modified.filter(|_| self.preserve.times && capabilities.times),
            mode: self.mode_of(&found).filter(|_| self.preserve.modes && capabilities.modes),
        };
        if attributes != Attributes::default() {
            let part = destination_paths::staged_path(self.stream, &self.base, relative);
            self.target.set_attributes(&part, attributes)?;
        }
        Ok(())
    }
}
