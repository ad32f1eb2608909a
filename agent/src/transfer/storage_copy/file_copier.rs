//! Copies one file between two storages: continues an existing part file, computes the checksum while copying, and
//! verifies the copy.

use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant, SystemTime};

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Capabilities, EntryKind, Metadata, TransferStorage};
use crate::transfer::bandwidth::BandwidthLimiter;
use crate::transfer::checksum::Hasher;
use crate::transfer::control::Control;
use crate::transfer::error::{CopyError, UNKNOWN_SIZES};
use crate::transfer::state::PartialFile;

/// The number of bytes after which a local part file is synced, so that a power failure loses no more than these.
const CHECKPOINT: u64 = 256 << 20;

/// The time after which a local part file is synced even if fewer bytes were written, because receiving them again over
/// a slow connection takes long.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(10);

/// Copies files from one storage to another.
pub(crate) struct FileCopier<'a> {
    source: &'a dyn TransferStorage,
    target: &'a dyn TransferStorage,
    control: &'a Control,
    verify: bool,
    /// Whether files are written under their final names.
    is_direct: bool,
    limiter: &'a BandwidthLimiter<'a>,
    buffer: Vec<u8>,
    /// Whether the last copy has, or may have, changed its target.
    has_written: bool,
}

/// A file that was copied, and verified as far as the destination allows reading it.
pub(crate) struct Copied {
    /// The SHA-256 of the file; `None` if the copy is not verified.
    pub(crate) checksum: Option<String>,
    /// Whether the copy should have been verified, but the destination does not allow reading it.
    pub(crate) is_unverified: bool,
    /// The modification time of the copy according to its storage; `None` if it is not known.
    pub(crate) written: Option<SystemTime>,
}

/// A function that records how many bytes of a part file are durable, and their SHA-256 if the copy is verified.
pub(crate) type Checkpoint<'a> = &'a mut dyn FnMut(u64, Option<String>) -> Result<(), CopyError>;

impl<'a> FileCopier<'a> {
    /// Creates a copier that reads at most `chunk` bytes at once.
    pub(crate) fn new(
        source: &'a dyn TransferStorage,
        target: &'a dyn TransferStorage,
        control: &'a Control,
        verify: bool,
        is_direct: bool,
        limiter: &'a BandwidthLimiter<'a>,
        chunk: usize,
    ) -> Self {
        let buffer = vec![0; chunk];
        Self { source, target, control, verify, is_direct, limiter, buffer, has_written: false }
    }

    /// Whether the last call of [`Self::copy`] has, or may have, changed its target. Resets the answer to `false`.
    pub(crate) fn take_has_written(&mut self) -> bool {
        std::mem::take(&mut self.has_written)
    }

    /// Copies `from`, whose metadata is `before`, to `to`, and verifies the copy. `known` is set if an existing file at
    /// `to` may be continued, and has the number of durable bytes in a local part file. Fails if the source changes
    /// during the copy.
    pub(crate) fn copy(
        &mut self,
        from: &StoragePath,
        before: &Metadata,
        to: &StoragePath,
        known: Option<&PartialFile>,
        checkpoint: Checkpoint<'_>,
    ) -> Result<Copied, CopyError> {
        let (kept, mut hasher) = match known {
            Some(known) => self.keep_prefix(from, to, before.size, known)?,
            None => (0, Hasher::new(self.verify)),
        };
        let length = self.write_rest(from, to, kept, before.size, &mut hasher, checkpoint)?;
        let after = self.source.metadata(from)?;
        if (after.size, after.modified) != (before.size, before.modified) {
            return Err(CopyError::Changed(self.source.display(from).into()));
        }
        if length != before.size {
            return Err(self.wrong_length(from, before.size));
        }
        let written = self.check_size(to, length)?;
        let checksum = hasher.finish();
        let mut is_unverified = false;
        if let Some(expected) = &checksum {
            self.compare_source(from, to, expected)?;
            is_unverified = !self.compare_copy(to, length, expected)?;
        }
        Ok(Copied { checksum, is_unverified, written })
    }

