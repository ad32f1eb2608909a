//! Who may write the files of the configuration: a file that others can write could make the agent run commands.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;

use crate::config::ConfigError;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The user who may own a file beside the process's own.
const ROOT: u32 = 0;

/// The access rights of an open file. On systems without modes nothing is refused.
#[derive(Clone, Copy, Debug)]
struct Access {
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

    /// Refuses a file that another user can change.
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
}

/// Reads a text file that no other user can change.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |error: &dyn std::fmt::Display| ConfigError(format!("cannot read {}: {error}", path.display()));
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(unreadable(&"it is not a file"));
    }
    Access::of(&metadata).check_writers(path)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(&"it has more than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| unreadable(&"it is not UTF-8 text"))
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

    #[test]
    fn a_file_that_another_user_can_change_is_refused() {
        let refusal = |mode, owner| {
            let access = Access { mode, owner, process: 1000 };
            access.check_writers(Path::new("/etc/agent.toml")).err().map(|error| error.to_string())
        };
        for (mode, owner) in [(0o600, 1000), (0o644, 1000), (0o644, 0)] {
            assert_eq!(refusal(mode, owner), None, "{mode:o} of {owner}");
        }
        for (mode, owner, command) in
            [(0o660, 0, "chmod go-w"), (0o602, 1000, "chmod go-w"), (0o600, 1001, "chown root")]
        {
            let refusal = refusal(mode, owner).unwrap_or_default();
            assert!(refusal.contains(&format!("run `{command} /etc/agent.toml`")), "{mode:o} of {owner}: {refusal}");
        }
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
