//! Parses a line of the reply to LIST, in the formats of servers on Unix and on Windows.
//!
//! The parser of suppaftp is not used: it rejects special files, access control lists, missing groups and, on Windows,
//! years of four digits, and it drops spaces at the start of names.

use std::time::SystemTime;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::storage::ftp::time::system_time;
use crate::storage::transfer_storage::{Entry, EntryKind, Metadata};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The maximum number of years between two days that exist in leap years only.
const LEAP_YEARS: i32 = 8;

/// A parsed line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Entry(Entry),
    /// A line without an entry: the folder itself, its parent, or the total in the first line.
    Nothing,
}

/// Parses a line without its line end; `None` if it has neither format. `now` completes dates without a year. Times are
/// in the server's time zone, which is not known; they are interpreted as UTC.
pub(super) fn parse(line: &[u8], now: NaiveDateTime) -> Option<Line> {
    if line.is_empty() || line.strip_prefix(b"total ").is_some_and(|count| count.iter().all(u8::is_ascii_digit)) {
        return Some(Line::Nothing);
    }
    let entry = unix(line, now).or_else(|| windows(line))?;
    match entry.name.as_slice() {
        b"" => None,
        b"." | b".." => Some(Line::Nothing),
        name if name.contains(&b'/') => None,
        _ => Some(Line::Entry(entry)),
    }
}

/// A word of a line, and where it ends.
struct Word<'a> {
    text: &'a str,
    end: usize,
}

/// The words of a line up to the first one that is not UTF-8.
fn words(line: &[u8]) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut end = 0;
    for bytes in line.split(|byte| *byte == b' ') {
        end += bytes.len();
        let Ok(text) = std::str::from_utf8(bytes) else { break };
        if !text.is_empty() {
            words.push(Word { text, end });
        }
        end += 1;
    }
    words
}

/// `-rw-r--r--  1 user group  1234 Nov  5 13:46 name`. Owners and groups may be missing or contain spaces, so the
/// position of the date with a number before it decides.
fn unix(line: &[u8], now: NaiveDateTime) -> Option<Entry> {
    let kind = match line.first()? {
        b'-' => EntryKind::File,
        b'd' => EntryKind::Folder,
        b'l' => EntryKind::Link,
        b'b' | b'c' | b'p' | b's' | b'D' => EntryKind::Special,
        _ => return None,
    };
    let mode = mode(line.get(1..10)?)?;
    let words = words(line);
    for at in 2..words.len() {
        let Ok(size) = words[at - 1].text.parse::<u64>() else { continue };
        let Some((time, length)) = unix_time(&words[at..], now) else { continue };
        let name = line.get(words[at + length - 1].end + 1..)?;
        let name = if kind == EntryKind::Link { link_name(name, size) } else { name };
        let size = if kind == EntryKind::Special { 0 } else { size };
        let modified = system_time(time);
        return Some(Entry { name: name.to_vec(), metadata: Metadata { kind, size, modified, mode: Some(mode) } });
    }
    None
}

/// `rwxr-sr-t` as a number.
fn mode(letters: &[u8]) -> Option<u32> {
    let mut mode = 0;
    for (index, letter) in letters.iter().enumerate() {
        let bit = 0o400 >> index;
        let special = 0o4000 >> (index / 3);
        mode |= match (index % 3, letter) {
            (_, b'-') => 0,
            (0, b'r') | (1, b'w') | (2, b'x') => bit,
            (2, b's' | b't') => bit | special,
            (2, b'S' | b'T') => special,
            _ => return None,
        };
    }
    Some(mode)
}

