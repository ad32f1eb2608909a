//! Copies one source into its part, resuming what is there, and verifies it. Blocking; knows no server.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::checksum::{Hasher, Manifest};
use crate::control::Control;
use crate::files;
use crate::plan::{Entry, Kind, Plan, PlanError};
use crate::rate::Brake;
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
}

/// Attaches what was being done to an I/O error.
pub(crate) fn at<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> CopyError + 'a {
    move |error| CopyError::Io { action, path: path.to_owned(), error }
}

/// Copies everything in `plan` into `part`, durable and verified.
pub(crate) fn copy(plan: &Plan, part: &Path, options: CopyOptions, control: &Control) -> Result<Copied, CopyError> {
    let mut worker = Worker {
        control,
        verify: options.verify == Verify::Sha256,
        brake: Brake::new(options.max_rate),
        buffer: vec![0; CHUNK],
        other: Vec::new(),
    };
    clear_the_way(plan, part)?;
    let mut manifest = Manifest::default();
    let mut single = None;
    for entry in &plan.entries {
        worker.go_on()?;
        let (source, copy) = (entry.below(&plan.source), entry.below(part));
        match entry.kind {
            Kind::Folder => make_folder(&copy)?,
            Kind::Link => copy_link(&source, &copy)?,
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

/// Removes an incomplete copy, whatever it is.
pub(crate) fn remove_part(part: &Path) -> io::Result<()> {
    match fs::symlink_metadata(part) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(part),
        Ok(_) => fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

struct Worker<'a> {
    control: &'a Control,
    verify: bool,
    brake: Brake,
    buffer: Vec<u8>,
    other: Vec<u8>,
}

impl Worker<'_> {
    fn copy_file(&mut self, from: &Path, to: &Path) -> Result<Option<String>, CopyError> {
        let mut source = File::open(from).map_err(at("read", from))?;
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
        let after = fs::metadata(from).map_err(at("read", from))?;
        if after.len() != length || after.modified().map_err(at("read", from))? != modified {
            return Err(CopyError::Changed(from.to_owned()));
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
        (from, to): (&Path, &Path),
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

    fn read_again(&mut self, part: &mut File, to: &Path, expected: &str) -> Result<(), CopyError> {
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
                Err(CopyError::Mismatch { path: to.to_owned(), expected: expected.to_owned(), found })
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

/// Makes the folders above, and removes a part of another kind than the source.
fn clear_the_way(plan: &Plan, part: &Path) -> Result<(), CopyError> {
    if let Some(parent) = part.parent() {
        fs::create_dir_all(parent).map_err(at("make the folder", parent))?;
    }
    match fs::symlink_metadata(part) {
        Ok(there) if there.is_dir() != plan.is_folder || there.is_symlink() => {
            remove_part(part).map_err(at("remove", part))
        }
        _ => Ok(()),
    }
}

fn open_part(path: &Path) -> Result<File, CopyError> {
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        remove_part(path).map_err(at("remove", path))?;
    }
    let mut options = OpenOptions::new();
    files::private(options.read(true).write(true).create(true).truncate(false));
    match options.open(path) {
        // An earlier process had finished this one and taken away the right to write.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
            fs::remove_file(path).map_err(at("replace", path))?;
            options.open(path)
        }
        other => other,
    }
    .map_err(at("write", path))
}

fn make_folder(path: &Path) -> Result<(), CopyError> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
        return Ok(());
    }
    remove_part(path).map_err(at("remove", path))?;
    files::create_private_folder(path).map_err(at("make the folder", path))
}

#[cfg(unix)]
fn copy_link(from: &Path, to: &Path) -> Result<(), CopyError> {
    let target = fs::read_link(from).map_err(at("read the link", from))?;
    remove_part(to).map_err(at("replace", to))?;
    std::os::unix::fs::symlink(target, to).map_err(at("make the link", to))
}

#[cfg(not(unix))]
fn copy_link(from: &Path, _to: &Path) -> Result<(), CopyError> {
    Err(at("copy the link", from)(io::ErrorKind::Unsupported.into()))
}

/// Gives the folders their times and permissions, from the innermost out.
fn finish_folders(plan: &Plan, part: &Path) -> Result<(), CopyError> {
    for folder in plan.entries.iter().filter(|entry| entry.kind == Kind::Folder).rev() {
        finish_folder(folder, &plan.source, part)?;
    }
    Ok(())
}

fn finish_folder(folder: &Entry, source: &Path, part: &Path) -> Result<(), CopyError> {
    let (from, to) = (folder.below(source), folder.below(part));
    let metadata = fs::metadata(&from).map_err(at("read", &from))?;
    files::sync_folder(&to).map_err(at("write", &to))?;
    #[cfg(unix)]
    {
        let modified = metadata.modified().map_err(at("read", &from))?;
        File::open(&to).and_then(|folder| folder.set_modified(modified)).map_err(at("set the time of", &to))?;
    }
    fs::set_permissions(&to, metadata.permissions()).map_err(at("set the permissions of", &to))
}
