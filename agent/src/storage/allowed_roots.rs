//! Where this agent may work for the server: anywhere, or only inside some folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::storage::paths::text;
use crate::storage::pattern;
use crate::storage::sandboxed_path::Spot;

/// The folders that the agent's configuration allows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fence(Vec<Folder>);

#[derive(Clone, Debug)]
struct Folder {
    written: PathBuf,
    real: PathBuf,
}

/// Why a path is not touched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutOfReach {
    #[error(
        "{path} is not inside a folder this agent may work in ({allowed}); name one that is, or start the agent with --allow-dir for it",
        path = text(path)
    )]
    Outside { path: PathBuf, allowed: String },
    #[error("cannot reach {path}: {error}", path = text(path))]
    Io { path: PathBuf, error: io::Error },
}

impl Fence {
    /// A fence around existing folders; none: there is no fence.
    pub(crate) fn around(folders: &[PathBuf]) -> anyhow::Result<Self> {
        let folder = |written: &PathBuf| {
            anyhow::ensure!(written.is_absolute(), "--allow-dir {}: an absolute path is needed", written.display());
            let real = fs::canonicalize(written).with_context(|| format!("--allow-dir {}", written.display()))?;
            anyhow::ensure!(real.is_dir(), "--allow-dir {}: that is not a folder", written.display());
            Ok(Folder { written: written.components().collect(), real })
        };
        folders.iter().map(folder).collect::<anyhow::Result<_>>().map(Self)
    }

    /// Whether any folder was named.
    pub(crate) fn is_set(&self) -> bool {
        !self.0.is_empty()
    }

    /// The place called `path`, an absolute path without `..`, if it is inside.
    fn within(&self, path: &Path) -> Result<Spot, OutOfReach> {
        for Folder { written, real } in &self.0 {
            for name in [written, real] {
                if let Ok(below) = path.strip_prefix(name) {
                    return Spot::below(real, below, path).map_err(unreachable(path));
                }
            }
        }
        let allowed: Vec<String> = self.0.iter().map(|folder| text(&folder.written)).collect();
        Err(OutOfReach::Outside { path: path.to_owned(), allowed: allowed.join(", ") })
    }
}

/// How far whoever asked for something may reach.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// Everywhere, as the person whose command it is.
    Anywhere,
    /// Inside the fence only.
    Within(Fence),
}

impl Reach {
    /// What is read at `path`; a link at its end may be followed.
    pub(crate) fn source(&self, path: &Path) -> Result<Spot, OutOfReach> {
        let real = match self {
            Self::Within(fence) => return fence.within(path),
            Self::Anywhere => match pattern::split(path) {
                Some((folder, name)) => fs::canonicalize(folder).map(|folder| folder.join(name)),
                None => fs::canonicalize(path),
            },
        };
        anywhere(&real.map_err(unreachable(path))?, path)
    }

    /// What is written at `path`, of which only the beginning need exist; a link at its end is not followed.
    pub(crate) fn destination(&self, path: &Path) -> Result<Spot, OutOfReach> {
        if let Self::Within(fence) = self {
            return fence.within(path);
        }
        let above = path.parent().unwrap_or(path);
        let existing = above.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(above);
        let real = fs::canonicalize(existing).map_err(unreachable(path))?;
        let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
        anywhere(&real.join(rest), path)
    }
}

fn anywhere(real: &Path, shown: &Path) -> Result<Spot, OutOfReach> {
    let root = real.ancestors().last().unwrap_or(real);
    let below = real.strip_prefix(root).unwrap_or(real);
    Spot::below(root, below, shown).map_err(unreachable(shown))
}

fn unreachable(path: &Path) -> impl FnOnce(io::Error) -> OutOfReach {
    move |error| OutOfReach::Io { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Fence, Reach};

    #[cfg(unix)]
    #[test]
    fn nothing_leads_out_of_the_fence() -> anyhow::Result<()> {
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
        let reach = Reach::Within(Fence::around(std::slice::from_ref(&inside))?);
        for path in ["secret", "inside-out/a", ""] {
            assert!(reach.source(&root.join(path)).is_err(), "{path}");
        }
        for path in ["up/secret", "folder/up/secret", "door"] {
            let spot = reach.source(&inside.join(path))?;
            assert!(spot.open().is_err() && spot.metadata().is_err(), "{path}");
            assert!(path == "door" || spot.open_to_write().is_err() && spot.remove().is_err(), "{path}");
        }
        assert!(reach.source(&inside.join("door"))?.rename(&reach.destination(&inside.join("up/stolen"))?).is_err());
        // A link itself may go: what it points to stays.
        reach.source(&inside.join("door"))?.remove()?;
        assert_eq!(fs::read_to_string(root.join("secret"))?, "secret");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_becomes_a_link_leads_nowhere() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let inside = dir.path().join("inside");
        fs::create_dir_all(inside.join("folder"))?;
        fs::create_dir(dir.path().join("outside"))?;
        fs::write(inside.join("folder/a"), "ours")?;
        fs::write(dir.path().join("outside/a"), "theirs")?;
        let reach = Reach::Within(Fence::around(std::slice::from_ref(&inside))?);
        let spot = reach.source(&inside.join("folder/a"))?;
        assert!(spot.open().is_ok());
        // Meanwhile somebody exchanges it.
        fs::remove_dir_all(inside.join("folder"))?;
        std::os::unix::fs::symlink(dir.path().join("outside"), inside.join("folder"))?;
        assert!(spot.open().is_err() && spot.open_to_write().is_err() && spot.remove().is_err());
        assert_eq!(fs::read_to_string(dir.path().join("outside/a"))?, "theirs");
        Ok(())
    }

    #[test]
    fn only_existing_folders_make_a_fence() {
        assert!(Fence::around(&["relative".into()]).is_err());
        assert!(Fence::around(&["/no/such/folder".into()]).is_err());
        assert!(Fence::around(&[]).is_ok_and(|fence| !fence.is_set()));
    }

    #[test]
    fn without_a_fence_the_way_to_a_destination_may_be_missing() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let spot = Reach::Anywhere.destination(&dir.path().join("not/yet/there"))?;
        spot.parent().map_or(Ok(()), |parent| parent.create_folders())?;
        spot.open_to_write()?;
        assert!(dir.path().join("not/yet/there").is_file());
        assert_eq!(
            spot.part().shown(),
            Path::new(&format!("{}.mftplus-part", dir.path().join("not/yet/there").display()))
        );
        Ok(())
    }
}
