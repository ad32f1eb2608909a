//! Parses the text of a whole listing, whose size is limited.

use chrono::NaiveDateTime;
use mftplus_protocol::characters::printable;

use crate::storage::error::StorageErrorKind;
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::{list_line, mlsx_line};
use crate::storage::transfer_storage::{Entry, EntryKind, MAX_ENTRIES};

/// The maximum length of a listing in bytes.
pub(super) const MAX_LISTING: usize = 64 * 1024 * 1024;

/// The maximum length of a line in bytes.
const MAX_LINE: usize = 8 * 1024;

/// The entries in a reply to MLSD. Fails if a line cannot be parsed.
pub(super) fn of_mlsd(text: &[u8]) -> Result<Vec<Entry>, Failure> {
    entries(text, |line| {
        let line = mlsx_line::parse(line)?;
        let is_entry = !line.is_folder_itself && !matches!(line.name, b"." | b"..");
        let entry = || Entry { name: line.name.to_vec(), metadata: line.metadata };
        Some(is_entry.then(entry))
    })
}

/// The entries in a reply to LIST. Fails if a line cannot be parsed. Without `keeps_times`, files get no time, because
/// LIST has times with minutes or days only and in an unknown time zone.
pub(super) fn of_list(text: &[u8], now: NaiveDateTime, keeps_times: bool) -> Result<Vec<Entry>, Failure> {
    entries(text, |line| {
        Some(match list_line::parse(line, now)? {
            list_line::Line::Nothing => None,
            list_line::Line::Entry(mut entry) => {
                if !keeps_times && entry.metadata.kind == EntryKind::File {
                    entry.metadata.modified = None;
                }
                Some(entry)
            }
        })
    })
}

/// `parse` returns `None` for a line that it cannot parse, and `Some(None)` for a line without an entry.
fn entries(text: &[u8], parse: impl Fn(&[u8]) -> Option<Option<Entry>>) -> Result<Vec<Entry>, Failure> {
    let unreadable = |text: String| Failure::Other(StorageErrorKind::Other, text);
    let mut entries = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if line.len() > MAX_LINE {
            return Err(unreadable(format!("the listing has a line of {} bytes; {MAX_LINE} are allowed", line.len())));
        }
        let Some(entry) = parse(line) else {
            let line = printable(&String::from_utf8_lossy(line));
            return Err(unreadable(format!("the listing has a line that cannot be read: {line}")));
        };
        let Some(entry) = entry else { continue };
        if entry.name.is_empty() || entry.name.contains(&0) {
            return Err(unreadable("the listing has an entry without a valid name".to_owned()));
        }
        if entries.len() == MAX_ENTRIES {
            return Err(unreadable(format!("the folder has more than {MAX_ENTRIES} entries")));
        }
        entries.push(entry);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveDateTime};

    use super::{MAX_LINE, of_list, of_mlsd};
    use crate::storage::transfer_storage::Entry;

    fn names(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| std::str::from_utf8(&entry.name).expect("a name")).collect()
    }

    fn now() -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2024, 3, 5).expect("a date").and_hms_opt(12, 0, 0).expect("a time")
    }

    #[test]
    fn a_listing_has_neither_the_folder_itself_nor_the_one_above() {
        let text = b"type=cdir;sizd=1; .\r\ntype=pdir;sizd=1; ..\r\ntype=dir;sizd=1; ..\r\ntype=dir; b\r\ntype=file;size=1; a\r\n";
        assert_eq!(names(&of_mlsd(text).expect("a listing")), ["b", "a"]);
        assert!(of_mlsd(b"").is_ok_and(|entries| entries.is_empty()));
        let text = b"total 8\r\ndrwxr-xr-x 2 0 0 4096 Nov 29 16:01 .\r\n-rw-r--r-- 1 0 0 1 Nov 29 16:01 a\r\n";
        assert_eq!(names(&of_list(text, now(), true).expect("a listing")), ["a"]);
    }

    #[test]
    fn a_listing_with_a_line_that_cannot_be_read_fails_as_a_whole() {
        for text in ["type=file;size=1; a\r\n\x1b[31mgarbage\r\n", "type=file;size=1; a\0b\r\n", "type=dir; a/\r\n"] {
            assert!(of_mlsd(text.as_bytes()).is_err(), "{text:?}");
        }
        let long = format!("type=file;size=1; {}\r\n", "a".repeat(MAX_LINE));
        assert!(of_mlsd(long.as_bytes()).is_err());
        assert!(of_list(b"garbage\r\n", now(), true).is_err());
    }

    #[test]
    fn the_times_of_files_are_dropped_where_the_server_gives_them_exactly() {
        let text = b"-rw-r--r-- 1 0 0 1 Nov 29 16:01 a\r\ndrwxr-xr-x 2 0 0 4096 Nov 29 16:01 b\r\n";
        let times = |keeps| -> Vec<bool> {
            let entries = of_list(text, now(), keeps).expect("a listing");
            entries.iter().map(|entry| entry.metadata.modified.is_some()).collect()
        };
        assert_eq!(times(true), [true, true]);
        assert_eq!(times(false), [false, true]);
    }
}