/// `Nov 5 13:46`, `5 Nov 2023` or `2023-11-05 13:46`, with the number of its words.
fn unix_time(words: &[Word<'_>], now: NaiveDateTime) -> Option<(NaiveDateTime, usize)> {
    let word = |index: usize| words.get(index).map(|word| word.text);
    if let Ok(date) = NaiveDate::parse_from_str(word(0)?, "%Y-%m-%d") {
        return Some((date.and_time(clock(word(1)?)?), 2));
    }
    let (month, day) = match (month(word(0)?), month(word(1)?)) {
        (Some(month), None) => (month, word(1)?),
        (None, Some(month)) => (month, word(0)?),
        _ => return None,
    };
    let day: u32 = day.parse().ok()?;
    let last = word(2)?;
    let time = match clock(last) {
        // The latest such time that is not in the future; the server may be a day ahead.
        Some(time) => (now.year() - LEAP_YEARS..=now.year() + 1)
            .rev()
            .filter_map(|year| NaiveDate::from_ymd_opt(year, month, day))
            .map(|date| date.and_time(time))
            .find(|time| *time <= now + TimeDelta::days(1))?,
        None if last.len() == 4 => NaiveDate::from_ymd_opt(last.parse().ok()?, month, day)?.and_time(NaiveTime::MIN),
        None => return None,
    };
    Some((time, 3))
}

fn month(word: &str) -> Option<u32> {
    let word = word.to_ascii_lowercase();
    let index = MONTHS.iter().position(|month| *month == word)?;
    u32::try_from(index + 1).ok()
}

/// `13:46`, with or without seconds.
fn clock(word: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(word, "%H:%M").or_else(|_| NaiveTime::parse_from_str(word, "%H:%M:%S")).ok()
}

/// The name of a link of `name -> target`. The size of a link is the length of its target, which shows where the arrow
/// is if there are several.
fn link_name(text: &[u8], size: u64) -> &[u8] {
    const ARROW: &[u8] = b" -> ";
    let arrows: Vec<usize> =
        text.windows(ARROW.len()).enumerate().filter(|(_, part)| *part == ARROW).map(|(at, _)| at).collect();
    let is_right = |at: &&usize| u64::try_from(text.len() - **at - ARROW.len()).is_ok_and(|length| length == size);
    match arrows.iter().find(is_right).or(arrows.first()) {
        Some(at) => &text[..*at],
        None => text,
    }
}

/// `10-19-20  03:19PM       <DIR>          name` and `10-19-2020  03:19PM            12,403 name`.
fn windows(line: &[u8]) -> Option<Entry> {
    let words = words(line);
    let [date, time, what, ..] = words.as_slice() else { return None };
    let time = windows_date(date.text)?.and_time(windows_clock(time.text)?);
    let (kind, size) = match what.text {
        "<DIR>" => (EntryKind::Folder, 0),
        "<JUNCTION>" | "<SYMLINK>" | "<SYMLINKD>" => (EntryKind::Link, 0),
        number => (EntryKind::File, number.replace(',', "").parse::<u64>().ok()?),
    };
    let rest = line.get(what.end + 1..)?;
    // A size ends where its column ends; what stands in its place is filled up with spaces.
    let name = if kind == EntryKind::File { rest } else { rest.trim_ascii_start() };
    let metadata = Metadata { kind, size, modified: system_time(time), mode: None };
    Some(Entry { name: name.to_vec(), metadata })
}

/// `10-19-20` or `10-19-2020`: month, day, year.
fn windows_date(word: &str) -> Option<NaiveDate> {
    let mut numbers = word.splitn(3, ['-', '/']);
    let (month, day, year) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?, numbers.next()?);
    let number: i32 = year.parse().ok()?;
    let year = match year.len() {
        4 => number,
        2 if number < 70 => 2000 + number,
        2 => 1900 + number,
        _ => return None,
    };
    NaiveDate::from_ymd_opt(year, month, day)
}

/// `03:19PM` or `15:19`.
fn windows_clock(word: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(word, "%I:%M%p").ok().or_else(|| clock(word))
}

