//! Finds names that the destination does not support, before anything is written.

use crate::storage::part_name::MAX_NAME;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Capabilities, TransferStorage};
use crate::transfer::bounded_messages::BoundedMessages;
use crate::transfer::error::CopyError;
use crate::transfer::storage_copy::plan::StreamPlan;

/// Fails if the destination does not support some names of the plan; the error lists the first of them.
pub(crate) fn check(plan: &StreamPlan, target: &dyn TransferStorage, base: &StoragePath) -> Result<(), CopyError> {
    let capabilities = target.capabilities();
    let mut problems = BoundedMessages::default();
    for entry in &plan.entries {
        let path = base.append(&entry.relative);
        // The parent folders are entries of their own.
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
    } else if !capabilities.control_characters && name.iter().any(u8::is_ascii_control) {
        Some("has a name with a control character, such as a line break, which the destination cannot store")
    } else if !capabilities.spaces_at_end && name.ends_with(b" ") {
        Some("has a name with a space at its end, which the destination may change")
    } else if cfg!(windows) && capabilities.free_reads && is_reserved(name) {
        Some("has a name that Windows reserves")
    } else {
        None
    }
}

/// Whether Windows interprets the name as a device, removes its last character, or does not allow one of its
/// characters.
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

#[cfg(test)]
mod tests {
    use super::{is_reserved, problem};
    use crate::storage::transfer_storage::Capabilities;

    #[test]
    fn a_name_is_refused_where_it_cannot_be_held() {
        let all = Capabilities {
            links: true,
            modes: true,
            times: true,
            any_bytes: true,
            control_characters: true,
            spaces_at_end: true,
            fsync: true,
            replaces_atomically: true,
            resumes: true,
            free_reads: false,
            concurrent_files: 1,
        };
        let few = Capabilities { any_bytes: false, control_characters: false, spaces_at_end: false, ..all };
        assert!(problem(b"\xff\n", all).is_none() && problem("é".as_bytes(), few).is_none());
        assert!(problem(b"\xff", few).is_some() && problem(b"a\r", few).is_some());
        assert!(problem(b"a\tb", all).is_none() && problem(b"a\tb", few).is_some() && problem(b"a\x7f", few).is_some());
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
