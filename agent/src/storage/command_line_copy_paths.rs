//! Resolves the paths of the command `copy` into the absolute source and destination of each copy.

use std::fs;
use std::path::{Path, PathBuf};

use crate::storage::path_text::{ends_with_separator, goes_up, text};
use crate::storage::pattern;
use crate::storage::usage_error::UsageError;

/// The source and the destination of one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CopyPaths {
    /// The absolute path of the source.
    pub(crate) source: PathBuf,
    /// The absolute path of the copy itself, not of its folder.
    pub(crate) destination: PathBuf,
}

/// Returns the source and destination of each copy. The destination of a source is `destination` itself, or a path
/// inside it if it is a folder. The files of a pattern are copied into `destination`.
pub(crate) fn resolve(sources: &[PathBuf], destination: &Path) -> Result<Vec<CopyPaths>, UsageError> {
    let into = destination.is_dir() || ends_with_separator(destination);
    if sources.len() > 1 && !into {
        let shown = text(destination);
        return Err(UsageError(format!(
            "{shown} is not a folder; several sources need one (write `{shown}/` to create it)"
        )));
    }
    let base = absolute(destination)?;
    let mut pairs: Vec<CopyPaths> = Vec::with_capacity(sources.len());
    for source in sources {
        pattern::check(source)?;
        let source = absolute_source(source)?;
        let is_pattern = pattern::split(&source).is_some();
        if is_pattern && base.exists() && !base.is_dir() {
            let (source, base) = (text(&source), text(&base));
            return Err(UsageError(format!("{base} is not a folder; the files of the pattern {source} need one")));
        }
        let destination = match source.file_name() {
            _ if is_pattern => base.clone(),
            Some(name) if into => base.join(name),
            None if into => {
                return Err(UsageError(format!(
                    "{} has no file name; give the full path of the copy as the destination",
                    text(&source)
                )));
            }
            _ => base.clone(),
        };
        let pair = CopyPaths { source, destination };
        pair.check()?;
        if let Some(other) = pairs.iter().find(|other| other.destination == pair.destination) {
            let (one, two) = (text(&other.source), text(&pair.source));
            return Err(UsageError(format!(
                "{one} and {two} would both be copied to {}; copy them one by one",
                text(&pair.destination)
            )));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}

impl CopyPaths {
    /// Fails if the destination is the source or inside it.
    pub(crate) fn check(&self) -> Result<(), UsageError> {
        let pattern = pattern::split(&self.source);
        let from = pattern.map_or(self.source.as_path(), |(folder, _)| folder);
        let real = fs::canonicalize(from).unwrap_or_else(|_| from.to_owned());
        let there = fs::canonicalize(&self.destination).unwrap_or_else(|_| self.destination.clone());
        let (source, destination) = (text(&self.source), text(&self.destination));
        if there == real || self.destination == from {
            return Err(UsageError(format!("{source} and {destination} are the same; choose another destination")));
        }
        if pattern.is_none() && (there.starts_with(&real) || self.destination.starts_with(&self.source)) {
            return Err(UsageError(format!("{destination} is inside {source}; choose a destination outside it")));
        }
        Ok(())
    }
}

/// Makes the folder absolute and keeps the name that was typed, also if it is a link or a pattern.
fn absolute_source(source: &Path) -> Result<PathBuf, UsageError> {
    let missing = |error: std::io::Error| UsageError(format!("cannot read the source {}: {error}", text(source)));
    if pattern::split(source).is_none() {
        fs::metadata(source).map_err(missing)?;
    }
    match (source.parent(), source.file_name()) {
        (Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Ok(fs::canonicalize(parent).map_err(missing)?.join(name))
        }
        _ => fs::canonicalize(source).map_err(missing),
    }
}

/// Makes a path absolute; only the first folders of it need exist.
fn absolute(path: &Path) -> Result<PathBuf, UsageError> {
    let unclear =
        |why: &dyn std::fmt::Display| UsageError(format!("cannot resolve the destination {}: {why}", text(path)));
    let path = std::path::absolute(path).map_err(|error| unclear(&error))?;
    let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let real = fs::canonicalize(existing).map_err(|error| unclear(&error))?;
    let rest = path.strip_prefix(existing).map_err(|error| unclear(&error))?;
    if goes_up(rest) {
        return Err(unclear(
            &"`..` follows a folder that does not exist; create the folder, or write the path without `..`",
        ));
    }
    // `components` drops the separator that may stand at the end.
    Ok(real.join(rest).components().collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::resolve;

    #[test]
    fn a_source_is_copied_into_a_folder_or_to_the_path_itself() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = fs::canonicalize(dir.path())?;
        fs::write(root.join("a"), "")?;
        let pairs = resolve(&[root.join("a")], &root.join("new/"))?;
        assert_eq!(pairs[0].destination, root.join("new/a"));
        let pairs = resolve(&[root.join("a")], &root.join("new"))?;
        assert_eq!(pairs[0].destination, root.join("new"));
        Ok(())
    }

    #[test]
    fn a_copy_onto_or_into_itself_is_rejected() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path();
        fs::create_dir(root.join("folder"))?;
        fs::write(root.join("a"), "")?;
        for (source, destination) in
            [("a", "a"), ("a", "folder/../a"), ("a", "."), ("folder", "folder/inner"), ("folder", "folder")]
        {
            let refused = resolve(&[root.join(source)], &root.join(destination));
            assert!(refused.is_err(), "{source} to {destination}");
        }
        Ok(())
    }

    #[test]
    fn several_sources_need_a_folder_and_distinct_names() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path();
        fs::create_dir_all(root.join("x"))?;
        fs::write(root.join("a"), "")?;
        fs::write(root.join("b"), "")?;
        fs::write(root.join("x/a"), "")?;
        assert!(resolve(&[root.join("a"), root.join("b")], &root.join("new")).is_err());
        assert!(resolve(&[root.join("a"), root.join("b")], &root.join("new/")).is_ok());
        assert!(resolve(&[root.join("a"), root.join("x/a")], &root.join("new/")).is_err());
        Ok(())
    }

    #[test]
    fn the_files_of_a_pattern_are_copied_into_the_destination() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = fs::canonicalize(dir.path())?;
        fs::create_dir_all(root.join("in"))?;
        fs::create_dir_all(root.join("old"))?;
        fs::write(root.join("file"), "")?;
        let pattern = root.join("in/*.csv");
        for (destination, expected) in [("new", "new"), ("new/", "new"), ("old", "old"), ("in/out", "in/out")] {
            let pairs = resolve(std::slice::from_ref(&pattern), &root.join(destination))?;
            assert_eq!(pairs[0].destination, root.join(expected), "{destination}");
            assert_eq!(pairs[0].source, pattern);
        }
        for destination in ["file", "in"] {
            assert!(resolve(std::slice::from_ref(&pattern), &root.join(destination)).is_err(), "{destination}");
        }
        for refused in ["missing/*.csv", "in/*/", "in/*.csv/"] {
            assert!(resolve(&[root.join(refused)], &root.join("new/")).is_err(), "{refused}");
        }
        // A file whose name is the pattern is that file.
        fs::write(&pattern, "")?;
        let pairs = resolve(std::slice::from_ref(&pattern), &root.join("new/"))?;
        assert_eq!(pairs[0].destination, root.join("new/*.csv"));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_copied_link_keeps_its_own_name() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = fs::canonicalize(dir.path())?;
        fs::write(root.join("2026.csv"), "")?;
        std::os::unix::fs::symlink(root.join("2026.csv"), root.join("latest.csv"))?;
        let pairs = resolve(&[root.join("latest.csv")], &root.join("out/"))?;
        assert_eq!(pairs[0].source, root.join("latest.csv"));
        assert_eq!(pairs[0].destination, root.join("out/latest.csv"));
        Ok(())
    }
}
