//! File patterns such as `/data/in/*.csv`: wildcards in the last part of a path.

use std::fs;
use std::path::Path;

use wildmatch::WildMatch;

use crate::storage::path_text::{ends_with_separator, text};
use crate::storage::usage_error::UsageError;

/// The message for a pattern with a separator at its end, which would select folders in a shell.
pub(crate) const FILES_ONLY: &str = "a pattern selects files, never folders: write it without `/` at its end";

/// Splits a path into its folder and the pattern of its last part; `None` if the last part has no wildcard, or if a
/// file with exactly this name exists.
pub(crate) fn split(path: &Path) -> Option<(&Path, &str)> {
    let name = path.file_name()?.to_str().filter(|name| name.contains(['*', '?']))?;
    if fs::symlink_metadata(path).is_ok() { None } else { Some((path.parent()?, name)) }
}

/// Fails if `path` is a pattern with a separator at its end. The path of an existing folder is not a pattern.
pub(crate) fn check(path: &Path) -> Result<(), UsageError> {
    if ends_with_separator(path) && split(path).is_some() {
        return Err(UsageError(format!("cannot copy {}: {FILES_ONLY}", text(path))));
    }
    Ok(())
}

/// Whether a file name matches the pattern: `*` stands for any number of characters, `?` for one. A name that begins
/// with a dot matches only a pattern that begins with a dot.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    (pattern.starts_with('.') || !name.starts_with('.')) && WildMatch::new(pattern).matches(name)
}

#[cfg(test)]
mod tests {
    use super::{check, matches, split};

    #[test]
    fn a_star_matches_any_characters_and_a_question_mark_one() {
        for (pattern, name) in [
            ("*.csv", "a.csv"),
            ("*", "a"),
            ("a?c", "abc"),
            ("a?c", "aäc"),
            ("a*b*c", "aXbXbc"),
            ("*ä?", "bärä1"),
            (".*", ".a"),
            ("[a]{b}*", "[a]{b}"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*.csv", "a.csv.gz"), ("*", ".a"), ("a?c", "ac"), ("a*b", "ba"), ("?", ""), ("[a]?", "ab"), ("A*", "ab")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_file_whose_name_has_a_star_is_that_file() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("a*");
        assert_eq!(split(&path), Some((dir.path(), "a*")));
        std::fs::write(&path, "")?;
        assert_eq!(split(&path), None);
        assert_eq!(split(&dir.path().join("a")), None);
        Ok(())
    }

    #[test]
    fn a_pattern_with_a_separator_at_its_end_is_refused() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        for name in ["*/", "*.csv/", "?//"] {
            let refused = check(&dir.path().join(name)).map_err(|error| error.to_string());
            assert!(refused.is_err_and(|error| error.contains("selects files, never folders")), "{name}");
        }
        for name in ["*", "a/", "a"] {
            assert!(check(&dir.path().join(name)).is_ok(), "{name}");
        }
        std::fs::create_dir(dir.path().join("*"))?;
        assert!(check(&dir.path().join("*/")).is_ok(), "a folder of this name");
        Ok(())
    }
}
