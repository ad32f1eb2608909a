//! The data folder. Only one server uses it at a time, and each file in it is readable by the file's owner only,
//! whatever the mode of the folder.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, Result, bail};

/// The file with the signing secret.
pub(super) const SECRET_FILE: &str = "signing.secret";
/// The file with the generated certificate authority: its certificate and its private key.
pub(super) const AUTHORITY_FILE: &str = "ca.pem";
/// The mode of files that only their owner reads and writes.
const PRIVATE: u32 = 0o600;

/// Creates the folder, unless it exists.
pub(super) fn create(folder: &Path) -> Result<()> {
    // The folder contains password hashes.
    let created = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    created.with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be created", folder.display()))
}

/// Creates the folder if needed, and locks it for this server until the returned file is closed. Fails if another
/// server has locked it.
pub(super) fn lock(folder: &Path) -> Result<File> {
    create(folder)?;
    let file = lock_file(&folder.join("server.lock"))?;
    if file.try_lock().is_err() {
        bail!("MFTPLUS_DATA_DIR: another server runs on {}: stop it, or choose another folder", folder.display());
    }
    Ok(file)
}

/// Opens a lock file, creating it if needed. Does not lock it.
pub(super) fn lock_file(path: &Path) -> Result<File> {
    let file = open_private(path, File::options().create(true).truncate(false).write(true));
    file.with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be opened", path.display()))
}

/// Creates the database file of a new installation, and makes it readable for its owner only. SQLite creates the files
/// beside it with the same mode.
///
/// An empty or missing database beside a signing secret is an error. It is the result of a full disk or a failed restore,
/// and opening it would discard the write-ahead log and begin with an empty database.
pub(super) fn prepare_database(folder: &Path, path: &Path) -> Result<()> {
    let length = match std::fs::metadata(path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => {
            return Err(error).with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be used", path.display()));
        }
    };
    if length == 0 {
        refuse_new_database(folder, path, "is missing or empty")?;
    }
    let opened = open_private(path, File::options().create(true).truncate(false).write(true));
    opened.with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be used", path.display()))?;
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        make_private(Path::new(&beside));
    }
    Ok(())
}

/// Returns an error if the folder contains a signing secret, which shows that a database existed before. `state` is the
/// part of the message that says what is wrong with the database file at `path`.
pub(super) fn refuse_new_database(folder: &Path, path: &Path, state: &str) -> Result<()> {
    let secret = folder.join(SECRET_FILE);
    if secret.exists() {
        bail!(
            "MFTPLUS_DATA_DIR: {} {state}, but {} shows that there was a database: restore the database from a backup, or, \
             to begin with an empty one, move everything out of {}",
            path.display(),
            secret.display(),
            folder.display()
        );
    }
    Ok(())
}

/// Reads a secret, after making its file accessible to the owner only.
pub(super) fn read_secret(path: &Path) -> std::io::Result<Vec<u8>> {
    make_private(path);
    std::fs::read(path)
}

/// Writes a secret to a file that only its owner can read. If the file exists, for example because another program has
/// created it, the file is kept.
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

/// Removes the permissions of group and others from an existing file. If the file belongs to another user, this fails,
/// and a warning is logged.
fn make_private(path: &Path) {
    let Ok(file) = std::fs::metadata(path) else { return };
    if file.permissions().mode() & 0o777 == PRIVATE {
        return;
    }
    if let Err(error) = std::fs::set_permissions(path, Permissions::from_mode(PRIVATE)) {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, path = %path.display(), "other users can read a file of the data folder");
    }
}
