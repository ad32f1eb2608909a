//! From the two paths of a job to what is copied and where it will stand, the same at every run.

use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::storage::allowed_roots::Reach;
use crate::storage::paths::{Pair, UsageError, ends_with_separator};
use crate::storage::pattern;

/// Finds where `source` goes.
///
/// A file goes into a folder (existing, or ending in `/`), else it becomes `destination`. What a pattern finds, and
/// what is in a folder whose name ends in `/`, goes into `destination`. Any other folder becomes `destination`, or
/// goes into it when that ends in `/`. So a second run writes to the same place as the first.
pub(crate) fn resolve(source: &str, destination: &str, reach: &Reach) -> Result<Pair, UsageError> {
    let refuse = |error: &dyn std::fmt::Display| UsageError(error.to_string());
    let (from, to) = (local(source)?, local(destination)?);
    let there = reach.destination(&bare(&to)).map_err(|error| refuse(&error))?;
    let goes_into = if pattern::split(&from).is_some() {
        false
    } else {
        let here = reach.source(&bare(&from)).map_err(|error| refuse(&error))?;
        let found = here.metadata().map_err(|error| UsageError(format!("cannot read {source}: {error}")))?;
        if found.is_dir() {
            ends_with_separator(&to) && !ends_with_separator(&from)
        } else {
            ends_with_separator(&to) || there.metadata().is_ok_and(|there| there.is_dir())
        }
    };
    let (from, to) = (bare(&from), bare(&to));
    let to = match from.file_name() {
        Some(name) if goes_into => to.join(name),
        None if goes_into => return Err(UsageError(format!("{source} has no name to copy it under"))),
        _ => to,
    };
    let pair = Pair { source: from, destination: to };
    pair.check()?;
    Ok(pair)
}

/// The path that `text` means, written as a path or as a `file:` URL.
pub(crate) fn local(text: &str) -> Result<PathBuf, UsageError> {
    let path = match Url::parse(text) {
        Ok(url) if url.scheme() == "file" => url
            .to_file_path()
            .map_err(|()| UsageError(format!("`{text}` is no path on this machine; write file:///path")))?,
        Ok(url) if text.contains("://") => {
            let scheme = url.scheme();
            return Err(UsageError(format!("`{text}` is no local path, and protocol {scheme} is not supported here")));
        }
        _ => PathBuf::from(text),
    };
    if !path.is_absolute() {
        return Err(UsageError(format!(
            "`{text}` is not an absolute local path, so this agent cannot tell which file is meant"
        )));
    }
    if goes_up(&path) {
        return Err(UsageError(format!("`{text}` goes up (`..`); write the path without that")));
    }
    Ok(path)
}

/// Without the separator that may stand at the end.
fn bare(path: &Path) -> PathBuf {
    path.components().collect()
}

fn goes_up(path: &Path) -> bool {
    path.components().any(|part| matches!(part, Component::ParentDir))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{local, resolve};
    use crate::storage::allowed_roots::Reach;

    #[test]
    fn every_run_writes_to_the_same_place() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path().to_str().unwrap_or_default();
        fs::create_dir_all(dir.path().join("in"))?;
        fs::write(dir.path().join("in/a.csv"), "")?;
        let rules = [
            ("in", "new", "new"),
            ("in", "old", "old"),
            ("in", "new/", "new/in"),
            ("in", "old/", "old/in"),
            ("in/", "new/", "new"),
            ("in/", "old/", "old"),
            ("in/a.csv", "new", "new"),
            ("in/a.csv", "new/", "new/a.csv"),
            ("in/a.csv", "old", "old/a.csv"),
            ("in/*.csv", "new", "new"),
            ("in/*.csv", "old/", "old"),
        ];
        fs::create_dir_all(dir.path().join("old"))?;
        for (source, destination, expected) in rules {
            let pair = resolve(&format!("{root}/{source}"), &format!("{root}/{destination}"), &Reach::Anywhere)?;
            assert_eq!(pair.destination, dir.path().join(expected), "{source} to {destination}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_plain_local_path_is_refused_in_a_sentence() {
        assert!(local("file:///a/b").is_ok_and(|path| path.to_str() == Some("/a/b")));
        for text in ["a/b", "sftp://host/a", "/a/../b", "file://host/a", ""] {
            assert!(local(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_is_copied_onto_itself() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path().to_str().unwrap_or_default();
        fs::create_dir_all(dir.path().join("in/out"))?;
        fs::write(dir.path().join("in/a.csv"), "")?;
        for (source, destination) in
            [("in", "in"), ("in/", "in/out"), ("in/*.csv", "in"), ("in/a.csv", "in"), ("in/a.csv", "in/a.csv")]
        {
            let refused = resolve(&format!("{root}/{source}"), &format!("{root}/{destination}"), &Reach::Anywhere);
            assert!(refused.is_err(), "{source} to {destination}");
        }
        assert!(resolve(&format!("{root}/in/*.csv"), &format!("{root}/in/out"), &Reach::Anywhere).is_ok());
        Ok(())
    }
}
