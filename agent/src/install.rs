//! Gives a finished part its final name. Blocking, and safe to repeat after a crash at any point.

use std::fs::{self, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::copy::{CopyError, at, remove_part};
use crate::files;

/// Refuses a destination that may not be replaced by what is coming.
pub(crate) fn check(destination: &Path, is_folder: bool, overwrite: bool) -> Result<(), CopyError> {
    match fs::symlink_metadata(destination) {
        Ok(_) if !overwrite => Err(CopyError::Exists(destination.to_owned())),
        Ok(there) if there.is_dir() != is_folder => Err(CopyError::InTheWay(destination.to_owned())),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at("look at", destination)(error)),
    }
}

/// Whether an earlier process had already put the whole copy in place.
pub(crate) fn is_installed(part: &Path, destination: &Path) -> bool {
    fs::symlink_metadata(part).is_err() && fs::symlink_metadata(destination).is_ok()
}

/// Moves `part` to `destination`; a folder that exists there is added to, file by file.
pub(crate) fn install(part: &Path, destination: &Path, overwrite: bool) -> Result<(), CopyError> {
    let is_folder = fs::symlink_metadata(part).map_err(at("read", part))?.is_dir();
    check(destination, is_folder, overwrite)?;
    if is_folder && fs::symlink_metadata(destination).is_ok() {
        merge(part, destination)?;
        remove_part(part).map_err(at("remove", part))?;
    } else {
        fs::rename(part, destination).map_err(at("rename to", destination))?;
    }
    files::sync_parent(destination).map_err(at("write the folder of", destination))
}

fn merge(part: &Path, destination: &Path) -> Result<(), CopyError> {
    // Permissions come last: a folder that must not be written to still has to be filled.
    let mut made: Vec<(PathBuf, Permissions)> = Vec::new();
    for found in WalkDir::new(part) {
        let found = found.map_err(|error| at("read", part)(error.into()))?;
        let Ok(relative) = found.path().strip_prefix(part) else { continue };
        let target = if relative.as_os_str().is_empty() { destination.to_owned() } else { destination.join(relative) };
        let is_folder = found.file_type().is_dir();
        if is_folder {
            let permissions = open_up(found.path()).map_err(at("open", found.path()))?;
            if fs::symlink_metadata(&target).is_err() {
                fs::create_dir(&target).map_err(at("make the folder", &target))?;
                made.push((target, permissions));
                continue;
            }
        }
        match fs::symlink_metadata(&target) {
            Ok(there) if there.is_dir() != is_folder => return Err(CopyError::InTheWay(target)),
            _ if is_folder => {}
            _ => fs::rename(found.path(), &target).map_err(at("rename to", &target))?,
        }
    }
    for (folder, permissions) in made.into_iter().rev() {
        files::sync_folder(&folder).map_err(at("write the folder", &folder))?;
        fs::set_permissions(&folder, permissions).map_err(at("set the permissions of", &folder))?;
    }
    files::sync_folder(destination).map_err(at("write the folder", destination))
}

/// Lets us take the files out of a folder; gives the permissions it had.
fn open_up(folder: &Path) -> io::Result<Permissions> {
    let permissions = fs::metadata(folder)?.permissions();
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(permissions)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::install;

    #[test]
    fn a_folder_that_exists_is_added_to_and_keeps_what_only_it_has() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let (part, destination) = (dir.path().join("d.part"), dir.path().join("d"));
        fs::create_dir_all(part.join("new"))?;
        fs::write(part.join("new/file"), "new")?;
        fs::write(part.join("both"), "ours")?;
        fs::create_dir(&destination)?;
        fs::write(destination.join("both"), "theirs")?;
        fs::write(destination.join("only"), "kept")?;
        install(&part, &destination, true)?;
        assert_eq!(fs::read_to_string(destination.join("both"))?, "ours");
        assert_eq!(fs::read_to_string(destination.join("only"))?, "kept");
        assert_eq!(fs::read_to_string(destination.join("new/file"))?, "new");
        assert!(!part.exists());
        Ok(())
    }

    #[test]
    fn what_stands_at_the_destination_stays_unless_it_may_be_replaced() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let (part, destination) = (dir.path().join("f.part"), dir.path().join("f"));
        fs::write(&part, "new")?;
        fs::write(&destination, "old")?;
        assert!(install(&part, &destination, false).is_err());
        assert_eq!(fs::read_to_string(&destination)?, "old");
        install(&part, &destination, true)?;
        assert_eq!(fs::read_to_string(&destination)?, "new");
        Ok(())
    }
}
