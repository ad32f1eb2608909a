//! Which names a destination cannot hold, found before anything is written.

use crate::storage::part_name::{MAX_NAME, name_of_bytes};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Capabilities, TransferStorage};
use crate::transfer::bounded_messages::BoundedMessages;
use crate::transfer::error::CopyError;
use crate::transfer::stream::plan::StreamPlan;

/// The most bytes of a character in UTF-8.
const MAX_CHARACTER: usize = 4;

/// Refuses a plan with names that the destination cannot hold; each is named.
pub(crate) fn check(plan: &StreamPlan, target: &dyn TransferStorage, base: &StoragePath) -> Result<(), CopyError> {
    let capabilities = target.capabilities();
    let mut problems = BoundedMessages::default();
    for entry in &plan.entries {
        let path = base.append(&entry.relative);
        // The names above it are checked with their own entries.
        let problem = path.file_name().and_then(|name| problem(name, capabilities));
        if let Some(problem) = problem {
            problems.add(&format!("`{}` {problem}", target.display(&path)));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(CopyError::Names(problems)) }
}

fn problem(name: &[u8], capabilities: Capabilities) -> Option<&'static str> {
    if name.len() > MAX_NAME {
        Some("has a name of more than 255 bytes")
    } else if !capabilities.any_bytes && std::str::from_utf8(name).is_err() {
        Some("has a name that is not UTF-8, which the destination needs")
    } else if !capabilities.line_breaks && name.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        Some("has a name with a line break, which the destination cannot store")
    } else if !capabilities.spaces_at_end && name.ends_with(b" ") {
        Some("has a name with a space at its end, which the destination may change")
    } else if cfg!(windows) && capabilities.free_reads && is_reserved(name) {
        Some("has a name that Windows reserves")
    } else {
        None
    }
}

/// Whether Windows takes the name for a device, cuts off its end, or has another meaning for one of its characters.
fn is_reserved(name: &[u8]) -> bool {
    let stem = name.split(|byte| *byte == b'.').next().unwrap_or_default().to_ascii_uppercase();
    let is_numbered = stem.len() == 4
        && (stem.starts_with(b"COM") || stem.starts_with(b"LPT"))
        && stem.last().is_some_and(|digit| matches!(digit, b'1'..=b'9'));
    is_numbered
        || matches!(stem.as_slice(), b"CON" | b"PRN" | b"AUX" | b"NUL")
        || name.ends_with(b".")
        || name.ends_with(b" ")
        || name.iter().any(|byte| *byte < b' ' || b"<>:\"\\|?*".contains(byte))
}

/// The path of the part file or folder of a copy to `path`: beside it, with the tag of the copy if it has one.
pub(crate) fn part_of(path: &StoragePath, tag: Option<&str>) -> StoragePath {
    path.with_file_name(name_of_bytes(path.file_name().unwrap_or_default(), tag))
}

/// The path `name (number).ext`. The name loses its end where the number would make it too long.
pub(crate) fn numbered(path: &StoragePath, number: u32) -> StoragePath {
    let name = path.file_name().unwrap_or_default();
    let number = format!(" ({number})");
    let room = MAX_NAME.saturating_sub(number.len());
    // An extension that leaves no room for a character is none.
    let is_stem = |at: &usize| *at > 0 && name.len() - at + MAX_CHARACTER <= room;
    let end = name.iter().rposition(|byte| *byte == b'.').filter(is_stem).unwrap_or(name.len());
    let (stem, extension) = name.split_at(end);
    let stem = beginning(stem, room.saturating_sub(extension.len()));
    path.with_file_name([stem, number.as_bytes(), extension].concat())
}

/// At most `most` bytes from the beginning of a name. A character of UTF-8 is not cut.
fn beginning(name: &[u8], most: usize) -> &[u8] {
    let most = most.min(name.len());
    let is_boundary = |at: &usize| name.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let cut = (most.saturating_sub(MAX_CHARACTER - 1)..=most).rev().find(is_boundary).unwrap_or(most);
    &name[..cut]
}

#[cfg(test)]
mod tests {
    use super::{is_reserved, numbered, part_of, problem};
    use crate::storage::part_name::MAX_NAME;
    use crate::storage::storage_path::StoragePath;
    use crate::storage::transfer_storage::Capabilities;

    #[test]
    fn numbers_stand_before_the_extension() -> anyhow::Result<()> {
        for (path, expected) in
            [("in/a.csv", "in/a (2).csv"), ("a", "a (2)"), (".profile", ".profile (2)"), ("a.tar.gz", "a.tar (2).gz")]
        {
            assert_eq!(numbered(&StoragePath::new(path.as_bytes())?, 2).to_str(), Some(expected));
        }
        let path = StoragePath::new(b"in/a")?;
        assert_eq!(part_of(&path, None).to_str(), Some("in/a.mftplus-part"));
        assert_eq!(part_of(&path, Some("01")).to_str(), Some("in/a.01.mftplus-part"));
        Ok(())
    }

    #[test]
    fn a_number_shortens_a_name_that_would_be_too_long() -> anyhow::Result<()> {
        let name = |path: &str, number| -> anyhow::Result<Vec<u8>> {
            let numbered = numbered(&StoragePath::new(path.as_bytes())?, number);
            Ok(numbered.file_name().unwrap_or_default().to_vec())
        };
        let longest = "a".repeat(MAX_NAME - 4);
        assert_eq!(name(&format!("in/{longest}.csv"), 1)?, format!("{} (1).csv", &longest[4..]).as_bytes());
        assert_eq!(name(&format!("in/{longest}.csv"), 10)?, format!("{} (10).csv", &longest[5..]).as_bytes());
        assert_eq!(name(&longest[4..], 1)?, format!("{} (1)", &longest[4..]).as_bytes());
        assert_eq!(name(&"ä".repeat(127), 1)?, format!("{} (1)", "ä".repeat(125)).as_bytes());
        let extension = format!("a.{}", "b".repeat(MAX_NAME - 2));
        assert_eq!(name(&extension, 1)?, format!("{} (1)", &extension[..MAX_NAME - 4]).as_bytes());
        let other = numbered(&StoragePath::new(&[0xa4_u8; MAX_NAME])?, 1);
        assert_eq!(other.file_name(), Some([&[0xa4_u8; MAX_NAME - 4][..], b" (1)"].concat().as_slice()));
        Ok(())
    }

    #[test]
    fn a_name_is_refused_where_it_cannot_be_held() {
        let all = Capabilities {
            links: true,
            modes: true,
            times: true,
            any_bytes: true,
            line_breaks: true,
            spaces_at_end: true,
            fsync: true,
            replaces_atomically: true,
            resumes: true,
            free_reads: false,
        };
        let few = Capabilities { any_bytes: false, line_breaks: false, spaces_at_end: false, ..all };
        assert!(problem(b"\xff\n", all).is_none() && problem("é".as_bytes(), few).is_none());
        assert!(problem(b"\xff", few).is_some() && problem(b"a\r", few).is_some());
        assert!(problem(b"a ", all).is_none() && problem(b"a ", few).is_some() && problem(b" a", few).is_none());
        assert!(problem(&[b'a'; 255], all).is_none() && problem(&[b'a'; 256], all).is_some());
    }

    #[test]
    fn names_that_windows_reserves_are_known() {
        for name in [&b"CON"[..], b"nul.txt", b"Com1", b"a.", b"a ", b"a:b", b"a?"] {
            assert!(is_reserved(name), "{name:?}");
        }
        for name in [&b"console"[..], b"COM0", b"a.b", b".a"] {
            assert!(!is_reserved(name), "{name:?}");
        }
    }
}
