//! Publishes a local copy: renames its complete part file to the destination. Blocking; can be repeated after a crash
//! at any point.

use std::io::{self, Read as _};

use cap_std::fs::Permissions;

use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::checksum::Hasher;
use crate::transfer::control::Control;
use crate::transfer::error::{CopyError, at};
use crate::transfer::source_entries::Plan;
use crate::transfer::state::CopyResult;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Fails if the destination exists and must not be replaced: without `overwrite`, if only one of source and destination
/// is a folder, or if it is a pipe, a socket or a device.
pub(crate) fn check(destination: &SandboxedPath, is_folder: bool, overwrite: bool) -> Result<(), CopyError> {
    refuse_special(destination)?;
    match destination.symlink_metadata() {
        Ok(_) if !overwrite => Err(CopyError::Exists(destination.as_path().to_owned())),
        Ok(there) if there.is_dir() != is_folder => Err(CopyError::KindMismatch(destination.as_path().to_owned())),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at("inspect", destination)(error)),
    }
}

/// Like [`check`]; if a folder is merged into an existing one, also fails if one of its files would replace a pipe, a
/// socket or a device.
pub(crate) fn check_all(plan: &Plan, destination: &SandboxedPath, overwrite: bool) -> Result<(), CopyError> {
    check(destination, plan.is_folder, overwrite)?;
    if plan.is_folder && destination.has_entry() {
        plan.entries.iter().try_for_each(|entry| refuse_special(&entry.below(destination)))?;
    }
    Ok(())
}

fn refuse_special(destination: &SandboxedPath) -> Result<(), CopyError> {
    match destination.special() {
        Some(kind) => Err(CopyError::Special { path: destination.as_path().to_owned(), kind }),
        None => Ok(()),
    }
}

/// Whether the part is missing and the destination exists, so that an earlier process may have published the copy.
pub(crate) fn is_published(part: &SandboxedPath, destination: &SandboxedPath) -> bool {
    !part.has_entry() && destination.has_entry()
}

/// Whether `path` is the copy that an earlier process recorded as `copied`: a file with its size and checksum, or any
/// folder. Of a file without a recorded checksum, or that cannot be read, only the size is compared.
pub(crate) fn is_verified(path: &SandboxedPath, copied: &CopyResult, control: &Control) -> Result<bool, CopyError> {
    let there = path.symlink_metadata().map_err(at("read", path))?;
    if !there.is_file() {
        return Ok(there.is_dir());
    }
    if there.len() != copied.bytes {
        return Ok(false);
    }
    let Some(expected) = &copied.checksum else { return Ok(true) };
    let mut file = match path.open() {
        Ok(file) => file,
        // The file has the permissions of its source, which may deny reading it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(true),
        Err(error) => return Err(at("read", path)(error)),
    };
    let (mut hasher, mut buffer) = (Hasher::new(true), vec![0; CHUNK]);
    loop {
        // A cancellation comes too late here; only a pause stops the check.
        if control.is_stopped() && control.cancellation().is_none() {
            return Err(CopyError::Stopped);
        }
        let count = file.read(&mut buffer).map_err(at("read", path))?;
        if count == 0 {
            return Ok(hasher.finish().as_ref() == Some(expected));
        }
        hasher.update(&buffer[..count]);
    }
}

/// Renames `part` to `destination`, durably. A folder is merged into an existing one, file by file.
pub(crate) fn publish(part: &SandboxedPath, destination: &SandboxedPath, overwrite: bool) -> Result<(), CopyError> {
    let is_folder = part.symlink_metadata().map_err(at("read", part))?.is_dir();
    check(destination, is_folder, overwrite)?;
    if is_folder && destination.has_entry() {
        merge(part, destination)?;
        part.remove().map_err(at("remove", part))?;
    } else {
        let renamed = if overwrite { part.rename(destination) } else { part.rename_to_free(destination) };
        renamed.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists if !overwrite => CopyError::Exists(destination.as_path().to_owned()),
            _ => at("rename to", destination)(error),
        })?;
    }
    destination.sync_entry().map_err(at("sync the folder of", destination))
}

