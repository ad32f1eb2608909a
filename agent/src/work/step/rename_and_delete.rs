//! Renames and deletes files and folders. Blocking.

use std::path::Path;

use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::error::{CopyError, at};
use crate::transfer::publish::check;

/// A text that identifies the file or folder at `path`, so that the agent recognises it after a restart; `None` if
/// there is none.
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

/// Renames `from` to `to`; an existing file is replaced. `mark` is the [`identity`] of the file that an earlier process
/// was about to rename: if it is at `to` already, nothing is done.
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

/// Removes a file, a link, or a folder with its content. `mark` is the [`identity`] of the file that an earlier process
/// was about to remove: if another file, or none, is at `path` now, nothing is done.
pub(crate) fn delete(path: &SandboxedPath, mark: Option<&str>) -> Result<(), CopyError> {
    // The earlier process has removed the file.
    if mark.is_some() && identity(path).as_deref() != mark {
        return Ok(());
    }
    path.remove().map_err(at("delete", path))?;
    match path.parent() {
        Some(folder) if folder.has_entry() => folder.sync().map_err(at("sync the folder", &folder)),
        _ => Ok(()),
    }
}

/// The destination of a rename: a path inside `to` if `is_folder` is set, that is, if `to` was written as a folder;
/// otherwise `to`.
pub(crate) fn into_folder(from: &SandboxedPath, to: SandboxedPath, is_folder: bool) -> SandboxedPath {
    match from.as_path().file_name() {
        Some(name) if is_folder => to.join(Path::new(name)),
        _ => to,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{delete, identity, rename};
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
}
