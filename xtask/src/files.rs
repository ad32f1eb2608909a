//! Folders of the repository, temporary folders, secrets.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::{Context, Failure, Result};

/// The root folder of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The cargo profile with which releases are built.
pub(crate) const SHIPPED: &str = "dist";

/// The path of the release build of `mftplus`. The file may not exist.
pub(crate) fn shipped_binary() -> Result<PathBuf> {
    binary(SHIPPED, "mftplus")
}

/// The path of the debug build of `mftplus`. The file may not exist.
pub(crate) fn debug_binary() -> Result<PathBuf> {
    binary("debug", "mftplus")
}

/// The path of a binary in the target folder of a cargo profile. The file may not exist.
pub(crate) fn binary(profile: &str, name: &str) -> Result<PathBuf> {
    Ok(target()?.join(profile).join(name))
}

/// Cargo's target folder. It is found from the path of this program, which is a debug build in that folder.
pub(crate) fn target() -> Result<PathBuf> {
    let xtask = env::current_exe().context("cannot find the path of xtask")?;
    let target = xtask.parent().and_then(Path::parent).ok_or("cannot find cargo's target folder")?;
    Ok(target.to_owned())
}

/// A path relative to the repository's folder.
pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The entries of a folder, sorted.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).context(format_args!("cannot read {}", relative(folder)))?;
    let mut entries: Vec<PathBuf> = read.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    Ok(entries)
}

/// The last component of a path; empty if it is not UTF-8.
pub(crate) fn file_name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

/// A temporary folder, which is removed when this value is dropped.
pub(crate) struct TempFolder(PathBuf);

impl TempFolder {
    /// Creates a folder in `parent` that every user may read and only this one may change.
    pub(crate) fn create(parent: &Path) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("mftplus-xtask-{}-{number}-{}", std::process::id(), random_hex(4)?));
        // Not `create_dir_all`, which would accept a folder that another user has created.
        DirBuilder::new().mode(0o755).create(&path).context(format_args!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("xtask: cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Random bytes from the operating system, as hexadecimal text.
pub(crate) fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    let mut source = File::open("/dev/urandom").context("cannot open /dev/urandom")?;
    source.read_exact(&mut random).context("cannot read /dev/urandom")?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Writes a new file that only its owner may read.
pub(crate) fn write_secret(path: &Path, secret: &str) -> Result<()> {
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = written.context(format_args!("cannot create {}", path.display()))?;
    file.write_all(secret.as_bytes()).context(format_args!("cannot write {}", path.display()))
}

/// The first line of a small file, or `None` if the file does not exist.
pub(crate) fn read_line(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().next().map(ToOwned::to_owned)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::Failed(format!("cannot read {}: {error}", path.display()))),
    }
}

/// A folder for measurements that is on a disk. `/tmp` may be in memory, where a durable commit costs nothing.
pub(crate) fn disk() -> PathBuf {
    let disk = Path::new("/var/tmp");
    if disk.is_dir() { disk.to_owned() } else { env::temp_dir() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_readable_by_its_owner_only_and_never_overwritten() {
        let folder = TempFolder::create(&env::temp_dir()).unwrap();
        let path = folder.path().join("secret");
        write_secret(&path, "one").unwrap();
        assert!(write_secret(&path, "two").is_err());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_line(&path).unwrap().as_deref(), Some("one"));
        assert_eq!(read_line(&folder.path().join("other")).unwrap(), None);
    }

    #[test]
    fn a_temporary_folder_is_removed_when_dropped() {
        let path = TempFolder::create(&env::temp_dir()).unwrap().path().to_owned();
        assert!(!path.exists());
    }

    #[test]
    fn random_text_has_two_digits_per_byte() {
        assert_eq!(random_hex(12).unwrap().len(), 24);
    }
}
