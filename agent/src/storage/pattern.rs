//! Patterns such as `/data/in/*.csv`: wildcards in the last part of a path.

use std::fs;
use std::path::Path;

/// Splits a path whose last part has wildcards into the folder and that part; nothing, if it has none or exists as it
/// is written.
pub(crate) fn split(path: &Path) -> Option<(&Path, &str)> {
    let name = path.file_name()?.to_str().filter(|name| name.contains(['*', '?']))?;
    if fs::symlink_metadata(path).is_ok() { None } else { Some((path.parent()?, name)) }
}

/// Whether a file's name fits: `*` is any characters, also none, `?` is one; a leading dot must be written.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut to) = (0, 0);
    // Where the last `*` stands, and up to where it has swallowed the name.
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
            (_, Some((back, swallowed))) => {
                star = Some((back, swallowed + 1));
                (at, to) = (back + 1, swallowed + 1);
            }
            _ => return false,
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::{fits, split};

    #[test]
    fn wildcards_fit_as_a_shell_would_have_them() {
        for (pattern, name) in
            [("*.csv", "a.csv"), ("*", "a"), ("a?c", "abc"), ("a*b*c", "aXbXbc"), ("*ä?", "bärä1"), (".*", ".a")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.csv", "a.csv.gz"), ("*", ".a"), ("a?c", "ac"), ("a*b", "ba"), ("?", "")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
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
