//! `init`: writes a commented configuration file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::task::spawn_blocking;

use crate::command::args::AgentArgs;
use crate::command::settings::DEFAULT_STATE_DIR;
use crate::config::locate;
use crate::config::template::template;
use crate::exit::Exit;
use crate::storage::state_file;

/// Runs the subcommand `init`: writes the file and prints its path.
pub(crate) async fn init(args: &AgentArgs) -> anyhow::Result<Exit> {
    let (config, state_dir, server) = (args.config.clone(), args.state_dir.clone(), args.server.clone());
    let writing = move || -> anyhow::Result<PathBuf> {
        let path = config.map_or_else(|| in_state_dir(state_dir), Ok)?;
        write(&path, server.as_deref())?;
        Ok(path)
    };
    let path = spawn_blocking(writing).await??;
    println!("written: {}", path.display());
    println!("edit it, then run `mftplus-agent --config {} check`", path.display());
    Ok(Exit::Done)
}

fn in_state_dir(state_dir: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let state_dir = state_dir.unwrap_or_else(|| DEFAULT_STATE_DIR.into());
    state_file::create_private_folder(&state_dir)?;
    Ok(state_dir.join(locate::FILE_NAME))
}

/// Creates the file, readable by its owner only. Fails if a file exists at this path.
fn write(path: &Path, server: Option<&str>) -> anyhow::Result<()> {
    let text = template(server)?;
    let created = state_file::private(OpenOptions::new().write(true).create_new(true)).open(path);
    let mut file = match created {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} exists and is not replaced; move it away first, or give another --config", path.display())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("cannot write {}: its folder does not exist; create it first", path.display())
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::config::file::ConfigFile;

    #[test]
    fn the_written_file_can_be_read_and_is_never_replaced() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("agent.toml");
        write(&path, Some("http://10.0.0.1:8080"))?;
        assert_eq!(ConfigFile::load(&path)?.server.as_deref(), Some("http://10.0.0.1:8080"));
        let refused = write(&path, None).map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(refused.contains("exists and is not replaced"), "{refused}");
        assert_eq!(ConfigFile::load(&path)?.server.as_deref(), Some("http://10.0.0.1:8080"));
        let refused = write(&dir.path().join("missing/agent.toml"), None);
        assert!(refused.is_err_and(|error| error.to_string().contains("create it first")));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_written_file() -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("agent.toml");
        write(&path, None)?;
        assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }
}
