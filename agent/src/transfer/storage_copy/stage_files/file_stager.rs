//! Stages single files and links of a copy. Several threads may stage different files at the same time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{EntryKind, Metadata, TransferStorage};
use crate::transfer::bandwidth::BandwidthLimiter;
use crate::transfer::claimed_state_files::Claim;
use crate::transfer::control::Control;
use crate::transfer::copy_rules::{OnExists, Preserve};
use crate::transfer::error::CopyError;
use crate::transfer::state::{PartialFile, Staging, StreamState};
use crate::transfer::storage_copy::destination_paths;
use crate::transfer::storage_copy::file_copier::{Copied, FileCopier};
use crate::transfer::storage_copy::free_space_and_replaceable;
use crate::transfer::storage_copy::link_containment::stays_inside;
use crate::transfer::storage_copy::part_locks_and_removal;
use crate::transfer::storage_copy::plan::{PlanEntry, StreamPlan};
use crate::transfer::storage_copy::stage_files::{save, warn_of_rest};
use crate::transfer::storage_copy::staged_file_list::{StagedFile, StagedFiles, nanoseconds};

/// The minimum size in bytes of a file whose part another process continues. Smaller files are copied again from the
/// start.
const RESUMABLE: u64 = 4 << 20;

/// The settings of one attempt to stage a copy, and the list of the files that are staged.
pub(super) struct FileStager<'a> {
    pub(super) source: &'a dyn TransferStorage,
    pub(super) target: &'a dyn TransferStorage,
    pub(super) plan: &'a StreamPlan,
    /// The path of the copy.
    pub(super) base: StoragePath,
    /// The state of the copy when the attempt began.
    pub(super) stream: StreamState,
    pub(super) preserve: Preserve,
    pub(super) verify: bool,
    pub(super) control: &'a Control,
    pub(super) limiter: &'a BandwidthLimiter<'a>,
    pub(super) staged: Mutex<&'a mut StagedFiles>,
}

/// The place where the progress of one large file is stored.
pub(super) struct PartialFileRecord<'a> {
    pub(super) claim: &'a mut Claim,
    pub(super) stream: &'a mut StreamState,
}

