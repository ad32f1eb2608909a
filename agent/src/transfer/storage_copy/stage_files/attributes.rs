//! Sets the times and permissions of staged files and folders.

use std::time::SystemTime;

use crate::storage::error::StorageErrorKind;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Attributes, EntryKind, Metadata};
use crate::transfer::bounded_messages::BoundedMessages;
use crate::transfer::copy_rules::Preserve;
use crate::transfer::error::CopyError;
use crate::transfer::state::Staging;
use crate::transfer::storage_copy::destination_paths;
use crate::transfer::storage_copy::plan::{PlanEntry, PlanKind};
use crate::transfer::storage_copy::stage_files::file_stager::FileStager;

impl FileStager<'_> {
    /// Sets the attributes of a part file, whose modification time is `written`, and returns its new modification time.
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
            // A copy that replaces a file keeps the mode of that file; a new file is accessible to its owner only.
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
        // The storage may round the time.
        Ok(self.target.symlink_metadata(part)?.modified)
    }

    /// The permissions of a source. The set-user-ID and set-group-ID bits of files from a server are dropped.
    fn mode_of(&self, found: &Metadata) -> Option<u32> {
        let taken = if self.source.capabilities().free_reads { 0o7777 } else { 0o1777 };
        found.mode.map(|mode| mode & taken)
    }

    /// Sets the attributes of the folders in the part folder, innermost first. If a folder of the source is missing by
    /// now, this is added to `failures`; for the source itself it is an error.
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
            let part = destination_paths::staged_path(&self.stream, &self.base, relative);
            self.target.set_attributes(&part, attributes)?;
        }
        Ok(())
    }
}
