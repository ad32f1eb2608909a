//! Stages a copy: writes and verifies all its files before any of them is published.

mod attributes;
mod file_stager;
mod small_files;

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::Opened;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{EntryKind, TransferStorage};
use crate::transfer::bandwidth::BandwidthLimiter;
use crate::transfer::checksum::Manifest;
use crate::transfer::claimed_state_files::Claim;
use crate::transfer::control::Control;
use crate::transfer::copy_rules::{OnFileError, Preserve};
use crate::transfer::error::CopyError;
use crate::transfer::part_lock::Reserved;
use crate::transfer::state::{CopyResult, Phase, Staging, StreamState, Verify};
use crate::transfer::storage_copy::destination_paths;
use crate::transfer::storage_copy::file_copier::FileCopier;
use crate::transfer::storage_copy::free_space_and_replaceable;
use crate::transfer::storage_copy::part_locks_and_removal;
use crate::transfer::storage_copy::plan::{PlanEntry, PlanKind, StreamPlan};
use crate::transfer::storage_copy::stage_files::file_stager::{FileStager, PartialFileRecord};
use crate::transfer::storage_copy::stage_files::small_files::Outcome;
use crate::transfer::storage_copy::staged_file_list::StagedFiles;
use crate::transfer::storage_copy::unsupported_names;

/// The number of bytes of a large file that are copied at once: few enough to stay in the CPU cache until they are
/// hashed and sent.
const CHUNK: usize = 256 << 10;

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
    let limiter = BandwidthLimiter::new(options.max_rate, &control.bandwidth);
    let files = FileStager {
        source: source.storage.as_ref(),
        target: destination.storage.as_ref(),
        plan: &plan,
        base,
        preserve: stream.rules.preserve.unwrap_or(Preserve { times: keeps_all, modes: keeps_all }),
        stream: stream.clone(),
        verify: options.verify == Verify::Sha256,
        control,
        limiter: &limiter,
        staged: Mutex::new(staged),
    };
    let mut copy = Stager { claim, stream, copier: files.copier(CHUNK), files };
    let copied = copy.stage_all()?;
    copy.files.staged().sync().map_err(CopyError::State)?;
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
    let _found = if is_new { part_locks_and_removal::lock_existing(target, &part)? } else { None };
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
    files: FileStager<'a>,
    /// Copies the files that are not staged in groups.
    copier: FileCopier<'a>,
}

impl Stager<'_> {
    fn stage_all(&mut self) -> Result<CopyResult, CopyError> {
        let plan = self.files.plan;
        let mut failures = plan.failures.clone();
        let mut manifest = Manifest::default();
        let mut kept = BTreeSet::new();
        let mut bytes = 0;
        let mut single = None;
        let mut entries = plan.entries.as_slice();
        while !entries.is_empty() {
            self.files.control.check_stopped()?;
            let (group, outcomes) = self.stage_next(entries)?;
            for (entry, outcome) in group.iter().zip(outcomes) {
                match outcome {
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
            entries = entries.get(group.len()..).unwrap_or_default();
        }
        let skips = self.stream.rules.on_file_error == OnFileError::Skip;
        if failures.is_empty() || skips {
            self.remove_others(&kept)?;
            self.files.finish_folders(&mut failures)?;
        }
        if !failures.is_empty() && !skips {
            return Err(CopyError::Several(failures));
        }
        let skipped = failures.summary("not copied, as `onFileError: skip` says");
        let left_out = plan.left_out.summary("special files or links that are not copied");
        let warnings: Vec<String> = skipped.into_iter().chain(left_out).collect();
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        let checksum = if plan.is_folder { self.files.verify.then(|| manifest.checksum()) } else { single };
        Ok(CopyResult { bytes, checksum, warning })
    }

    /// Stages the first of `entries`, or several small files at their start. Returns the staged entries, and what became
    /// of each.
    fn stage_next<'e>(&mut self, entries: &'e [PlanEntry]) -> Result<(&'e [PlanEntry], Vec<Outcome>), CopyError> {
        let length = small_files::group_length(&self.files, entries);
        let (group, _) = entries.split_at(length.max(1));
        let outcomes = match group {
            [entry] => vec![self.stage_entry(entry)],
            group => small_files::stage(&self.files, group)?,
        };
        Ok((group, outcomes))
    }

    /// Stages one entry. Returns the file or link to publish; `None` for a folder, and for a file that is skipped.
    fn stage_entry(&mut self, entry: &PlanEntry) -> Outcome {
        let files = &self.files;
        match entry.kind {
            PlanKind::Folder => {
                let folder = match self.stream.staging {
                    Staging::Whole => destination_paths::staged_path(self.stream, &files.base, &entry.relative),
                    Staging::Each | Staging::Direct => files.base.append(&entry.relative),
                };
                destination_paths::create_folders(files.target, &folder)?;
                Ok(None)
            }
            PlanKind::Link => files.stage_link(entry),
            PlanKind::File => {
                let record = PartialFileRecord { claim: self.claim, stream: self.stream };
                files.stage_file(entry, &mut self.copier, Some(record))
            }
        }
    }

    /// Removes staged and partly written files that must not be published.
    fn remove_others(&mut self, kept: &BTreeSet<StoragePath>) -> Result<(), CopyError> {
        let files = &self.files;
        let mut staged = files.staged();
        let known = staged.iter().map(|(path, _)| path).chain(staged.begun());
        let others: Vec<StoragePath> = known.filter(|path| !kept.contains(*path)).cloned().collect();
        for path in others {
            let part = destination_paths::staged_path(self.stream, &files.base, &path);
            match self.stream.staging {
                Staging::Whole => remove_file(files.target, &part)?,
                Staging::Each => {
                    if let Err(error) = part_locks_and_removal::remove_part(files.target, &part) {
                        warn_of_rest(&error);
                    }
                }
                Staging::Direct => {}
            }
            staged.remove(&path).map_err(CopyError::State)?;
        }
        Ok(())
    }
}

/// Removes a file in the part folder, which would be published with it. A folder at the same path, which has replaced
/// the file in the source, is kept.
fn remove_file(target: &dyn TransferStorage, part: &StoragePath) -> Result<(), StorageError> {
    match target.symlink_metadata(part) {
        Ok(there) if there.kind == EntryKind::Folder => Ok(()),
        Ok(_) => target.remove(part),
        Err(error) if error.kind() == StorageErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn warn_of_rest(error: &StorageError) {
    tracing::warn!(%error, "an incomplete copy cannot be removed; remove it by hand");
}
