//! An append-only file of records: an append never changes bytes that are already durable.
//!
//! Each line is one record: 16 hexadecimal digits of the SHA-256 of its JSON, a space, the JSON and a line feed. Bytes
//! after the last line feed are the rest of a write that a power failure interrupted; they are cut off. A line with a
//! wrong checksum was damaged later; it is moved to another file, and the other lines are used.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::storage::path_text::text;
use crate::storage::state_file::{self, with_path, with_suffix};

/// The maximum length of the JSON of a record in bytes.
pub(crate) const MAX_RECORD: usize = 1 << 20;

/// The length in bytes that a log must exceed before it is compacted.
const COMPACT_ABOVE: u64 = 4 << 20;

/// The number of digits of the checksum of a line.
const DIGITS: usize = 16;

/// A log that is open for appending. Blocking.
#[derive(Debug)]
pub(crate) struct RecordLog {
    path: PathBuf,
    /// `None` if the end of the file is not known, because there is no file yet or a write failed. The whole file is
    /// then written again first.
    file: Option<File>,
    /// The length of the durable lines in bytes.
    length: u64,
    /// The length that the log must exceed before it may be compacted.
    compact_above: u64,
    /// The minimum of `compact_above`.
    least: u64,
}

/// The result of [`RecordLog::open`].
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) log: RecordLog,
    /// The JSON of the records, oldest first.
    pub(crate) records: Vec<Vec<u8>>,
    /// The file to which the damaged lines were moved, or the whole file if no line was valid; `None` if no line was
    /// damaged.
    pub(crate) aside: Option<PathBuf>,
}

/// The lines of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lines {
    records: Vec<Vec<u8>>,
    /// The damaged lines with their line feeds.
    damaged: Vec<u8>,
    /// The length of all complete lines in bytes.
    complete: usize,
    /// The length of the incomplete last line in bytes.
    torn: usize,
}

/// The JSON of the valid records, oldest first; empty if there is no file. Changes nothing.
pub(crate) fn read_records(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    Ok(read(path)?.map(|lines| lines.records).unwrap_or_default())
}

