//! The data folder: its files are its owner's alone, whatever the folder's own mode is, and it is used by one server.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, Result, bail};

/// The file with the secret that tokens are signed with.
pub(super) const SECRET_FILE: &str = "signing.secret";
/// Read and written by the owner alone.
const PRIVATE: u32 = 0o600;

/// Makes the folder if need be.
pub(super) fn make(folder: &Path) -> Result<()> {
    // Password hashes are nobody else's business.
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be made", folder.display()))
}

/// The lock of the one server that may run on a data folder.
pub(super) fn lock(folder: &Path) -> Result<File> {
    make(folder)?;
    let file = lock_file(&folder.join("server.lock"))?;
    if file.try_lock().is_err() {
        bail!("MFTPLUS_DATA_DIR: another server runs on {}: stop it, or choose another folder", folder.display());
    }
    Ok(file)
}

/// A file to lock.
pub(super) fn lock_file(path: &Path) -> Result<File> {
    let file = open_private(path, File::options().create(true).truncate(false).write(true));
    file.with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be opened", path.display()))
}

/// Makes the file of the database, if this is a new installation, and sees to it that only its owner reads it. SQLite gives
/// the files beside it the same mode.
///
/// An empty file beside a signing secret is what a full disk or a failed restore leaves behind. Going on would discard the
/// write-ahead log beside it and begin with nothing.
pub(super) fn prepare_database(folder: &Path, path: &Path) -> Result<()> {
    let length = match std::fs::metadata(path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => {
            return Err(error).with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be used", path.display()));
        }
    };
    let secret = folder.join(SECRET_FILE);
    if length == 0 && secret.exists() {
        bail!(
            "MFTPLUS_DATA_DIR: {} is missing or empty, but {} shows that there was a database: restore the database from \
             a backup, or, to begin with an empty one, move everything out of {}",
            path.display(),
            secret.display(),
            folder.display()
        );
    }
    let made = open_private(path, File::options().create(true).truncate(false).write(true));
    made.with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be used", path.display()))?;
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        make_private(Path::new(&beside));
    }
    Ok(())
}

/// Reads a secret.
pub(super) fn read_secret(path: &Path) -> std::io::Result<Vec<u8>> {
    make_private(path);
    std::fs::read(path)
}

/// Writes a secret that only its owner can read. Whoever comes second keeps the first one's.
pub(super) fn write_secret(path: &Path, secret: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = File::options().create(true).truncate(true).write(true).mode(PRIVATE).open(&draft)?;
    file.write_all(secret)?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn open_private(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    let file = options.mode(PRIVATE).open(path)?;
    make_private(path);
    Ok(file)
}

/// Takes the rights of others away from a file that has been there before. Where the program may not, since the file is
/// another user's, the file stays as it is.
fn make_private(path: &Path) {
    let Ok(file) = std::fs::metadata(path) else { return };
    if file.permissions().mode() & 0o777 == PRIVATE {
        return;
    }
    if let Err(error) = std::fs::set_permissions(path, Permissions::from_mode(PRIVATE)) {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, path = %path.display(), "others can read a file of the data folder");
    }
}
