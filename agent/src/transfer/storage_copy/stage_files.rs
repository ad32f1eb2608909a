//! Stages a copy: writes and verifies all its files before any of them is published.

mod attributes;

use std::collections::BTreeSet;

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{EntryKind, Metadata, TransferStorage};
use crate::transfer::checksum::Manifest;
use crate::transfer::claimed_state_files::Claim;
use crate::transfer::control::Control;
use crate::transfer::copy_rules::{OnExists, OnFileError, Preserve};
use crate::transfer::error::CopyError;
use crate::transfer::part_lock::Reserved;
use crate::transfer::state::{CopyResult, PartialFile, Phase, Staging, StreamState, Verify};
use crate::transfer::storage_copy::destination_paths;
use crate::transfer::storage_copy::file_copier::{Copied, FileCopier};
use crate::transfer::storage_copy::free_space_and_replaceable;
use crate::transfer::storage_copy::link_containment::stays_inside;
use crate::transfer::storage_copy::part_locks_and_removal;
use crate::transfer::storage_copy::plan::{PlanEntry, PlanKind, StreamPlan};
use crate::transfer::storage_copy::staged_file_list::{StagedFile, StagedFiles, nanoseconds};
use crate::transfer::storage_copy::unsupported_names;

/// The minimum size in bytes of a file whose part another process continues. Smaller files are copied again from the
/// start.
const RESUMABLE: u64 = 4 << 20;

/// Stages all files of the copy, and records that they can be published. Returns the result of the copy, and the lock
/// of its part folder, if it has one.
pub(crate) fn stage(
    claim: &mut Claim,
    stream: &mut StreamState,
    source: &Opened,
    destination: &Opened,
    staged: &mut StagedFiles,
    control: &Control,
) -> Result<(CopyResult, Option<Reserved>), CopyError> {
    let (here, there) = (source.storage.capabilities(), destination.storage.capabilities());
    let plan = StreamPlan::of(source, &stream.rules, here.links && there.links)?;
    control.set_total(plan.total);
    let is_new = stream.target.is_none();
    let base = destination_paths::choose(stream, &plan, source, destination)?;
    if is_new && !there.free_reads {
        stream.part_tag = Some(claim.state.part_tag());
    }
    let lock = match prepare(&plan, stream, destination, &base, staged, is_new) {
        Ok(lock) => lock,
        Err(error) => {
            if is_new {
                stream.target = None;
            }
            return Err(error);
        }
    };
    save(claim, stream)?;
    if let Some(parent) = base.parent() {
        destination_paths::create_folders(destination.storage.as_ref(), &parent)?;
    }
    let options = claim.state.options;
    let keeps_all = here.free_reads && there.free_reads;
    let mut copy = Stager {
        preserve: stream.rules.preserve.unwrap_or(Preserve { times: keeps_all, modes: keeps_all }),
        copier: FileCopier::new(
            source.storage.as_ref(),
            destination.storage.as_ref(),
            control,
            options.verify == Verify::Sha256,
            stream.staging == Staging::Direct,
            options.max_rate,
        ),
        claim,
        stream,
        source: source.storage.as_ref(),
        target: destination.storage.as_ref(),
        plan: &plan,
        base,
        staged,
        control,
    };
    let copied = copy.stage_all()?;
    copy.staged.sync().map_err(CopyError::State)?;
    copy.stream.partial = None;
    copy.stream.is_published = false;
    copy.claim.state.phase = Phase::Publishing;
    copy.claim.state.copied = Some(copied.clone());
    save(copy.claim, copy.stream)?;
    Ok((copied, lock))
}

/// Fails if the destination does not support a name or has too little space. Then locks the part folder, if the copy
/// has one. A new copy first removes what an earlier copy has left in the part folder, so that it is not published.
fn prepare(
    plan: &StreamPlan,
    stream: &StreamState,
    destination: &Opened,
    base: &StoragePath,
    staged: &StagedFiles,
    is_new: bool,
) -> Result<Option<Reserved>, CopyError> {
    let target = destination.storage.as_ref();
    unsupported_names::check(plan, target, base)?;
    free_space_and_replaceable::check_space(plan, stream, destination, base, staged)?;
    if stream.staging != Staging::Whole {
        return Ok(None);
    }
    let part = destination_paths::part_folder(stream, base);
    // Locked until the new part folder is locked, so that no other copy writes to the removed one.
    let _found = if is_new { part_locks_and_removal::hold(target, &part)? } else { None };
    if is_new {
        part_locks_and_removal::remove_if_there(target, &part)?;
    }
    part_locks_and_removal::lock(target, &part, true)
}

