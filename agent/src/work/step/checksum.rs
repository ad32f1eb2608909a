//! The checksum of a file or folder, and its comparison with an expected one. Blocking.

use std::io::Read as _;

use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::checksum::{Hasher, Manifest};
use crate::transfer::control::Control;
use crate::transfer::error::{CopyError, at};
use crate::transfer::source_entries::{Kind, Plan};

/// The number of bytes read at once.
const CHUNK: usize = 1 << 20;

/// The SHA-256 of a file, or of the sorted list of the files in a folder, in hexadecimal. Fails if a file cannot be
/// read.
pub(crate) fn checksum(path: &SandboxedPath, control: &Control) -> Result<String, CopyError> {
    let plan = Plan::of_one(path)?;
    control.set_total(plan.total);
    if !plan.is_folder {
        return digest(&plan.source, control);
    }
    let mut manifest = Manifest::default();
    let mut failures = plan.failures.clone();
    for entry in plan.entries.iter().filter(|entry| entry.kind == Kind::File) {
        match digest(&entry.below(&plan.source), control) {
            Ok(digest) => manifest.insert(entry.manifest_name(), digest),
            Err(CopyError::Stopped) => return Err(CopyError::Stopped),
            Err(error) => failures.add(&error),
        }
    }
    if failures.is_empty() { Ok(manifest.checksum()) } else { Err(CopyError::Unreadable(failures)) }
}

fn digest(file: &SandboxedPath, control: &Control) -> Result<String, CopyError> {
    let mut source = file.open().map_err(at("read", file))?;
    if !source.metadata().map_err(at("read", file))?.is_file() {
        return Err(CopyError::NoFile(file.as_path().to_owned()));
    }
    let mut hasher = Hasher::new(true);
    let mut buffer = vec![0; CHUNK];
    loop {
        control.check_stopped()?;
        let count = source.read(&mut buffer).map_err(at("read", file))?;
        if count == 0 {
            return Ok(hasher.finish().unwrap_or_default());
        }
        hasher.update(&buffer[..count]);
        control.add_copied(count as u64);
    }
}

/// Whether `found` equals the expected checksum, which may be upper case or begin with `sha256:`.
pub(crate) fn agrees(found: &str, expected: &str) -> bool {
    let expected = expected.trim();
    found.eq_ignore_ascii_case(expected.strip_prefix("sha256:").unwrap_or(expected))
}

#[cfg(test)]
mod tests {
    use super::agrees;

    #[test]
    fn a_checksum_may_be_written_in_several_ways() {
        assert!(agrees("ab12", "AB12") && agrees("ab12", " sha256:ab12"));
        assert!(!agrees("ab12", "ab13"));
    }
}