fn merge(part: &SandboxedPath, destination: &SandboxedPath) -> Result<(), CopyError> {
    let permissions = open_up(part).map_err(at("open", part))?;
    let is_new = match destination.symlink_metadata() {
        Ok(there) if !there.is_dir() => return Err(CopyError::KindMismatch(destination.as_path().to_owned())),
        Ok(_) => false,
        Err(_) => {
            destination.create_private_folder().map_err(at("create the folder", destination))?;
            true
        }
    };
    for (name, found) in part.entries().map_err(at("read", part))? {
        let (from, to) = (part.join(name.as_ref()), destination.join(name.as_ref()));
        if found.map_err(at("read", &from))?.is_dir() {
            merge(&from, &to)?;
        } else {
            check(&to, false, true)?;
            from.rename(&to).map_err(at("rename to", &to))?;
        }
    }
    destination.sync().map_err(at("sync the folder", destination))?;
    if is_new {
        // Set last, because the folder may be read-only.
        destination.set_permissions(permissions).map_err(at("set the permissions of", destination))?;
    }
    Ok(())
}

/// Makes a folder writable, so that its files can be moved. Returns its previous permissions.
fn open_up(folder: &SandboxedPath) -> io::Result<Permissions> {
    let permissions = folder.symlink_metadata()?.permissions();
    #[cfg(unix)]
    folder.set_permissions(Permissions::from_std(std::os::unix::fs::PermissionsExt::from_mode(0o700)))?;
    Ok(permissions)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::storage::allowed_roots::FileAccess;

    fn publish(part: &Path, destination: &Path, overwrite: bool) -> anyhow::Result<()> {
        let (part, destination) =
            (FileAccess::Unrestricted.destination(part)?, FileAccess::Unrestricted.destination(destination)?);
        Ok(super::publish(&part, &destination, overwrite)?)
    }

    #[test]
    fn an_existing_folder_is_merged_and_keeps_its_other_files() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let (part, destination) = (dir.path().join("d.part"), dir.path().join("d"));
        fs::create_dir_all(part.join("new"))?;
        fs::write(part.join("new/file"), "new")?;
        fs::write(part.join("both"), "ours")?;
        fs::create_dir(&destination)?;
        fs::write(destination.join("both"), "theirs")?;
        fs::write(destination.join("only"), "kept")?;
        publish(&part, &destination, true)?;
        assert_eq!(fs::read_to_string(destination.join("both"))?, "ours");
        assert_eq!(fs::read_to_string(destination.join("only"))?, "kept");
        assert_eq!(fs::read_to_string(destination.join("new/file"))?, "new");
        assert!(!part.exists());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_special_file_is_never_replaced_also_in_a_folder_or_behind_a_link() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let (part, folder) = (dir.path().join("d.part"), dir.path().join("d"));
        fs::create_dir(&part)?;
        fs::create_dir(&folder)?;
        fs::write(part.join("door"), "new")?;
        let _listener = std::os::unix::net::UnixListener::bind(folder.join("door"))?;
        let error = publish(&part, &folder, true).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("/d/door is a socket, which must not be replaced")));

        let link = dir.path().join("link");
        std::os::unix::fs::symlink("d/door", &link)?;
        for destination in [&folder.join("door"), &link] {
            // The kind is checked before `overwrite`, because the error must not advise `--overwrite`.
            for overwrite in [false, true] {
                let error = publish(&part.join("door"), destination, overwrite).map_err(|error| error.to_string());
                assert!(error.is_err_and(|error| error.contains("is a socket")), "{}", destination.display());
            }
        }
        assert!(fs::symlink_metadata(&link)?.is_symlink() && !fs::symlink_metadata(folder.join("door"))?.is_file());
        assert_eq!(fs::read_to_string(part.join("door"))?, "new");

        let device = FileAccess::Unrestricted.destination(Path::new("/dev/null"))?;
        let error = super::check(&device, false, true).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("/dev/null is a device")));
        Ok(())
    }

    #[test]
    fn an_existing_destination_is_replaced_only_if_that_is_allowed() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let (part, destination) = (dir.path().join("f.part"), dir.path().join("f"));
        fs::write(&part, "new")?;
        fs::write(&destination, "old")?;
        assert!(publish(&part, &destination, false).is_err());
        assert_eq!(fs::read_to_string(&destination)?, "old");
        publish(&part, &destination, true)?;
        assert_eq!(fs::read_to_string(&destination)?, "new");
        Ok(())
    }
}