/// Converts a time to a date and time in UTC.
pub(super) fn date_time(moment: SystemTime) -> NaiveDateTime {
    chrono::DateTime::<chrono::Utc>::from(moment).naive_utc()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::{Line, date_time, parse};
    use crate::storage::ftp::time;
    use crate::storage::transfer_storage::{Entry, EntryKind, Metadata};

    /// 5 March 2024, noon.
    fn now() -> SystemTime {
        time::parse("20240305120000").expect("a time")
    }

    fn entry(name: &str, kind: EntryKind, size: u64, modified: &str, mode: Option<u32>) -> Line {
        let metadata = Metadata { kind, size, modified: Some(time::parse(modified).expect("a time")), mode };
        Line::Entry(Entry { name: name.as_bytes().to_vec(), metadata })
    }

    fn read(line: &str, expected: &Line) {
        assert_eq!(parse(line.as_bytes(), date_time(now())).as_ref(), Some(expected), "{line}");
    }

    #[test]
    fn lines_of_servers_on_unix_are_read() {
        let file = |name, size, modified| entry(name, EntryKind::File, size, modified, Some(0o644));
        read("-rw-r--r--    1 0        0          300000 Nov 29 16:01 x1", &file("x1", 300_000, "20231129160100"));
        read(
            "-rw-r--r--    1 65534      nogroup        300000 Mar  5 11:59 x0",
            &file("x0", 300_000, "20240305115900"),
        );
        read("-rw-r--r--    1 0        0               0 Jan 01  2020 old", &file("old", 0, "20200101000000"));
        read("-rw-r--r--   1 user         1234 Nov  5 13:46 no group", &file("no group", 1234, "20231105134600"));
        read("-rw-r--r--+  1 Domain Users staff 7 Nov  5 13:46 acl", &file("acl", 7, "20231105134600"));
        read("-rw-r--r--   1 user group  1234  5 Nov  2022 day first", &file("day first", 1234, "20221105000000"));
        read("-rw-r--r--   1 user group  1234 2022-11-05 13:46 long-iso", &file("long-iso", 1234, "20221105134600"));
        read(
            "-rw-r--r--   1 user group  1234 Nov  5 13:46  two  spaces ",
            &file(" two  spaces ", 1234, "20231105134600"),
        );
        read(
            "-rw-r--r--   1 user group  1234 Nov  5 13:46 12 Jan 5 10:00 x",
            &file("12 Jan 5 10:00 x", 1234, "20231105134600"),
        );
        read("-rw-r--r--   1 ftp ftp 5368709120 Feb 29 10:00 big", &file("big", 5_368_709_120, "20240229100000"));
        let folder = |name, mode| entry(name, EntryKind::Folder, 4096, "20231129160100", Some(mode));
        read("drwxr-xr-x    2 0        0            4096 Nov 29 16:01 a dir", &folder("a dir", 0o755));
        read("drwxrwsr-t    2 0        0            4096 Nov 29 16:01 sticky", &folder("sticky", 0o3775));
        let special = entry("null", EntryKind::Special, 0, "20231129160100", Some(0o666));
        read("crw-rw-rw-    1 0        0          1,   3 Nov 29 16:01 null", &special);
    }

    #[test]
    fn the_name_of_a_link_ends_where_its_target_begins() {
        let link = |name, size| entry(name, EntryKind::Link, size, "20231129160100", Some(0o777));
        read("lrwxrwxrwx    1 0        0               2 Nov 29 16:01 link -> x0", &link("link", 2));
        read("lrwxrwxrwx    1 0        0               2 Nov 29 16:01 a -> b -> x0", &link("a -> b", 2));
        read("lrwxrwxrwx    1 0        0               7 Nov 29 16:01 a -> b -> x0", &link("a", 7));
        read("lrwxrwxrwx    1 0        0               9 Nov 29 16:01 bare", &link("bare", 9));
    }

    #[test]
    fn a_date_without_a_year_is_the_latest_that_is_not_in_the_future() {
        for (date, expected) in [
            ("Mar  5 12:00", "20240305120000"),
            ("Mar  6 11:00", "20240306110000"),
            ("Mar  7 11:00", "20230307110000"),
            ("Dec 31 23:59", "20231231235900"),
            ("Feb 29 00:00", "20240229000000"),
        ] {
            let expected = entry("a", EntryKind::File, 1, expected, Some(0o600));
            read(&format!("-rw-------   1 user group  1 {date} a"), &expected);
        }
        let new_year = time::parse("20231231233000").expect("a time");
        let line = parse(b"-rw-------   1 user group  1 Jan  1 00:20 a", date_time(new_year));
        assert_eq!(line, Some(entry("a", EntryKind::File, 1, "20240101002000", Some(0o600))));
    }

    #[test]
    fn lines_of_servers_on_windows_are_read() {
        let file = |name, size, modified| entry(name, EntryKind::File, size, modified, None);
        let folder = |name, modified| entry(name, EntryKind::Folder, 0, modified, None);
        read("10-19-20  03:19PM       <DIR>          pub", &folder("pub", "20201019151900"));
        read("10-19-2020  12:00AM       <DIR>          two words", &folder("two words", "20201019000000"));
        read("04-08-14  03:09PM                  403 readme.txt", &file("readme.txt", 403, "20140408150900"));
        read(
            "04-08-98  12:30PM            1,234,567  leading space",
            &file(" leading space", 1_234_567, "19980408123000"),
        );
        read("04-08-2014  15:09                  403 a", &file("a", 403, "20140408150900"));
        let link = entry("x", EntryKind::Link, 0, "20140408150900", None);
        read("04-08-14  03:09PM       <JUNCTION>     x", &link);
    }

    #[test]
    fn totals_and_the_folder_itself_are_no_entries() {
        for line in [
            "",
            "total 0",
            "total 123456",
            "drwxr-xr-x 2 0 0 4096 Nov 29 16:01 .",
            "drwxr-xr-x 2 0 0 4096 Nov 29 16:01 ..",
        ] {
            read(line, &Line::Nothing);
        }
    }

    #[test]
    fn bytes_of_names_are_kept() {
        let line = parse(b"-rw-r--r-- 1 0 0 1 Nov 29 16:01 caf\xe9 \xff", date_time(now()));
        assert!(matches!(line, Some(Line::Entry(entry)) if entry.name == b"caf\xe9 \xff"));
    }

    #[test]
    fn a_line_that_is_no_entry_is_not_guessed_at() {
        for line in [
            "hello",
            "total lines",
            "-rw-r--r-- 1 0 0 1 Nov 29 16:01",
            "-rw-r--r-- 1 0 0 1 Nov 29 16:01 ",
            "-rw-r--r-- 1 0 0 x Nov 29 16:01 a",
            "-rw-r--r-- 1 0 0 1 Nov 31 16:01 a",
            "-rw-r--r-- 1 0 0 1 Nov 29 16:01 a/b",
            "-rw-q--r-- 1 0 0 1 Nov 29 16:01 a",
            "13-19-20  03:19PM       <DIR>          pub",
            "10-19-20  03:19PM       <NONE>         pub",
        ] {
            assert_eq!(parse(line.as_bytes(), date_time(now())), None, "{line}");
        }
    }
}
