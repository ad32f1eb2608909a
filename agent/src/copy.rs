//! Copies one source into its part, resuming what is there, and verifies it. Blocking; knows no server.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cap_std::fs::Metadata;

use crate::checksum::{Hasher, Manifest};
use crate::control::Control;
use crate::fence::OutOfReach;
use crate::plan::{Kind, Plan, PlanError};
use crate::rate::Brake;
use crate::spot::Spot;
use crate::state::{Copied, CopyOptions, Verify};

/// Bytes moved at once.
const CHUNK: usize = 1 << 20;

/// Why a copy ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// Somebody asked for it; the control knows who.
    #[error("stopped")]
    Stopped,
    #[error("cannot {action} {path}: {error}", path = path.display())]
    Io { action: &'static str, path: PathBuf, error: io::Error },
    #[error("{} changed while it was copied; copy again when nothing writes to it", .0.display())]
    Changed(PathBuf),
    #[error("the copy of {path} differs from its source (SHA-256 {found} instead of {expected}); the disk or memory may be faulty, copy again", path = path.display())]
    Mismatch { path: PathBuf, expected: String, found: String },
    #[error("{} exists already; choose another destination or copy with --overwrite", .0.display())]
    Exists(PathBuf),
    #[error("{} is in the way: one of source and destination is a folder and the other is not", .0.display())]
    InTheWay(PathBuf),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{} is in the way: a copy grows there until it is complete; move it, or delete it if an earlier copy left it", .0.display())]
    PartInTheWay(PathBuf),
    #[error("{} is not a file", .0.display())]
    NoFile(PathBuf),
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}

/// Attaches what was being done to an I/O error.
pub(crate) fn at(action: &'static str, spot: &Spot) -> impl FnOnce(io::Error) -> CopyError {
    move |error| CopyError::Io { action, path: spot.shown().to_owned(), error }
}

/// Copies everything in `plan` into `part`, durable and verified.
pub(crate) fn copy(plan: &Plan, part: &Spot, options: CopyOptions, control: &Control) -> Result<Copied, CopyError> {
    let mut worker = Worker {
        control,
        verify: options.verify == Verify::Sha256,
        brake: Brake::new(options.max_rate),
        buffer: vec![0; CHUNK],
        other: Vec::new(),
    };
    clear_the_way(part, plan.is_folder)?;
    let mut manifest = Manifest::default();
    let mut single = None;
    for entry in &plan.entries {
        worker.go_on()?;
        let (source, copy) = (entry.below(&plan.source), entry.below(part));
        match entry.kind {
            Kind::Folder => make_folder(&copy)?,
            Kind::Link => {
                copy.remove().map_err(at("replace", &copy))?;
                copy.copy_link(&source).map_err(at("copy the link", &source))?;
            }
            Kind::File => {
                if let Some(digest) = worker.copy_file(&source, &copy)? {
                    manifest.insert(entry.manifest_name(), digest.clone());
                    single = Some(digest);
                }
            }
        }
    }
    if plan.is_folder {
        finish_folders(plan, part)?;
    }
    let checksum = if plan.is_folder { worker.verify.then(|| manifest.checksum()) } else { single };
    Ok(Copied { bytes: control.copied(), checksum })
}

struct Worker<'a> {
    control: &'a Control,
    verify: bool,
    brake: Brake,
    buffer: Vec<u8>,
    other: Vec<u8>,
}

