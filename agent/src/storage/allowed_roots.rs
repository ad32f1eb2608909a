//! The allowed folders: those in which this agent may carry out jobs and steps of the server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::storage::path_text::text;
use crate::storage::pattern;
use crate::storage::sandboxed_path::SandboxedPath;

/// The folders of `--allow-dir` or `allowed-dirs`. If there are none, jobs may access all paths, and steps no path.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedRoots(Vec<Root>);

#[derive(Clone, Debug)]
struct Root {
    /// The path as it is configured.
    configured: PathBuf,
    canonical: PathBuf,
}

/// Why a path may not be accessed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error(
        "{path} is outside the allowed folders ({allowed}); choose a path inside them, or start the agent with a further --allow-dir",
        path = text(path)
    )]
    Outside { path: PathBuf, allowed: String },
    #[error("cannot reach {path}: {error}", path = text(path))]
    Io { path: PathBuf, error: io::Error },
}

impl AllowedRoots {
    /// Resolves the configured folders. Fails unless each is an absolute path of an existing folder.
    pub(crate) fn new(folders: &[PathBuf]) -> anyhow::Result<Self> {
        let root = |written: &PathBuf| {
            anyhow::ensure!(written.is_absolute(), "--allow-dir {}: must be an absolute path", written.display());
            let canonical = fs::canonicalize(written).with_context(|| format!("--allow-dir {}", written.display()))?;
            anyhow::ensure!(canonical.is_dir(), "--allow-dir {}: must be a folder", written.display());
            Ok(Root { configured: written.components().collect(), canonical })
        };
        folders.iter().map(root).collect::<anyhow::Result<_>>().map(Self)
    }

    /// The allowed folders that cannot be accessed at the moment, each with the reason. Blocking.
    pub(crate) fn unreachable(&self) -> Vec<(&Path, io::Error)> {
        let problem = |root: &Root| match fs::metadata(&root.canonical) {
            Ok(there) if there.is_dir() => None,
            Ok(_) => Some(io::ErrorKind::NotADirectory.into()),
            Err(error) => Some(error),
        };
        self.0.iter().filter_map(|root| Some((root.configured.as_path(), problem(root)?))).collect()
    }

    /// The paths of the allowed folders as they are configured.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|root| root.configured.as_path())
    }

    /// Whether any folder is configured.
    pub(crate) fn is_configured(&self) -> bool {
        !self.0.is_empty()
    }

    /// Resolves `path` below the allowed folder that contains it; fails if none does. `path` must be absolute and
    /// contain no `..`.
    fn resolve(&self, path: &Path) -> Result<SandboxedPath, AccessError> {
        for Root { configured, canonical } in &self.0 {
            for name in [configured, canonical] {
                if let Ok(relative) = path.strip_prefix(name) {
                    return SandboxedPath::new(canonical, relative, path).map_err(unreachable(path));
                }
            }
        }
        let allowed: Vec<String> = self.0.iter().map(|root| text(&root.configured)).collect();
        Err(AccessError::Outside { path: path.to_owned(), allowed: allowed.join(", ") })
    }
}

/// Which paths a copy or step may access.
#[derive(Clone, Debug)]
pub(crate) enum FileAccess {
    /// All paths, because a user runs the command on this machine.
    Unrestricted,
    /// The paths inside the allowed folders, because the server requested the work.
    Confined(AllowedRoots),
}

impl FileAccess {
    /// Resolves a path to read from. A link at its end is followed. Fails if the path is outside the allowed folders.
    pub(crate) fn source(&self, path: &Path) -> Result<SandboxedPath, AccessError> {
        let real = match self {
            Self::Confined(allowed_roots) => return allowed_roots.resolve(path),
            Self::Unrestricted => match pattern::split(path) {
                Some((folder, name)) => fs::canonicalize(folder).map(|folder| folder.join(name)),
                None => fs::canonicalize(path),
            },
        };
        unrestricted(&real.map_err(unreachable(path))?, path)
    }

