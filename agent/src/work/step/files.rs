//! Checksums, renames and deletions. Blocking.

use std::io::Read as _;
use std::path::Path;

use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::checksum::{Hasher, Manifest};
use crate::transfer::control::Control;
use crate::transfer::error::{CopyError, at};
use crate::transfer::plan::{Kind, Plan};
use crate::transfer::publish::check;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// SHA-256 of a file, or of the sorted manifest of a folder.
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
        if control.is_stopped() {
            return Err(CopyError::Stopped);
        }
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

/// Identifies the file at `path`, to recognise it after a restart; none if there is none.
pub(crate) fn identity(path: &SandboxedPath) -> Option<String> {
    let there = path.symlink_metadata().ok()?;
    #[cfg(unix)]
    {
        use cap_std::fs::MetadataExt as _;
        Some(format!("{}:{}", there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        Some(there.len().to_string())
    }
}

/// Renames `from` to `to`, where a file may be replaced; `mark` identifies the file that an earlier process was about to
/// rename.
pub(crate) fn rename(from: &SandboxedPath, to: &SandboxedPath, mark: Option<&str>) -> Result<(), CopyError> {
    if mark.is_some() && !from.has_entry() && identity(to).as_deref() == mark {
        return Ok(());
    }
    let is_folder = from.symlink_metadata().map_err(at("read", from))?.is_dir();
    check(to, is_folder, true)?;
    if let Some(folder) = to.parent() {
        folder.create_folders().map_err(at("create the folder", &folder))?;
    }
    from.rename(to).map_err(at("rename", from))?;
    from.sync_entry().and_then(|()| to.sync_entry()).map_err(at("sync the folder of", to))
}

/// Removes a file, a link, or a folder with its content; `mark` identifies the file that an earlier process was about to
/// remove.
pub(crate) fn delete(path: &SandboxedPath, mark: Option<&str>) -> Result<(), CopyError> {
    // Another file has this path now: the earlier process removed the right one.
    if mark.is_some() && identity(path).as_deref() != mark {
        return Ok(());
    }
    path.remove().map_err(at("delete", path))?;
    match path.parent() {
        Some(folder) if folder.has_entry() => folder.sync().map_err(at("sync the folder", &folder)),
        _ => Ok(()),
    }
}

/// The destination of a rename: inside `to`, if that is written as a folder.
pub(crate) fn into_folder(from: &SandboxedPath, to: SandboxedPath, is_folder: bool) -> SandboxedPath {
    match from.as_path().file_name() {
        Some(name) if is_folder => to.join(Path::new(name)),
        _ => to,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{agrees, delete, identity, rename};
    use crate::storage::allowed_roots::FileAccess;

    #[test]
    fn a_rename_that_was_done_before_a_crash_is_recognised() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
        fs::write(dir.path().join("a"), "ours")?;
        let mark = identity(&path("a")?);
        rename(&path("a")?, &path("new/b")?, None)?;
        rename(&path("a")?, &path("new/b")?, mark.as_deref())?;
        assert!(rename(&path("a")?, &path("new/b")?, None).is_err());
        assert_eq!(fs::read_to_string(dir.path().join("new/b"))?, "ours");
        Ok(())
    }

    #[test]
    fn a_new_file_at_the_path_of_a_deleted_one_is_kept() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
        fs::create_dir_all(dir.path().join("a/b"))?;
        let mark = identity(&path("a")?);
        fs::write(dir.path().join("other"), "")?;
        delete(&path("a")?, None)?;
        fs::rename(dir.path().join("other"), dir.path().join("a"))?;
        delete(&path("a")?, mark.as_deref())?;
        assert!(dir.path().join("a").is_file());
        Ok(())
    }

    #[test]
    fn a_checksum_may_be_written_in_several_ways() {
        assert!(agrees("ab12", "AB12") && agrees("ab12", " sha256:ab12"));
        assert!(!agrees("ab12", "ab13"));
    }
}
