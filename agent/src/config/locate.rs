//! Finds the configuration file: the one named by the user, else the one in the state folder, else the one of the
//! machine. A file in the current folder is never used, because another user may own that folder, and a configuration
//! can make the agent run commands.

use std::io;
use std::path::{Path, PathBuf};

/// The name of the configuration file in a state folder.
pub(crate) const FILE_NAME: &str = "mftplus-agent.toml";

/// The path of the configuration file of the machine.
pub(crate) const MACHINE_FILE: &str =
    if cfg!(windows) { r"C:\ProgramData\mftplus\mftplus-agent.toml" } else { "/etc/mftplus/mftplus-agent.toml" };

/// The path of the configuration file; `None` if there is none. A file in `named` is returned even if it does not
/// exist, so that reading it reports the error.
pub(crate) fn find(named: Option<&Path>, state_dir: &Path, machine_file: &Path) -> Option<PathBuf> {
    if let Some(named) = named {
        return Some(named.to_owned());
    }
    let in_state_dir = state_dir.join(FILE_NAME);
    [in_state_dir, machine_file.to_owned()].into_iter().find(|path| match std::fs::File::open(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => false,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path == machine_file => {
            // The file belongs to a service, and another user runs this command.
            tracing::warn!(path = %path.display(), "the configuration of this machine cannot be read by this user and is not used");
            false
        }
        Ok(_) | Err(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::find;

    #[test]
    fn the_named_file_comes_before_that_of_the_state_folder_and_that_of_the_machine() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let (state_dir, machine) = (dir.path().join("state"), dir.path().join("machine.toml"));
        assert_eq!(find(None, &state_dir, &machine), None);
        fs::write(&machine, "")?;
        assert_eq!(find(None, &state_dir, &machine), Some(machine.clone()));
        fs::create_dir(&state_dir)?;
        let own = state_dir.join("mftplus-agent.toml");
        fs::write(&own, "")?;
        assert_eq!(find(None, &state_dir, &machine), Some(own));
        let named = dir.path().join("missing.toml");
        assert_eq!(find(Some(&named), &state_dir, &machine), Some(named));
        Ok(())
    }
}
