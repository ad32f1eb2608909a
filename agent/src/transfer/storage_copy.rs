//! Copies through storages: between this machine and a server, or between local paths with rules.
//! Blocking; independent of the control plane.
//!
//! All files are staged first: written under temporary names, made durable, verified, and added to a list. Then the
//! files in the list are published by renaming. Staged files are kept for later attempts and processes.

mod destination_paths;
mod file_copier;
mod free_space_and_replaceable;
mod link_containment;
mod move_to_folder;
mod part_locks_and_removal;
mod plan;
mod publish;
pub(crate) mod source_and_destination;
mod source_cleanup;
mod stage_files;
mod staged_file_list;
mod unsupported_names;

use mftplus_protocol::backoff::Backoff;

use crate::storage::error::StorageError;
use crate::storage::open::{End, Opened};
use crate::storage::storage_path::StoragePath;
use crate::transfer::claimed_state_files::Claim;
use crate::transfer::control::Control;
use crate::transfer::copy_rules::AfterSuccess;
use crate::transfer::error::CopyError;
use crate::transfer::state::{CopyResult, Phase, StreamState};
use crate::transfer::storage_copy::staged_file_list::StagedFiles;

/// The maximum number of consecutive attempts that copy no byte.
const MAX_FAILURES: u32 = 10;

/// The maximum number of attempts in one process.
const MAX_ATTEMPTS: u32 = 100;

/// Opens the storage of the source or destination of a copy.
pub(crate) type Open<'a> = &'a dyn Fn(End) -> Result<Opened, StorageError>;

/// Copies and publishes the files of the transfer. After a temporary error, the copy is continued with new connections,
/// after growing delays.
pub(crate) fn run(
    claim: &mut Claim,
    mut stream: StreamState,
    open: Open<'_>,
    backoff: Backoff,
    control: &Control,
) -> Result<CopyResult, CopyError> {
    let ended = run_attempts(claim, &mut stream, open, backoff, control);
    // The caller needs this state to remove staged files; it need not be stored for that.
    claim.state.stream = Some(stream);
    ended
}

fn run_attempts(
    claim: &mut Claim,
    stream: &mut StreamState,
    open: Open<'_>,
    backoff: Backoff,
    control: &Control,
) -> Result<CopyResult, CopyError> {
    let (mut attempt, mut failures) = (0, 0);
    loop {
        attempt += 1;
        let error = match attempt_once(claim, stream, open, control) {
            Err(error) if error.is_temporary() && attempt < MAX_ATTEMPTS => error,
            ended => return ended,
        };
        failures = if control.moved() > 0 { 1 } else { failures + 1 };
        if failures >= MAX_FAILURES {
            return Err(error);
        }
        let delay = backoff.jittered(failures, fastrand::f64());
        tracing::warn!(attempt, %error, ?delay, "a copy is interrupted and continues after a delay");
        control.restart(format!("attempt {attempt} was interrupted, and the next one continues: {error}"));
        control.wait(delay)?;
    }
}

fn attempt_once(
    claim: &mut Claim,
    stream: &mut StreamState,
    open: Open<'_>,
    control: &Control,
) -> Result<CopyResult, CopyError> {
    control.check_stopped()?;
    let mut staged = StagedFiles::open(&claim.staged_path()).map_err(CopyError::State)?;
    let destination = open(End::Destination)?;
    let recorded = claim.state.copied.clone().filter(|_| claim.state.phase == Phase::Publishing);
    let is_published = recorded.is_some() && stream.is_published;
    let (copied, source, lock) = if let Some(copied) = recorded {
        control.set_total(copied.bytes);
        control.add_resumed(copied.bytes);
        control.add_verified(copied.bytes);
        (copied, None, None)
    } else {
        let source = open(End::Source)?;
        let (copied, lock) = stage_files::stage(claim, stream, &source, &destination, &mut staged, control)?;
        (copied, Some(source), lock)
    };
    if !is_published {
        let was_staged_before = source.is_none();
        let target = destination.storage.as_ref();
        publish::publish(target, &base(stream)?, stream, &mut staged, lock, was_staged_before)?;
    }
    if stream.rules.after_success != AfterSuccess::Keep {
        if !is_published {
            // Stored first, because another program may remove the published files at once.
            stream.is_published = true;
            stage_files::save(claim, stream)?;
        }
        let source = match source {
            Some(source) => source,
            None => open(End::Source)?,
        };
        let origin = StoragePath::from_stored(stream.origin.as_deref().unwrap_or_default())?;
        source_cleanup::finish(&source, &origin, &stream.rules.after_success, &staged)?;
    }
    Ok(copied)
}

/// Removes the staged files of a copy that has failed or was cancelled.
pub(crate) fn discard(claim: &Claim, stream: &StreamState, open: Open<'_>) -> Result<(), CopyError> {
    if stream.target.is_none() {
        // Nothing was written.
        return Ok(());
    }
    let staged = StagedFiles::open(&claim.staged_path()).map_err(CopyError::State)?;
    let destination = open(End::Destination)?;
    Ok(publish::discard(destination.storage.as_ref(), &base(stream)?, stream, &staged)?)
}

fn base(stream: &StreamState) -> Result<StoragePath, StorageError> {
    StoragePath::from_stored(stream.target.as_deref().unwrap_or_default())
}
