//! Parses a line of the reply to MLSD or MLST (RFC 3659): facts, a space, and the name.
//!
//! The parser of suppaftp is not used: it does not know symbolic links of Unix, takes `.` for an entry, and replaces
//! bytes of names.

use crate::storage::ftp::time;
use crate::storage::transfer_storage::{EntryKind, Metadata};

/// A parsed line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The last part of the path that was listed.
    pub(super) name: &'a [u8],
    pub(super) metadata: Metadata,
    /// Whether the line describes the listed folder itself or its parent.
    pub(super) is_folder_itself: bool,
}

/// Parses a line without its line end; `None` if it does not have this format, or lacks the type, or the size of a
/// file.
pub(super) fn parse(line: &[u8]) -> Option<Line<'_>> {
    let end = line.windows(2).position(|pair| pair == b"; ")?;
    let (facts, path) = (std::str::from_utf8(&line[..end]).ok()?, &line[end + 2..]);
    let (mut kind, mut size, mut modified, mut mode, mut is_folder_itself) = (None, None, None, None, false);
    for fact in facts.split(';') {
        let (name, value) = fact.split_once('=')?;
        match name.to_ascii_lowercase().as_str() {
            "type" => (kind, is_folder_itself) = type_of(value),
            "size" => size = Some(value.parse::<u64>().ok()?),
            "modify" => modified = time::parse(value),
            "unix.mode" => mode = u32::from_str_radix(value, 8).ok().map(|mode| mode & 0o7777),
            _ => {}
        }
    }
    let kind = kind?;
    let size = match kind {
        EntryKind::File => size?,
        _ => size.unwrap_or(0),
    };
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    Some(Line { name, metadata: Metadata { kind, size, modified, mode }, is_folder_itself })
}

fn type_of(value: &str) -> (Option<EntryKind>, bool) {
    let value = value.to_ascii_lowercase();
    match value.as_str() {
        "file" => (Some(EntryKind::File), false),
        "dir" => (Some(EntryKind::Folder), false),
        "cdir" | "pdir" => (Some(EntryKind::Folder), true),
        "" => (None, false),
        link if ["link", "os.unix=slink", "os.unix=symlink"].iter().any(|name| link.starts_with(name)) => {
            (Some(EntryKind::Link), false)
        }
        _ => (Some(EntryKind::Special), false),
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, parse};
    use crate::storage::ftp::time;
    use crate::storage::transfer_storage::{EntryKind, Metadata};

    fn line(name: &str, kind: EntryKind, size: u64, mode: Option<u32>) -> Line<'_> {
        let modified = time::parse("20240229123059");
        let metadata = Metadata { kind, size, modified, mode };
        Line { name: name.as_bytes(), metadata, is_folder_itself: false }
    }

    #[test]
    fn lines_of_pure_ftpd_are_read() {
        let facts = "modify=20240229123059;UNIX.mode=0644;UNIX.uid=65534;UNIX.gid=65534;unique=fe00g98c19c";
        let read =
            |text: &str, expected: Line<'_>| assert_eq!(parse(text.as_bytes()).as_ref(), Some(&expected), "{text}");
        let mode = Some(0o644);
        read(&format!("type=file;size=300000;{facts}; x0"), line("x0", EntryKind::File, 300_000, mode));
        read(&format!("type=file;size=0;{facts};  two  spaces "), line(" two  spaces ", EntryKind::File, 0, mode));
        read(&format!("type=file;size=0;{facts}; a; b"), line("a; b", EntryKind::File, 0, mode));
        read(&format!("type=dir;sizd=4096;{facts}; a dir"), line("a dir", EntryKind::Folder, 0, mode));
        read(&format!("type=OS.unix=slink:;size=2;{facts}; link"), line("link", EntryKind::Link, 2, mode));
        read(&format!("type=unknown;size=0;{facts}; fifo"), line("fifo", EntryKind::Special, 0, mode));
        for itself in ["cdir", "pdir"] {
            let text = format!("type={itself};sizd=4096;{facts}; .");
            assert!(parse(text.as_bytes()).is_some_and(|line| line.is_folder_itself), "{text}");
        }
    }

    #[test]
    fn lines_of_other_servers_are_read() {
        let read =
            |text: &str, expected: Line<'_>| assert_eq!(parse(text.as_bytes()).as_ref(), Some(&expected), "{text}");
        read("Type=file;Size=12;Modify=20240229123059.000; a", line("a", EntryKind::File, 12, None));
        read("type=OS.unix=slink:/a/b;modify=20240229123059; l", line("l", EntryKind::Link, 0, None));
        read("type=OS.unix=symlink;modify=20240229123059; l", line("l", EntryKind::Link, 0, None));
        read("type=OS.unix=chr-1/3;modify=20240229123059; null", line("null", EntryKind::Special, 0, None));
        read("type=file;size=12;modify=20240229123059; /in/a", line("a", EntryKind::File, 12, None));
    }

    #[test]
    fn bytes_of_names_are_kept() {
        assert_eq!(parse(b"type=file;size=1; caf\xe9").map(|line| line.name), Some(&b"caf\xe9"[..]));
    }

    #[test]
    fn a_line_without_type_or_size_is_refused() {
        for text in
            ["", "name", " name", "size=1; name", "type=file; name", "type=file;size=x; name", "type=; name", "x; y"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