impl Worker<'_> {
    fn copy_file(&mut self, from: &Spot, to: &Spot) -> Result<Option<String>, CopyError> {
        let mut source = from.open().map_err(at("read", from))?;
        let before = source.metadata().map_err(at("read", from))?;
        let mut part = open_part(to)?;
        let mut hasher = Hasher::new(self.verify);
        let kept = self.keep_what_agrees(&mut source, &mut part, &mut hasher, (from, to))?;
        part.set_len(kept).map_err(at("write", to))?;
        part.seek(SeekFrom::Start(kept)).map_err(at("write", to))?;
        source.seek(SeekFrom::Start(kept)).map_err(at("read", from))?;
        self.control.add_resumed(kept);
        let mut length = kept;
        loop {
            self.go_on()?;
            let chunk = self.brake.chunk(self.buffer.len());
            let count = source.read(&mut self.buffer[..chunk]).map_err(at("read", from))?;
            if count == 0 {
                break;
            }
            part.write_all(&self.buffer[..count]).map_err(at("write", to))?;
            hasher.update(&self.buffer[..count]);
            length += count as u64;
            self.control.add_copied(count as u64);
            self.pause(count)?;
        }
        let modified = before.modified().map_err(at("read", from))?;
        part.set_modified(modified).map_err(at("write", to))?;
        part.sync_all().map_err(at("write", to))?;
        let after = from.open().and_then(|file| file.metadata()).map_err(at("read", from))?;
        if after.len() != length || after.modified().map_err(at("read", from))? != modified {
            return Err(CopyError::Changed(from.shown().to_owned()));
        }
        let expected = hasher.finish();
        if let Some(expected) = &expected {
            self.read_again(&mut part, to, expected)?;
        }
        // Last, because it may forbid us to open the part for writing again.
        part.set_permissions(before.permissions()).map_err(at("set the permissions of", to))?;
        Ok(expected)
    }

    /// Compares what is there with the source, byte by byte, and says how much of it may stay.
    fn keep_what_agrees(
        &mut self,
        source: &mut File,
        part: &mut File,
        hasher: &mut Hasher,
        (from, to): (&Spot, &Spot),
    ) -> Result<u64, CopyError> {
        let mut kept = 0;
        if part.metadata().map_err(at("read", to))?.len() == 0 {
            return Ok(kept);
        }
        self.other.resize(CHUNK, 0);
        loop {
            self.go_on()?;
            let count = fill(part, &mut self.other).map_err(at("read", to))?;
            let there = fill(source, &mut self.buffer[..count]).map_err(at("read", from))?;
            if count == 0 || self.other[..count] != self.buffer[..there] {
                return Ok(kept);
            }
            hasher.update(&self.buffer[..there]);
            kept += count as u64;
        }
    }

    fn read_again(&mut self, part: &mut File, to: &Spot, expected: &str) -> Result<(), CopyError> {
        part.seek(SeekFrom::Start(0)).map_err(at("read", to))?;
        let mut hasher = Hasher::new(true);
        loop {
            self.go_on()?;
            let count = part.read(&mut self.buffer).map_err(at("read", to))?;
            if count == 0 {
                break;
            }
            hasher.update(&self.buffer[..count]);
            self.control.add_verified(count as u64);
        }
        match hasher.finish() {
            Some(found) if found != expected => {
                Err(CopyError::Mismatch { path: to.shown().to_owned(), expected: expected.to_owned(), found })
            }
            _ => Ok(()),
        }
    }

    fn go_on(&self) -> Result<(), CopyError> {
        if self.control.is_stopped() { Err(CopyError::Stopped) } else { Ok(()) }
    }

    /// Waits as long as the rate demands, in slices so that a stop is heard.
    fn pause(&mut self, count: usize) -> Result<(), CopyError> {
        let until = Instant::now() + self.brake.passed(count);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.go_on()?;
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
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

/// Makes the folders above, and removes a part of another kind than the source, but never a folder with all it holds.
pub(crate) fn clear_the_way(part: &Spot, is_folder: bool) -> Result<(), CopyError> {
    if let Some(parent) = part.parent() {
        parent.create_folders().map_err(at("make the folder", &parent))?;
    }
    match part.look() {
        Ok(there) if there.is_dir() && !is_folder => Err(CopyError::PartInTheWay(part.shown().to_owned())),
        Ok(there) if there.is_dir() != is_folder => part.remove().map_err(at("remove", part)),
        _ => Ok(()),
    }
}

/// Opens what is there to be continued, and makes it when missing. What has a second name is not ours to write to.
pub(crate) fn open_part(part: &Spot) -> Result<File, CopyError> {
    if part.look().is_ok_and(|there| !there.is_file() || has_other_names(&there)) {
        part.remove().map_err(at("remove", part))?;
    }
    match part.open_to_write() {
        // An earlier process had finished this one and taken away the right to write.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && part.is_taken() => {
            part.remove().map_err(at("replace", part))?;
            part.open_to_write()
        }
        other => other,
    }
    .map_err(at("write", part))
}

#[cfg(unix)]
fn has_other_names(there: &Metadata) -> bool {
    cap_std::fs::MetadataExt::nlink(there) > 1
}

/// Only by opening it could it be told on other systems.
#[cfg(not(unix))]
fn has_other_names(_there: &Metadata) -> bool {
    false
}

fn make_folder(spot: &Spot) -> Result<(), CopyError> {
    if spot.look().is_ok_and(|there| there.is_dir()) {
        return Ok(());
    }
    spot.remove().map_err(at("remove", spot))?;
    spot.create_private_folder().map_err(at("make the folder", spot))
}

/// Gives the folders their times and permissions, from the innermost out.
fn finish_folders(plan: &Plan, part: &Spot) -> Result<(), CopyError> {
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