/// Appends the line of a record to `lines`. Fails if its JSON is longer than [`MAX_RECORD`].
pub(crate) fn push_line(lines: &mut Vec<u8>, json: &[u8]) -> io::Result<()> {
    if json.len() > MAX_RECORD {
        let message = format!("a record of {} bytes cannot be stored; at most {MAX_RECORD} are possible", json.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    lines.extend_from_slice(checksum(json).as_bytes());
    lines.push(b' ');
    lines.extend_from_slice(json);
    lines.push(b'\n');
    Ok(())
}

impl RecordLog {
    /// Opens the log at `path`. An incomplete last line is cut off, and damaged lines are moved to another file. If
    /// [`Self::is_incomplete`] is then true, the caller must call [`Self::rewrite`].
    pub(crate) fn open(path: &Path) -> io::Result<Opened> {
        let mut log =
            Self { path: path.to_owned(), file: None, length: 0, compact_above: COMPACT_ABOVE, least: COMPACT_ABOVE };
        let Some(lines) = read(path)? else { return Ok(Opened { log, records: Vec::new(), aside: None }) };
        let aside = if lines.records.is_empty() {
            Some(state_file::set_aside(path)?)
        } else if lines.damaged.is_empty() {
            log.resume(&lines)?;
            None
        } else {
            Some(set_lines_aside(path, &lines.damaged)?)
        };
        Ok(Opened { log, records: lines.records, aside })
    }

    /// Whether the file is missing or may differ from the content, so that it must be written with [`Self::rewrite`].
    pub(crate) fn is_incomplete(&self) -> bool {
        self.file.is_none()
    }

    /// Appends lines durably. After an error, they are not in the log. `content` returns all earlier lines; it is
    /// called if the whole file must be written again.
    pub(crate) fn append(&mut self, lines: &[u8], content: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            let mut all = content()?;
            all.extend_from_slice(lines);
            return self.rewrite(&all);
        };
        if let Err(error) = file.write_all(lines).and_then(|()| file.sync_data()) {
            // The next process must not read a part of these lines. After a failed sync, the whole file must be written
            // again.
            if let Some(file) = self.file.take() {
                let _ = file.set_len(self.length);
            }
            return Err(with_path("write", &self.path)(error));
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Replaces the whole content with `lines`, atomically and durably. After an error, the old content remains valid;
    /// if the file may not contain it any more, the next append writes it again.
    pub(crate) fn rewrite(&mut self, lines: &[u8]) -> io::Result<()> {
        let beside = self.write_beside(lines).map_err(with_path("write", &self.path))?;
        // From the rename on, the open file may differ from the file at the path.
        self.file = None;
        let replaced = state_file::put_in_place(&beside, &self.path).and_then(|()| {
            let mut file = OpenOptions::new().write(true).open(&self.path)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        });
        self.file = Some(replaced.map_err(with_path("write", &self.path))?);
        self.length = lines.len() as u64;
        Ok(())
    }

    /// Compacts the log: replaces it with the lines of `content` if it is longer than 4 MiB and more than twice as long
    /// as they are.
    pub(crate) fn compact(&mut self, content: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<()> {
        if self.length <= self.compact_above {
            return Ok(());
        }
        let lines = content()?;
        let twice = 2 * lines.len() as u64;
        if self.length <= twice {
            self.compact_above = twice;
            return Ok(());
        }
        // If the rewrite fails, it is not retried at each append.
        self.compact_above = self.length + self.least;
        self.rewrite(&lines)?;
        self.compact_above = twice.max(self.least);
        Ok(())
    }

    /// Compacts the log from this length on.
    #[cfg(test)]
    pub(crate) fn compact_from(&mut self, length: u64) {
        (self.compact_above, self.least) = (length, length);
    }

    /// Lets the next append fail, as on a full disk.
    #[cfg(test)]
    pub(crate) fn fail_next_append(&mut self) -> io::Result<()> {
        // The file is not open for writing.
        self.file = Some(File::open(&self.path)?);
        Ok(())
    }

    fn write_beside(&self, lines: &[u8]) -> io::Result<PathBuf> {
        state_file::write_beside(&self.path, lines).inspect_err(|_| {
            // A part of the file would occupy the space that is missing.
            let _ = fs::remove_file(with_suffix(&self.path, ".tmp"));
        })
    }

    /// Opens the file for appending, and cuts off an incomplete last line durably.
    fn resume(&mut self, lines: &Lines) -> io::Result<()> {
        let failed = || with_path("write", &self.path);
        let mut file = OpenOptions::new().write(true).open(&self.path).map_err(failed())?;
        if lines.torn > 0 {
            file.set_len(lines.complete as u64).and_then(|()| file.sync_data()).map_err(failed())?;
            let (path, bytes) = (text(&self.path), lines.torn);
            tracing::info!(path, bytes, "the incomplete last line of a state file is cut off");
        }
        self.length = file.seek(SeekFrom::End(0)).map_err(failed())?;
        self.file = Some(file);
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Lines>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(parse(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(with_path("read", path)(error)),
    }
}

fn parse(bytes: &[u8]) -> Lines {
    let mut lines = Lines::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(content) = line.strip_suffix(b"\n") else {
            lines.torn = line.len();
            break;
        };
        lines.complete += line.len();
        match record(content) {
            Some(json) => lines.records.push(json.to_vec()),
            None => lines.damaged.extend_from_slice(line),
        }
    }
    lines
}

/// The JSON of a line without its line feed; `None` if it is damaged.
fn record(line: &[u8]) -> Option<&[u8]> {
    let (digits, rest) = line.split_at_checked(DIGITS)?;
    let json = rest.strip_prefix(b" ")?;
    (json.len() <= MAX_RECORD && digits == checksum(json).as_bytes()).then_some(json)
}

fn checksum(json: &[u8]) -> String {
    let digest = Sha256::digest(json);
    let first = digest.first_chunk::<{ DIGITS / 2 }>().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(first))
}

/// Writes damaged lines to a file that ends in `.damaged`, so that they can be inspected. Returns its path.
fn set_lines_aside(path: &Path, lines: &[u8]) -> io::Result<PathBuf> {
    let aside = with_suffix(path, ".damaged");
    let written = state_file::write_beside(&aside, lines).and_then(|beside| state_file::put_in_place(&beside, &aside));
    written.map(|()| aside.clone()).map_err(with_path("write", &aside))
}

#[cfg(test)]
mod tests;