    /// Resolves a path to write to. It and its parents need not exist. A link at its end is not followed. Fails if the
    /// path is outside the allowed folders.
    pub(crate) fn destination(&self, path: &Path) -> Result<SandboxedPath, AccessError> {
        if let Self::Confined(allowed_roots) = self {
            return allowed_roots.resolve(path);
        }
        let above = path.parent().unwrap_or(path);
        let existing = above.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(above);
        let real = fs::canonicalize(existing).map_err(unreachable(path))?;
        let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
        unrestricted(&real.join(rest), path)
    }
}

fn unrestricted(real: &Path, full: &Path) -> Result<SandboxedPath, AccessError> {
    let root = real.ancestors().last().unwrap_or(real);
    let relative = real.strip_prefix(root).unwrap_or(real);
    SandboxedPath::new(root, relative, full).map_err(unreachable(full))
}

fn unreachable(path: &Path) -> impl FnOnce(io::Error) -> AccessError {
    move |error| AccessError::Io { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{AllowedRoots, FileAccess};

    #[cfg(unix)]
    #[test]
    fn no_link_leads_out_of_the_allowed_roots() -> anyhow::Result<()> {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir()?;
        let root = fs::canonicalize(dir.path())?;
        let inside = root.join("inside");
        fs::create_dir_all(inside.join("folder"))?;
        fs::create_dir(root.join("inside-out"))?;
        fs::write(root.join("secret"), "secret")?;
        symlink(&root, inside.join("up"))?;
        symlink("../..", inside.join("folder/up"))?;
        symlink("../secret", inside.join("door"))?;
        let access = FileAccess::Confined(AllowedRoots::new(std::slice::from_ref(&inside))?);
        for path in ["secret", "inside-out/a", ""] {
            assert!(access.source(&root.join(path)).is_err(), "{path}");
        }
        for path in ["up/secret", "folder/up/secret", "door"] {
            let found = access.source(&inside.join(path))?;
            assert!(found.open().is_err() && found.metadata().is_err(), "{path}");
            assert!(path == "door" || found.open_to_write().is_err() && found.remove().is_err(), "{path}");
        }
        assert!(access.source(&inside.join("door"))?.rename(&access.destination(&inside.join("up/stolen"))?).is_err());
        // A link may be removed: its target stays.
        access.source(&inside.join("door"))?.remove()?;
        assert_eq!(fs::read_to_string(root.join("secret"))?, "secret");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_replaced_by_a_link_is_not_followed() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let inside = dir.path().join("inside");
        fs::create_dir_all(inside.join("folder"))?;
        fs::create_dir(dir.path().join("outside"))?;
        fs::write(inside.join("folder/a"), "ours")?;
        fs::write(dir.path().join("outside/a"), "theirs")?;
        let access = FileAccess::Confined(AllowedRoots::new(std::slice::from_ref(&inside))?);
        let path = access.source(&inside.join("folder/a"))?;
        assert!(path.open().is_ok());
        // Another program replaces the folder.
        fs::remove_dir_all(inside.join("folder"))?;
        std::os::unix::fs::symlink(dir.path().join("outside"), inside.join("folder"))?;
        assert!(path.open().is_err() && path.open_to_write().is_err() && path.remove().is_err());
        assert_eq!(fs::read_to_string(dir.path().join("outside/a"))?, "theirs");
        Ok(())
    }

    #[test]
    fn allowed_roots_must_exist() {
        assert!(AllowedRoots::new(&["relative".into()]).is_err());
        assert!(AllowedRoots::new(&["/no/such/folder".into()]).is_err());
        assert!(AllowedRoots::new(&[]).is_ok_and(|allowed_roots| !allowed_roots.is_configured()));
    }

    #[test]
    fn the_folders_above_an_unrestricted_destination_may_be_missing() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = FileAccess::Unrestricted.destination(&dir.path().join("not/yet/there"))?;
        path.parent().map_or(Ok(()), |parent| parent.create_folders())?;
        path.open_to_write()?;
        assert!(dir.path().join("not/yet/there").is_file());
        assert_eq!(
            path.part().as_path(),
            Path::new(&format!("{}.mftplus-part", dir.path().join("not/yet/there").display()))
        );
        Ok(())
    }
}
