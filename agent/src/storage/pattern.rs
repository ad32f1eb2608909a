//! File patterns such as `/data/in/*.csv`: wildcards in the last part of a path.

use std::fs;
use std::path::Path;

use wildmatch::WildMatch;

/// Splits a path into its folder and the pattern of its last part; `None` if the last part has no wildcard, or if a
/// file with exactly this name exists.
pub(crate) fn split(path: &Path) -> Option<(&Path, &str)> {
    let name = path.file_name()?.to_str().filter(|name| name.contains(['*', '?']))?;
    if fs::symlink_metadata(path).is_ok() { None } else { Some((path.parent()?, name)) }
}

/// Whether a file name matches: `*` stands for any number of characters, `?` for one; a leading dot must be explicit.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    (pattern.starts_with('.') || !name.starts_with('.')) && WildMatch::new(pattern).matches(name)
}

#[cfg(test)]
mod tests {
    use super::{matches, split};

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
}