    /// The number of bytes of an existing part that can be kept, and the hasher that has processed them.
    fn keep_prefix(
        &mut self,
        from: &StoragePath,
        to: &StoragePath,
        size: u64,
        known: &PartialFile,
    ) -> Result<(u64, Hasher), CopyError> {
        let good = known.good;
        let nothing = (0, Hasher::new(self.verify));
        let (here, there) = (self.source.capabilities(), self.target.capabilities());
        if self.is_direct || !here.resumes || !there.resumes {
            return Ok(nothing);
        }
        let length = match self.target.symlink_metadata(to) {
            Ok(found) if found.kind == EntryKind::File => found.size,
            Ok(_) => return Ok(nothing),
            Err(error) if error.kind() == StorageErrorKind::NotFound => return Ok(nothing),
            Err(error) => return Err(error.into()),
        };
        if there.free_reads {
            // The kept bytes are hashed again, because the checksum is that of the whole file.
            if good == 0 || good > size || length < good {
                return Ok(nothing);
            }
            if !self.verify {
                return Ok((good, Hasher::new(false)));
            }
            let Some(hasher) = self.hash(self.target, to, Some(good))? else { return Ok(nothing) };
            let is_of_this_copy = known.digest.is_none() || known.digest == hasher.clone().finish();
            return Ok(if is_of_this_copy { (good, hasher) } else { nothing });
        }
        let kept = length.min(size);
        if kept == 0 || !here.free_reads {
            return Ok(nothing);
        }
        let written = match self.hash(self.target, to, Some(kept)) {
            Ok(written) => written,
            Err(error) => {
                self.give_up_part(to, error)?;
                return Ok(nothing);
            }
        };
        let Some(expected) = self.hash(self.source, from, Some(kept))? else { return Ok(nothing) };
        if written.and_then(Hasher::finish) != expected.clone().finish() {
            return Ok(nothing);
        }
        Ok((kept, if self.verify { expected } else { Hasher::new(false) }))
    }

    /// Decides what happens after a part could not be read back: returns `Ok` if the copy must start again, and fails
    /// with `error` if a later attempt may be able to read the part.
    fn give_up_part(&self, part: &StoragePath, error: CopyError) -> Result<(), CopyError> {
        match &error {
            // Some servers, such as vsftpd, lock a file until they notice that the connection that wrote it is lost. A new
            // file is not locked.
            CopyError::Storage(cause) if cause.kind() == StorageErrorKind::TimedOut => self.target.remove(part)?,
            cause if cause.is_temporary() || matches!(cause, CopyError::Stopped) => return Err(error),
            _ => {}
        }
        tracing::debug!(%error, "a part cannot be read back, so its file is copied from the start");
        Ok(())
    }

    /// The error for a source that has more or fewer bytes than its `size`.
    fn wrong_length(&self, from: &StoragePath, size: u64) -> CopyError {
        let path = self.source.display(from).into();
        let has_unknown_size = self.source.capabilities().free_reads && UNKNOWN_SIZES.contains(&size);
        if has_unknown_size { CopyError::UnknownSize(path) } else { CopyError::Changed(path) }
    }

