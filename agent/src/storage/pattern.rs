//! File patterns such as `/data/in/*.csv`: wildcards in the last part of a path.

use std::fs;
use std::path::Path;

/// Splits a path into its folder and the pattern of its last part. None if the last part has no wildcard, or if a file of
/// exactly this name exists.
pub(crate) fn split(path: &Path) -> Option<(&Path, &str)> {
    let name = path.file_name()?.to_str().filter(|name| name.contains(['*', '?']))?;
    if fs::symlink_metadata(path).is_ok() { None } else { Some((path.parent()?, name)) }
}

/// Whether a file name matches: `*` stands for any number of characters, `?` for one; a leading dot must be explicit.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut to) = (0, 0);
    // The position of the last `*`, and how far into the name it matches.
    let mut star: Option<(usize, usize)> = None;
    while to < name.len() {
        match (pattern.get(at), star) {
            (Some('*'), _) => {
                star = Some((at, to));
                at += 1;
            }
            (Some(c), _) if *c == '?' || *c == name[to] => {
                at += 1;
                to += 1;
            }
            (_, Some((back, matched))) => {
                star = Some((back, matched + 1));
                (at, to) = (back + 1, matched + 1);
            }
            _ => return false,
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::{matches, split};

    #[test]
    fn wildcards_match_as_in_a_shell() {
        for (pattern, name) in
            [("*.csv", "a.csv"), ("*", "a"), ("a?c", "abc"), ("a*b*c", "aXbXbc"), ("*ä?", "bärä1"), (".*", ".a")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.csv", "a.csv.gz"), ("*", ".a"), ("a?c", "ac"), ("a*b", "ba"), ("?", "")] {
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
