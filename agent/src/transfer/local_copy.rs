//! Copies a local source into its part file, resumes an existing part file, and verifies it. Blocking; independent of
//! the control plane.
//!
//! The bytes are read and written, without `copy_file_range` or a reflink. For the checksums, all bytes of the source
//! and of the copy must be read once in any case, and computing the two SHA-256 digests takes most of the time. These
//! calls would only save the `write`, and bytes that change between the call and the reading would be published with a
//! wrong digest. A reflink also shares its blocks with the source, so reading it back verifies nothing, and one bad
//! block damages both. Without a checksum, both calls would be safe, but this case alone does not justify a second
//! implementation.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use crate::storage::background_fsync::BackgroundSync;
use crate::storage::sandboxed_path::SandboxedPath;
use crate::storage::sparse;
use crate::transfer::bandwidth::BandwidthLimiter;
use crate::transfer::checksum::{Hasher, Manifest};
use crate::transfer::control::Control;
use crate::transfer::error::{CopyError, UNKNOWN_SIZES, at};
use crate::transfer::part_lock::{Reserved, make_folder, open_part};
use crate::transfer::source_entries::{Entry, Kind, Plan};
use crate::transfer::state::{CopyOptions, CopyResult, Verify};

/// The number of bytes copied at once.
const CHUNK: usize = 1 << 20;

/// Copies all entries of `plan` into `part`, which the caller has locked with `reserved`. The result is durable, and
/// verified if `options` says so. All files of a folder are tried, and the error names each file that cannot be copied.
pub(crate) fn copy(
    plan: &Plan,
    part: &SandboxedPath,
    reserved: &Reserved,
    options: CopyOptions,
    control: &Control,
) -> Result<CopyResult, CopyError> {
    let mut worker = Worker {
        control,
        verify: options.verify == Verify::Sha256,
        limiter: BandwidthLimiter::new(options.max_rate, &control.bandwidth),
        buffer: vec![0; CHUNK],
        other: Vec::new(),
    };
    if !plan.is_folder {
        let file = reserved.file().map_err(at("write", part))?;
        let checksum = worker.copy_file(&plan.source, part, Some(file))?;
        return Ok(CopyResult { bytes: control.copied(), checksum, warning: None });
    }
    let mut manifest = Manifest::default();
    let mut failures = plan.failures.clone();
    for entry in &plan.entries {
        control.check_stopped()?;
        match worker.copy_entry(entry, &entry.below(&plan.source), &entry.below(part)) {
            Ok(Some(digest)) => manifest.insert(entry.manifest_name(), digest),
            Ok(None) => {}
            Err(error) if error.is_final() => return Err(error),
            Err(error) => failures.add(&error),
        }
    }
    if !failures.is_empty() {
        return Err(CopyError::Several(failures));
    }
    finish_folders(plan, part)?;
    let checksum = worker.verify.then(|| manifest.checksum());
    let warning = plan.left_out.summary("special files that are not copied");
    Ok(CopyResult { bytes: control.copied(), checksum, warning })
}

struct Worker<'a> {
    control: &'a Control,
    verify: bool,
    limiter: BandwidthLimiter<'a>,
    buffer: Vec<u8>,
    other: Vec<u8>,
}