/// Stores the state of the transfer, with `stream`, durably.
pub(crate) fn save(claim: &mut Claim, stream: &StreamState) -> Result<(), CopyError> {
    claim.state.stream = Some(stream.clone());
    claim.save().map_err(CopyError::State)
}

struct Stager<'a> {
    claim: &'a mut Claim,
    stream: &'a mut StreamState,
    source: &'a dyn TransferStorage,
    target: &'a dyn TransferStorage,
    plan: &'a StreamPlan,
    /// The path of the copy.
    base: StoragePath,
    staged: &'a mut StagedFiles,
    control: &'a Control,
    preserve: Preserve,
    copier: FileCopier<'a>,
}

impl Stager<'_> {
    fn stage_all(&mut self) -> Result<CopyResult, CopyError> {
        let plan = self.plan;
        let mut failures = plan.failures.clone();
        let mut manifest = Manifest::default();
        let mut kept = BTreeSet::new();
        let mut bytes = 0;
        let mut single = None;
        for entry in &plan.entries {
            self.control.check_stopped()?;
            match self.stage_entry(entry) {
                Ok(Some(file)) => {
                    bytes += file.size;
                    kept.insert(entry.relative.clone());
                    if let Some(digest) = file.checksum {
                        single = Some(digest.clone());
                        manifest.insert(entry.relative.as_bytes().to_vec(), digest);
                    }
                }
                Ok(None) => {}
                Err(error) if error.is_final() || !plan.is_folder => return Err(error),
                Err(error) => failures.add(&error),
            }
        }
        let skips = self.stream.rules.on_file_error == OnFileError::Skip;
        if failures.is_empty() || skips {
            self.remove_others(&kept)?;
            self.finish_folders(&mut failures)?;
        }
        if !failures.is_empty() && !skips {
            return Err(CopyError::Several(failures));
        }
        let skipped = failures.summary("not copied, as `onFileError: skip` says");
        let left_out = plan.left_out.summary("special files or links that are not copied");
        let warnings: Vec<String> = skipped.into_iter().chain(left_out).collect();
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        let verifies = self.claim.state.options.verify == Verify::Sha256;
        let checksum = if plan.is_folder { verifies.then(|| manifest.checksum()) } else { single };
        Ok(CopyResult { bytes, checksum, warning })
    }

    /// Stages one entry. Returns the file or link to publish; `None` for a folder, and for a file that is skipped.
    fn stage_entry(&mut self, entry: &PlanEntry) -> Result<Option<StagedFile>, CopyError> {
        let from = self.plan.base.append(&entry.relative);
        match entry.kind {
            PlanKind::Folder => {
                let folder = match self.stream.staging {
                    Staging::Whole => destination_paths::staged_path(self.stream, &self.base, &entry.relative),
                    Staging::Each | Staging::Direct => self.base.append(&entry.relative),
                };
                destination_paths::create_folders(self.target, &folder)?;
                Ok(None)
            }
            PlanKind::Link => self.stage_link(entry, &from),
            PlanKind::File => self.stage_file(entry, &from),
        }
    }

    fn stage_file(&mut self, entry: &PlanEntry, from: &StoragePath) -> Result<Option<StagedFile>, CopyError> {
        let part = destination_paths::staged_path(self.stream, &self.base, &entry.relative);
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
            self.control.set_total(self.control.total().saturating_sub(before.size));
            return Ok(None);
        }
        let _lock = match self.stream.staging {
            Staging::Each => part_locks_and_removal::lock(self.target, &part, false)?,
            Staging::Whole | Staging::Direct => None,
        };
        let was_begun = self.staged.has_begun(&entry.relative);
        self.staged.begin(&entry.relative).map_err(CopyError::State)?;
        let copied = self.copy_file(entry, from, &before, &part);
        let has_written = self.copier.take_has_written();
        let finished = copied.and_then(|copied| {
            let written = self.set_attributes(entry, &before, &part, copied.written)?;
            Ok(Copied { written, ..copied })
        });
        let Copied { checksum, is_unverified, written } = match finished {
            Ok(finished) => finished,
            Err(error) => {
                if self.stream.staging == Staging::Direct && !was_begun && !has_written {
                    // The file with the final name existed before this copy.
                    self.stream.partial = None;
                    self.staged.remove(&entry.relative).map_err(CopyError::State)?;
                } else if !error.is_temporary() && !matches!(error, CopyError::Stopped) {
                    self.discard(&part);
                }
                return Err(error);
            }
        };
        let (modified, written) = (before.modified.and_then(nanoseconds), written.and_then(nanoseconds));
        let (size, is_behind_link) = (before.size, entry.is_behind_link);
        let file = StagedFile { size, modified, written, checksum, is_link: false, is_behind_link, is_unverified };
        self.staged.add(&entry.relative, file.clone()).map_err(CopyError::State)?;
        Ok(Some(file))
    }

    fn copy_file(
        &mut self,
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
        let Self { copier, claim, stream, .. } = self;
        let mut checkpoint = |good: u64, digest: Option<String>| {
            if let Some(partial) = &mut stream.partial {
                (partial.good, partial.digest) = (good, digest);
            }
            save(claim, stream)
        };
        copier.copy(from, before, part, good.as_ref(), &mut checkpoint)
    }

    /// The file that an earlier attempt or process has staged, if source and part file have not changed since.
    fn already_staged(
        &self,
        entry: &PlanEntry,
        source: &Metadata,
        part: &StoragePath,
    ) -> Result<Option<StagedFile>, CopyError> {
        let Some(done) = self.staged.get(&entry.relative).filter(|done| !done.is_link && done.is_of(source)) else {
            return Ok(None);
        };
        let lacks_checksum = done.checksum.is_none() && self.claim.state.options.verify == Verify::Sha256;
        if done.modified.is_none() || lacks_checksum || self.stream.staging == Staging::Direct {
            return Ok(None);
        }
        match self.target.symlink_metadata(part) {
            Ok(there) if done.has_become(&there) => Ok(Some(done.clone())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn stage_link(&mut self, entry: &PlanEntry, from: &StoragePath) -> Result<Option<StagedFile>, CopyError> {
        let link = self.source.read_link(from)?;
        if !self.source.capabilities().free_reads && !stays_inside(&entry.relative, &link) {
            let (path, detail) = (self.source.display(from), "the link leads, or could lead, out of the copied folder");
            return Err(StorageError::new(StorageErrorKind::Unsupported, "copy", path, detail).into());
        }
        if !self.may_write(entry)? {
            return Ok(None);
        }
        let part = destination_paths::staged_path(self.stream, &self.base, &entry.relative);
        part_locks_and_removal::remove_if_there(self.target, &part)?;
        self.target.create_link(&part, &link)?;
        let (size, modified, written, checksum, is_link) = (0, None, None, None, true);
        let (is_behind_link, is_unverified) = (false, false);
        let file = StagedFile { size, modified, written, checksum, is_link, is_behind_link, is_unverified };
        self.staged.add(&entry.relative, file.clone()).map_err(CopyError::State)?;
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
        if staging == Staging::Direct && (self.staged.has_begun(&entry.relative) || is_partial()) {
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

    /// Removes staged and partly written files that must not be published.
    fn remove_others(&mut self, kept: &BTreeSet<StoragePath>) -> Result<(), CopyError> {
        let known = self.staged.iter().map(|(path, _)| path).chain(self.staged.begun());
        let others: Vec<StoragePath> = known.filter(|path| !kept.contains(*path)).cloned().collect();
        for path in others {
            let part = destination_paths::staged_path(self.stream, &self.base, &path);
            match self.stream.staging {
                Staging::Whole => self.remove_file(&part)?,
                Staging::Each => {
                    if let Err(error) = part_locks_and_removal::remove_part(self.target, &part) {
                        warn_of_rest(&error);
                    }
                }
                Staging::Direct => {}
            }
            self.staged.remove(&path).map_err(CopyError::State)?;
        }
        Ok(())
    }

    /// Removes a file in the part folder, which would be published with it. A folder at the same path, which has
    /// replaced the file in the source, is kept.
    fn remove_file(&self, part: &StoragePath) -> Result<(), StorageError> {
        match self.target.symlink_metadata(part) {
            Ok(there) if there.kind == EntryKind::Folder => Ok(()),
            Ok(_) => self.target.remove(part),
            Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn discard(&self, part: &StoragePath) {
        if let Err(error) = part_locks_and_removal::remove_if_there(self.target, part) {
            warn_of_rest(&error);
        }
    }
}

fn warn_of_rest(error: &StorageError) {
    tracing::warn!(%error, "an incomplete copy cannot be removed; remove it by hand");
}
