//! Stages small files several at a time: most of the time that one of them takes is spent waiting, for the responses of
//! a server and for the disk.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::transfer::error::CopyError;
use crate::transfer::state::Staging;
use crate::transfer::storage_copy::plan::{PlanEntry, PlanKind};
use crate::transfer::storage_copy::stage_files::file_stager::FileStager;
use crate::transfer::storage_copy::staged_file_list::StagedFile;

/// The maximum size of a small file in bytes.
const SMALL: u64 = 256 << 10;

/// The number of bytes that each thread copies at once.
const CHUNK: usize = 32 << 10;

/// The maximum number of files in a group.
const MAX_GROUP: usize = 1_000;

/// What became of one entry: the file to publish, or `None` if it is skipped.
pub(super) type Outcome = Result<Option<StagedFile>, CopyError>;

/// The number of entries at the start of `entries` that are small files and can be staged together; 0 if the storages
/// do not allow that. Files that are written under their final names are staged one by one.
pub(super) fn group_length(files: &FileStager<'_>, entries: &[PlanEntry]) -> usize {
    let is_small = |entry: &&PlanEntry| entry.kind == PlanKind::File && entry.size <= SMALL;
    if threads(files) < 2 || files.stream.staging == Staging::Direct {
        return 0;
    }
    entries.iter().take(MAX_GROUP).take_while(is_small).count()
}

/// Stages the files of a group, each on one of several threads. Returns the outcomes in the order of the entries; fails
/// with the first error after which the copy cannot go on.
pub(super) fn stage(files: &FileStager<'_>, group: &[PlanEntry]) -> Result<Vec<Outcome>, CopyError> {
    let (next, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcomes = Mutex::new(group.iter().map(|_| None).collect::<Vec<Option<Outcome>>>());
    let work = || {
        let mut copier = files.copier(CHUNK);
        while !has_failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = group.get(index) else { break };
            let outcome = files.control.check_stopped().and_then(|()| files.stage_file(entry, &mut copier, None));
            if outcome.as_ref().is_err_and(CopyError::is_final) {
                has_failed.store(true, Ordering::Relaxed);
            }
            if let Some(slot) = outcomes.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
                *slot = Some(outcome);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads(files).min(group.len()) {
            // If no thread starts, this one stages all files.
            let _ = thread::Builder::new().name("small-files".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut ended = Vec::with_capacity(group.len());
    for outcome in outcomes.into_iter().flatten() {
        match outcome {
            Err(error) if error.is_final() => return Err(error),
            outcome => ended.push(outcome),
        }
    }
    Ok(ended)
}

/// The number of threads that stage files at the same time.
fn threads(files: &FileStager<'_>) -> usize {
    let [source, target] = [files.source, files.target].map(|storage| storage.capabilities().concurrent_files);
    source.min(target)
}