impl Worker<'_> {
    /// Copies one entry of a folder. Returns the digest if the entry is a file and is verified.
    fn copy_entry(
        &mut self,
        entry: &Entry,
        source: &SandboxedPath,
        copy: &SandboxedPath,
    ) -> Result<Option<String>, CopyError> {
        match entry.kind {
            Kind::Folder => make_folder(copy)?,
            Kind::Link => {
                copy.remove().map_err(at("replace", copy))?;
                copy.copy_link(source).map_err(at("copy the link", source))?;
            }
            Kind::File => return self.copy_file(source, copy, None),
        }
        Ok(None)
    }

    fn copy_file(
        &mut self,
        from: &SandboxedPath,
        to: &SandboxedPath,
        part: Option<File>,
    ) -> Result<Option<String>, CopyError> {
        let mut source = from.open().map_err(at("read", from))?;
        let before = source.metadata().map_err(at("read", from))?;
        if !before.is_file() {
            // It was a file when the folder was listed.
            return Err(CopyError::NoFile(from.as_path().to_owned()));
        }
        let is_sparse = sparse::is_sparse(&before);
        let mut part = match part {
            Some(part) => part,
            None => open_part(to)?,
        };
        let mut hasher = Hasher::new(self.verify);
        let kept = self.keep_matching_prefix(&mut source, from, &mut part, to, &mut hasher)?;
        part.set_len(kept).map_err(at("write", to))?;
        part.seek(SeekFrom::Start(kept)).map_err(at("write", to))?;
        source.seek(SeekFrom::Start(kept)).map_err(at("read", from))?;
        self.control.add_resumed(kept);
        let (mut length, mut sync) = (kept, BackgroundSync::default());
        loop {
            self.control.check_stopped()?;
            let chunk = self.limiter.chunk(self.buffer.len());
            let count = source.read(&mut self.buffer[..chunk]).map_err(at("read", from))?;
            if count == 0 {
                break;
            }
            let bytes = &self.buffer[..count];
            let written = if is_sparse {
                sparse::write_at(&mut part, length, bytes)
            } else {
                part.write_all(bytes).map(|()| count)
            };
            let written = written.map_err(at("write", to))?;
            sync.record(&part, written).map_err(at("write", to))?;
            hasher.update(&self.buffer[..count]);
            length += count as u64;
            self.control.add_copied(count as u64);
            self.control.wait(self.limiter.record(written))?;
        }
        if is_sparse {
            part.set_len(length).map_err(at("write", to))?;
        }
        let modified = before.modified().map_err(at("read", from))?;
        part.set_modified(modified).map_err(at("write", to))?;
        sync.finish().and_then(|()| part.sync_all()).map_err(at("write", to))?;
        let after = from.open().and_then(|file| file.metadata()).map_err(at("read", from))?;
        let is_touched = after.modified().map_err(at("read", from))? != modified;
        if is_touched || after.len() != length {
            let has_unknown_size = !is_touched && after.len() == before.len() && UNKNOWN_SIZES.contains(&after.len());
            let path = from.as_path().to_owned();
            return Err(if has_unknown_size { CopyError::UnknownSize(path) } else { CopyError::Changed(path) });
        }
        let expected = hasher.finish();
        if let Some(expected) = &expected {
            self.verify_written(&mut part, to, expected)?;
        }
        // Set last, because the part file may not be writable afterwards.
        part.set_permissions(before.permissions()).map_err(at("set the permissions of", to))?;
        Ok(expected)
    }

    /// Compares an existing part file with the source. Returns the length of the prefix that is equal.
    fn keep_matching_prefix(
        &mut self,
        source: &mut File,
        from: &SandboxedPath,
        part: &mut File,
        to: &SandboxedPath,
        hasher: &mut Hasher,
    ) -> Result<u64, CopyError> {
        let mut kept = 0;
        if part.metadata().map_err(at("read", to))?.len() == 0 {
            return Ok(kept);
        }
        part.seek(SeekFrom::Start(0)).map_err(at("read", to))?;
        self.other.resize(CHUNK, 0);
        loop {
            self.control.check_stopped()?;
            let count = read_full(part, &mut self.other).map_err(at("read", to))?;
            let there = read_full(source, &mut self.buffer[..count]).map_err(at("read", from))?;
            if count == 0 || self.other[..count] != self.buffer[..there] {
                return Ok(kept);
            }
            hasher.update(&self.buffer[..there]);
            kept += count as u64;
        }
    }

    fn verify_written(&mut self, part: &mut File, to: &SandboxedPath, expected: &str) -> Result<(), CopyError> {
        part.seek(SeekFrom::Start(0)).map_err(at("read", to))?;
        let mut hasher = Hasher::new(true);
        loop {
            self.control.check_stopped()?;
            let count = part.read(&mut self.buffer).map_err(at("read", to))?;
            if count == 0 {
                break;
            }
            hasher.update(&self.buffer[..count]);
            self.control.add_verified(count as u64);
        }
        match hasher.finish() {
            Some(found) if found != expected => {
                Err(CopyError::Mismatch { path: to.as_path().to_owned(), expected: expected.to_owned(), found })
            }
            _ => Ok(()),
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn read_full(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Sets the times and permissions of the folders, innermost first.
fn finish_folders(plan: &Plan, part: &SandboxedPath) -> Result<(), CopyError> {
    for folder in plan.entries.iter().filter(|entry| entry.kind == Kind::Folder).rev() {
        let (from, to) = (folder.below(&plan.source), folder.below(part));
        let metadata = from.metadata().map_err(at("read", &from))?;
        let modified = metadata.modified().map_err(at("read", &from))?;
        to.sync().map_err(at("write", &to))?;
        to.set_modified(modified.into_std()).map_err(at("set the time of", &to))?;
        to.set_permissions(metadata.permissions()).map_err(at("set the permissions of", &to))?;
    }
    Ok(())
}