impl<'a> FileStager<'a> {
    /// A copier that reads at most `chunk` bytes at once.
    pub(super) fn copier(&self, chunk: usize) -> FileCopier<'a> {
        let is_direct = self.stream.staging == Staging::Direct;
        FileCopier::new(self.source, self.target, self.control, self.verify, is_direct, self.limiter, chunk)
    }

    /// The list of staged files. The lock must not be held while a file is read or written.
    pub(super) fn staged(&self) -> MutexGuard<'_, &'a mut StagedFiles> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stages one file. Returns the file to publish; `None` if it is skipped. With `record`, the progress of its copy is
    /// stored, so that a later process can continue it.
    pub(super) fn stage_file(
        &self,
        entry: &PlanEntry,
        copier: &mut FileCopier<'_>,
        mut record: Option<PartialFileRecord<'_>>,
    ) -> Result<Option<StagedFile>, CopyError> {
        let from = &self.plan.base.append(&entry.relative);
        let part = destination_paths::staged_path(&self.stream, &self.base, &entry.relative);
        let before = self.source.metadata(from)?;
        if before.kind != EntryKind::File {
            return Err(CopyError::NoFile(self.source.display(from).into()));
        }
        if let Some(done) = self.already_staged(entry, &before, &part)? {
            self.control.add_resumed(done.size);
            self.control.add_verified(done.size);
            return Ok(Some(done));
        }
        if !self.may_write(entry)? {
            self.control.lower_total(before.size);
            return Ok(None);
        }
        let _lock = match self.stream.staging {
            Staging::Each => part_locks_and_removal::lock(self.target, &part, false)?,
            Staging::Whole | Staging::Direct => None,
        };
        let was_begun = self.staged().has_begun(&entry.relative);
        self.staged().begin(&entry.relative).map_err(CopyError::State)?;
        let result = match &mut record {
            Some(record) => record.copy(copier, entry, from, &before, &part),
            None => copier.copy(from, &before, &part, None, &mut |_, _| Ok(())),
        };
        let has_written = copier.take_has_written();
        let finished = result.and_then(|copy| {
            let written = self.set_attributes(entry, &before, &part, copy.written)?;
            Ok(Copied { written, ..copy })
        });
        let Copied { checksum, is_unverified, written } = match finished {
            Ok(finished) => finished,
            Err(error) => {
                if self.stream.staging == Staging::Direct && !was_begun && !has_written {
                    // The file with the final name existed before this copy.
                    if let Some(record) = record {
                        record.stream.partial = None;
                    }
                    self.staged().remove(&entry.relative).map_err(CopyError::State)?;
                } else if !error.is_temporary() && !matches!(error, CopyError::Stopped) {
                    self.discard(&part);
                }
                return Err(error);
            }
        };
        let (modified, written) = (before.modified.and_then(nanoseconds), written.and_then(nanoseconds));
        let (size, is_behind_link) = (before.size, entry.is_behind_link);
        let file = StagedFile { size, modified, written, checksum, is_link: false, is_behind_link, is_unverified };
        self.staged().add(&entry.relative, file.clone()).map_err(CopyError::State)?;
        Ok(Some(file))
    }

    /// The file that an earlier attempt or process has staged, if source and part file have not changed since.
    fn already_staged(
        &self,
        entry: &PlanEntry,
        source: &Metadata,
        part: &StoragePath,
    ) -> Result<Option<StagedFile>, CopyError> {
        let known = self.staged().get(&entry.relative).cloned();
        let Some(done) = known.filter(|done| !done.is_link && done.is_of(source)) else {
            return Ok(None);
        };
        let lacks_checksum = done.checksum.is_none() && self.verify;
        if done.modified.is_none() || lacks_checksum || self.stream.staging == Staging::Direct {
            return Ok(None);
        }
        match self.target.symlink_metadata(part) {
            Ok(there) if done.has_become(&there) => Ok(Some(done)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stages one link. Returns the link to publish; `None` if it is skipped.
    pub(super) fn stage_link(&self, entry: &PlanEntry) -> Result<Option<StagedFile>, CopyError> {
        let from = &self.plan.base.append(&entry.relative);
        let link = self.source.read_link(from)?;
        if !self.source.capabilities().free_reads && !stays_inside(&entry.relative, &link) {
            let (path, detail) = (self.source.display(from), "the link leads, or could lead, out of the copied folder");
            return Err(StorageError::new(StorageErrorKind::Unsupported, "copy", path, detail).into());
        }
        if !self.may_write(entry)? {
            return Ok(None);
        }
        let part = destination_paths::staged_path(&self.stream, &self.base, &entry.relative);
        part_locks_and_removal::remove_if_there(self.target, &part)?;
        self.target.create_link(&part, &link)?;
        let (size, modified, written, checksum, is_link) = (0, None, None, None, true);
        let (is_behind_link, is_unverified) = (false, false);
        let file = StagedFile { size, modified, written, checksum, is_link, is_behind_link, is_unverified };
        self.staged().add(&entry.relative, file.clone()).map_err(CopyError::State)?;
        Ok(Some(file))
    }

    /// Whether `onExists` allows copying this file. `false` if the file is skipped; fails if it must not be replaced.
    fn may_write(&self, entry: &PlanEntry) -> Result<bool, CopyError> {
        let (on_exists, staging) = (self.stream.rules.on_exists, self.stream.staging);
        let is_decided_later = on_exists == OnExists::Rename && !(staging == Staging::Direct && self.plan.is_folder);
        if staging == Staging::Whole || is_decided_later {
            return Ok(true);
        }
        if on_exists == OnExists::Overwrite {
            let path = self.base.append(&entry.relative);
            return free_space_and_replaceable::require_replaceable(self.target, &path).map(|()| true);
        }
        let is_partial =
            || self.stream.partial.as_ref().is_some_and(|partial| partial.path == entry.relative.to_stored());
        if staging == Staging::Direct && (self.staged().has_begun(&entry.relative) || is_partial()) {
            // An earlier attempt of this copy has written the file.
            return Ok(true);
        }
        let path = self.base.append(&entry.relative);
        match self.target.symlink_metadata(&path) {
            Ok(_) if on_exists == OnExists::Skip => {
                tracing::info!(path = self.target.display(&path), "the destination exists, so the file is skipped");
                Ok(false)
            }
            Ok(_) => Err(CopyError::Exists(self.target.display(&path).into())),
            Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn discard(&self, part: &StoragePath) {
        if let Err(error) = part_locks_and_removal::remove_if_there(self.target, part) {
            warn_of_rest(&error);
        }
    }
}

impl PartialFileRecord<'_> {
    /// Copies a file with `copier`, from the last recorded byte on if the source has not changed since.
    fn copy(
        &mut self,
        copier: &mut FileCopier<'_>,
        entry: &PlanEntry,
        from: &StoragePath,
        before: &Metadata,
        part: &StoragePath,
    ) -> Result<Copied, CopyError> {
        let begun = PartialFile {
            path: entry.relative.to_stored(),
            size: before.size,
            modified: before.modified.and_then(nanoseconds),
            good: 0,
            digest: None,
        };
        // Without a modification time, it is unknown whether the source is still the same.
        let good = self.stream.partial.as_ref().filter(|known| {
            known.modified.is_some()
                && (&known.path, known.size, known.modified) == (&begun.path, begun.size, begun.modified)
        });
        let good = good.cloned();
        if good.is_none() {
            self.stream.partial = Some(begun);
            if before.size >= RESUMABLE {
                save(self.claim, self.stream)?;
            }
        }
        let Self { claim, stream } = self;
        let mut checkpoint = |good: u64, digest: Option<String>| {
            if let Some(partial) = &mut stream.partial {
                (partial.good, partial.digest) = (good, digest);
            }
            save(claim, stream)
        };
        copier.copy(from, before, part, good.as_ref(), &mut checkpoint)
    }
}
