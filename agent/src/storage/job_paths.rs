//! Resolves the source and destination of a job or transfer step into absolute paths, which are the same in each run.

use std::path::{Path, PathBuf};

use url::Url;

use crate::storage::allowed_roots::FileAccess;
use crate::storage::command_line_copy_paths::CopyPaths;
use crate::storage::path_text::{ends_with_separator, from_file_url, goes_up};
use crate::storage::pattern;
use crate::storage::usage_error::UsageError;

/// Resolves the two paths of a copy.
///
/// A file is copied into `destination` if that is a folder (existing, or ending in `/`), and to the path `destination`
/// if not. The files of a pattern, and the content of a folder whose path ends in `/`, are copied into `destination`.
/// Any other folder is copied to the path `destination`, or into it if that ends in `/`. These rules ensure that a
/// second run writes to the same paths as the first.
pub(crate) fn resolve(source: &str, destination: &str, access: &FileAccess) -> Result<CopyPaths, UsageError> {
    let refuse = |error: &dyn std::fmt::Display| UsageError(error.to_string());
    let (from, to) = (local_path(source)?, local_path(destination)?);
    pattern::check(&from)?;
    let there = access.destination(&bare(&to)).map_err(|error| refuse(&error))?;
    let goes_into = if pattern::split(&from).is_some() {
        false
    } else {
        let here = access.source(&bare(&from)).map_err(|error| refuse(&error))?;
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
        None if goes_into => {
            return Err(UsageError(format!(
                "{source} has no file name; give the full path of the copy as the destination"
            )));
        }
        _ => to,
    };
    let pair = CopyPaths { source: from, destination: to };
    pair.check()?;
    Ok(pair)
}

/// The local path of `text`, which is a path or a `file:` URL. Fails if it is not absolute or contains `..`.
pub(crate) fn local_path(text: &str) -> Result<PathBuf, UsageError> {
    let path = match (from_file_url(text), Url::parse(text)) {
        (Some(path), _) => path?,
        (None, Ok(url)) if text.contains("://") => {
            let scheme = url.scheme();
            return Err(UsageError(format!(
                "`{text}` is not a local path, and protocol {scheme} is not supported here"
            )));
        }
        _ => PathBuf::from(text),
    };
    if !path.is_absolute() {
        return Err(UsageError(format!(
            "`{text}` is not an absolute local path; write the whole path, such as /data/in/a.csv"
        )));
    }
    if goes_up(&path) {
        return Err(UsageError(format!("`{text}` contains `..`; write the path without it")));
    }
    Ok(path)
}

/// The path without a trailing separator.
fn bare(path: &Path) -> PathBuf {
    path.components().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{local_path, resolve};
    use crate::storage::allowed_roots::FileAccess;

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
            let pair =
                resolve(&format!("{root}/{source}"), &format!("{root}/{destination}"), &FileAccess::Unrestricted)?;
            assert_eq!(pair.destination, dir.path().join(expected), "{source} to {destination}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_plain_local_path_is_refused_in_a_sentence() {
        for url in ["file:///a/b", "FILE:///a/b", "file://localhost/a/b", "file:///a/%62"] {
            assert!(local_path(url).is_ok_and(|path| path.to_str() == Some("/a/b")), "{url}");
        }
        for text in ["a/b", "sftp://host/a", "/a/../b", "file:///a/%2e%2e/b", "file:///a?b", "file://host/a", ""] {
            assert!(local_path(text).is_err(), "{text}");
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
            let refused =
                resolve(&format!("{root}/{source}"), &format!("{root}/{destination}"), &FileAccess::Unrestricted);
            assert!(refused.is_err(), "{source} to {destination}");
        }
        assert!(resolve(&format!("{root}/in/*.csv"), &format!("{root}/in/out"), &FileAccess::Unrestricted).is_ok());
        assert!(resolve(&format!("{root}/in/*/"), &format!("{root}/in/out"), &FileAccess::Unrestricted).is_err());
        Ok(())
    }
}
