//! Checks who may read and write the files of the configuration: other users could make the agent run commands with a
//! file that they can write, and learn its secrets from a file that they can read.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;

use crate::config::ConfigError;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The id of the user root, who may own a file besides the user of the process.
const ROOT: u32 = 0;

/// The access rights of an open file. On systems without Unix modes, every file passes the checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    mode: u32,
    /// The user who owns the file.
    owner: u32,
    /// The user of this process.
    process: u32,
}

impl Access {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let process = rustix::process::geteuid().as_raw();
        Self { mode: metadata.mode() & 0o777, owner: metadata.uid(), process }
    }

    #[cfg(not(unix))]
    fn of(_metadata: &Metadata) -> Self {
        Self { mode: 0o600, owner: ROOT, process: ROOT }
    }

    /// Fails if a user other than root and the user of this process can change the file.
    fn check_writers(self, path: &Path) -> Result<(), ConfigError> {
        let file = path.display();
        if self.owner != ROOT && self.owner != self.process {
            return Err(ConfigError(format!(
                "{file} belongs to the user with the id {}, who could change it: run the command as that user, or run `chown root {file}`",
                self.owner
            )));
        }
        if self.mode & 0o022 != 0 {
            return Err(ConfigError(format!(
                "{file} can be changed by other users (mode {:04o}): run `chmod go-w {file}`",
                self.mode
            )));
        }
        Ok(())
    }

    /// Fails if other users can read the file, which contains a secret. The group may read a file of root, so that a
    /// service can read a file that it cannot change.
    pub(crate) fn check_readers(self, path: &Path) -> Result<(), ConfigError> {
        let (others, wanted) = if self.owner == ROOT { (0o007, "640") } else { (0o077, "600") };
        if self.mode & others == 0 {
            return Ok(());
        }
        let file = path.display();
        Err(ConfigError(format!(
            "{file} contains a secret and can be read by other users (mode {:04o}): run `chmod {wanted} {file}`",
            self.mode
        )))
    }
}

/// Reads a text file of at most 1 MiB, and returns it with its access rights. Fails if another user can change the
/// file.
pub(crate) fn read(path: &Path) -> Result<(String, Access), ConfigError> {
    let (file, access) = open(path)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(path, &"it has more than 1 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| unreadable(path, &"it is not UTF-8 text"))?;
    Ok((text, access))
}

/// Reads a file with a secret. Fails if another user can read or change the file.
pub(crate) fn read_secret(path: &Path) -> Result<String, ConfigError> {
    let (text, access) = read(path)?;
    access.check_readers(path)?;
    Ok(text)
}

/// Checks a file with a secret without reading it. Fails if another user can read or change the file.
pub(crate) fn check_secret(path: &Path) -> Result<(), ConfigError> {
    open(path)?.1.check_readers(path)
}

fn open(path: &Path) -> Result<(File, Access), ConfigError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(unreadable(path, &"it is not a file"));
    }
    let access = Access::of(&metadata);
    access.check_writers(path)?;
    Ok((file, access))
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> ConfigError {
    ConfigError(format!("cannot read {}: {why}", path.display()))
}

#[cfg(test)]
pub(crate) fn write_private(path: &Path, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
    std::fs::write(path, bytes)?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Access, read, write_private};

    fn refusal(mode: u32, owner: u32) -> Option<String> {
        let access = Access { mode, owner, process: 1000 };
        let path = Path::new("/etc/partner.pw");
        access.check_writers(path).and_then(|()| access.check_readers(path)).err().map(|error| error.to_string())
    }

    #[test]
    fn a_secret_file_is_for_its_owner_only() {
        for (mode, owner) in [(0o600, 1000), (0o400, 1000), (0o600, 0), (0o640, 0), (0o440, 0)] {
            assert_eq!(refusal(mode, owner), None, "{mode:o} of {owner}");
        }
        for (mode, owner, command) in [
            (0o640, 1000, "chmod 600"),
            (0o604, 1000, "chmod 600"),
            (0o644, 0, "chmod 640"),
            (0o660, 0, "chmod go-w"),
            (0o602, 1000, "chmod go-w"),
            (0o600, 1001, "chown root"),
        ] {
            let refusal = refusal(mode, owner).unwrap_or_default();
            assert!(refusal.contains(&format!("run `{command} /etc/partner.pw`")), "{mode:o} of {owner}: {refusal}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_of_a_real_file_is_checked() -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("partner.pw");
        std::fs::write(&path, "secret")?;
        for (mode, is_readable, is_private) in [(0o600, true, true), (0o644, true, false), (0o666, false, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
            assert_eq!(read(&path).is_ok(), is_readable, "{mode:o}");
            assert_eq!(super::read_secret(&path).is_ok(), is_private, "{mode:o}");
            assert_eq!(super::check_secret(&path).is_ok(), is_private, "{mode:o}");
        }
        Ok(())
    }

    #[test]
    fn a_file_that_is_no_text_of_at_most_one_mebibyte_is_refused() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        assert!(read(dir.path()).is_err());
        assert!(read(&dir.path().join("missing")).is_err());
        for (bytes, is_read) in [(vec![b'a'; 1 << 20], true), (vec![b'a'; (1 << 20) + 1], false), (vec![0xff], false)] {
            let path = dir.path().join("file");
            write_private(&path, bytes)?;
            assert_eq!(read(&path).is_ok(), is_read);
        }
        Ok(())
    }
}