    /// Copies the bytes after the first `kept` of `size` bytes; returns the length of the copy.
    fn write_rest(
        &mut self,
        from: &StoragePath,
        to: &StoragePath,
        kept: u64,
        size: u64,
        hasher: &mut Hasher,
        checkpoint: Checkpoint<'_>,
    ) -> Result<u64, CopyError> {
        let (source, target) = (self.source, self.target);
        let Capabilities { free_reads, fsync, .. } = target.capabilities();
        let makes_checkpoints = free_reads && !self.is_direct;
        let mut reader = source.open_read(from, kept)?;
        let opened = target.open_write(to, kept);
        // A server may have created the file before the connection was lost.
        self.has_written = opened
            .as_ref()
            .err()
            .is_none_or(|error| error.kind().is_temporary() || error.kind() == StorageErrorKind::Stopped);
        let mut writer = opened?;
        self.control.add_resumed(kept);
        let (mut length, mut durable, mut synced_at) = (kept, kept, Instant::now());
        let error = loop {
            if let Err(stopped) = self.control.check_stopped() {
                break stopped;
            }
            let chunk = self.limiter.chunk(self.buffer.len());
            let count = match reader.read(&mut self.buffer[..chunk]) {
                Ok(0) => {
                    writer.finish(fsync)?;
                    return Ok(length);
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => break StorageError::from_io("read", source.display(from), &error).into(),
            };
            // A server could send bytes without end.
            if length + count as u64 > size {
                break self.wrong_length(from, size);
            }
            if let Err(error) = writer.write_all(&self.buffer[..count]) {
                break StorageError::from_io("write", target.display(to), &error).into();
            }
            hasher.update(&self.buffer[..count]);
            length += count as u64;
            self.control.add_copied(count as u64);
            if let Err(stopped) = self.control.wait(self.limiter.record(count)) {
                break stopped;
            }
            let is_due = length - durable >= CHECKPOINT || synced_at.elapsed() >= CHECKPOINT_INTERVAL;
            if makes_checkpoints && is_due {
                writer.finish(fsync)?;
                checkpoint(length, hasher.clone().finish())?;
                (durable, synced_at) = (length, Instant::now());
                writer = target.open_write(to, length)?;
            }
        };
        // The bytes that were received before the error are kept for the next attempt.
        if makes_checkpoints && (error.is_temporary() || matches!(error, CopyError::Stopped)) {
            writer.finish(fsync)?;
            checkpoint(length, hasher.clone().finish())?;
        }
        Err(error)
    }

    /// Hashes the first `length` bytes, or the whole file; `None` if the file is shorter than `length`.
    fn hash(
        &mut self,
        storage: &dyn TransferStorage,
        path: &StoragePath,
        length: Option<u64>,
    ) -> Result<Option<Hasher>, CopyError> {
        let mut reader = storage.open_read(path, 0)?;
        let mut hasher = Hasher::new(true);
        let mut left = length.unwrap_or(u64::MAX);
        while left > 0 {
            self.control.check_stopped()?;
            let chunk = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            let count = match reader.read(&mut self.buffer[..chunk]) {
                Ok(0) if length.is_none() => break,
                Ok(0) => return Ok(None),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(StorageError::from_io("read", storage.display(path), &error).into()),
            };
            hasher.update(&self.buffer[..count]);
            left -= count as u64;
            if length.is_none() {
                self.control.add_verified(count as u64);
            }
        }
        Ok(Some(hasher))
    }

    /// Fails if the copy has another size than `expected`. Returns its modification time, if that is known.
    fn check_size(&self, to: &StoragePath, expected: u64) -> Result<Option<SystemTime>, CopyError> {
        match self.target.metadata(to) {
            Ok(there) if there.size == expected => Ok(there.modified),
            Ok(there) => Err(CopyError::SizeMismatch { path: self.target.display(to), expected, found: there.size }),
            Err(error) if self.is_direct && is_refusal(&error) => {
                tracing::debug!(%error, "the size of the copy is not compared");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Compares the digest of the copied bytes with the one that the server of the source computes, if it can.
    fn compare_source(&self, from: &StoragePath, to: &StoragePath, copied: &str) -> Result<(), CopyError> {
        if self.source.capabilities().free_reads {
            return Ok(());
        }
        match self.source.checksum(from).map_err(CopyError::from) {
            Ok(Some(expected)) if !expected.eq_ignore_ascii_case(copied) => {
                Err(self.mismatch(to, expected, copied.to_owned()))
            }
            Err(error) if error.is_temporary() || matches!(error, CopyError::Stopped) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Compares the digest of the copy with `expected`, that of the sent bytes. If the server of the copy cannot
    /// compute a digest, the copy is read back. Returns `false` if the server does not allow reading it.
    fn compare_copy(&mut self, to: &StoragePath, length: u64, expected: &str) -> Result<bool, CopyError> {
        let target = self.target;
        if !target.capabilities().free_reads {
            match target.checksum(to).map_err(CopyError::from) {
                Ok(Some(found)) if found.eq_ignore_ascii_case(expected) => {
                    self.control.add_verified(length);
                    return Ok(true);
                }
                Ok(Some(found)) => return Err(self.mismatch(to, expected.to_owned(), found)),
                Err(error) if error.is_temporary() || matches!(error, CopyError::Stopped) => return Err(error),
                Ok(None) | Err(_) => {}
            }
        }
        match self.hash(target, to, None) {
            Ok(hasher) => match hasher.and_then(Hasher::finish) {
                Some(found) if found != expected => Err(self.mismatch(to, expected.to_owned(), found)),
                _ => Ok(true),
            },
            Err(CopyError::Storage(error)) if self.is_direct && is_refusal(&error) => {
                tracing::debug!(%error, "the copy is not read back");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn mismatch(&self, to: &StoragePath, expected: String, found: String) -> CopyError {
        CopyError::Mismatch { path: self.target.display(to).into(), expected, found }
    }
}

/// Whether a server that only accepts uploads refuses access to its files.
fn is_refusal(error: &StorageError) -> bool {
    matches!(
        error.kind(),
        StorageErrorKind::PermissionDenied | StorageErrorKind::Unsupported | StorageErrorKind::NotFound
    )
}
