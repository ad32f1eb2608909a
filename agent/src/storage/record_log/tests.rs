//! Tests of the log: power failures at every byte, damage, full disks and compaction.

use std::fs;
use std::io;
use std::path::Path;

use super::{MAX_RECORD, Opened, RecordLog, push_line, read_records};

fn lines(records: &[&str]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for record in records {
        push_line(&mut lines, record.as_bytes())?;
    }
    Ok(lines)
}

/// Opens a log; one that is missing or damaged is written again from its valid records, as the journal does it.
fn open(path: &Path) -> io::Result<(RecordLog, Vec<String>)> {
    let Opened { mut log, records, .. } = RecordLog::open(path)?;
    let records: Vec<String> = records.iter().map(|json| String::from_utf8_lossy(json).into_owned()).collect();
    if log.is_incomplete() {
        log.rewrite(&lines(&records.iter().map(String::as_str).collect::<Vec<_>>())?)?;
    }
    Ok((log, records))
}

fn unused() -> io::Result<Vec<u8>> {
    Err(io::Error::other("the content is not needed"))
}

#[test]
fn a_line_is_a_checksum_and_the_json() -> anyhow::Result<()> {
    // The first 16 digits of `printf '{"a":1}' | sha256sum`.
    assert_eq!(lines(&[r#"{"a":1}"#])?, b"015abd7f5cc57a2d {\"a\":1}\n");
    Ok(())
}

#[test]
fn a_write_that_was_cut_at_any_byte_loses_no_earlier_record() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.log");
    let (before, group) = (lines(&["1", "\"two\""])?, lines(&["[3]", "{\"four\":4}"])?);
    let third = lines(&["[3]"])?.len();
    for cut in 0..=group.len() {
        for rest in [&b""[..], &[0; 600]] {
            fs::write(&path, [&before[..], &group[..cut], rest].concat())?;
            let (mut log, records) = open(&path)?;
            let expected = &["1", "\"two\"", "[3]", "{\"four\":4}"];
            let complete = 2 + usize::from(cut >= third) + usize::from(cut == group.len());
            assert_eq!(records, expected[..complete], "cut at {cut}, then {} zeros", rest.len());
            log.append(&lines(&["5"])?, unused)?;
            drop(log);
            assert_eq!(open(&path)?.1, [&expected[..complete], &["5"]].concat(), "cut at {cut}");
            assert!(!dir.path().join("a.log.damaged").exists(), "cut at {cut}");
        }
    }
    Ok(())
}

#[test]
fn a_damaged_line_is_set_aside_and_the_others_are_used() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (path, aside) = (dir.path().join("a.log"), dir.path().join("a.log.damaged"));
    let whole = lines(&["1", "{\"two\":2}", "3"])?;
    let (first, second) = (lines(&["1"])?.len(), lines(&["{\"two\":2}"])?.len());
    for at in first..first + second - 1 {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged)?;
        assert_eq!(read_records(&path)?, [b"1", b"3"], "byte {at}");
        let (mut log, records) = open(&path)?;
        assert_eq!(records, ["1", "3"], "byte {at}");
        assert_eq!(fs::read(&aside)?, damaged[first..first + second], "byte {at}");
        log.append(&lines(&["4"])?, unused)?;
        fs::remove_file(&aside)?;
        assert_eq!(open(&path)?.1, ["1", "3", "4"]);
        assert!(!aside.exists(), "it is set aside once");
    }
    Ok(())
}

#[test]
fn a_file_without_a_valid_line_is_set_aside_as_a_whole() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.log");
    for content in [&b""[..], b"\0\0\0\0", b"{}\n", b"0000000000000000 {}\n"] {
        fs::write(&path, content)?;
        let Opened { log, records, aside } = RecordLog::open(&path)?;
        assert!(log.is_incomplete() && records.is_empty() && !path.exists());
        assert_eq!(fs::read(aside.unwrap_or_default())?, content);
    }
    Ok(())
}

#[test]
fn a_failed_append_leaves_no_record_and_the_next_one_succeeds() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.log");
    let (mut log, _) = open(&path)?;
    log.append(&lines(&["1"])?, unused)?;
    log.fail_next_append()?;
    let error = log.append(&lines(&["2"])?, unused).map_err(|error| error.to_string()).err().unwrap_or_default();
    assert!(error.starts_with(&format!("cannot write {}: ", path.display())), "{error}");
    assert_eq!(read_records(&path)?, [b"1"]);
    // The file is not trusted any more, and is written again.
    assert!(log.is_incomplete());
    log.append(&lines(&["3"])?, || lines(&["1"]))?;
    log.append(&lines(&["4"])?, unused)?;
    assert_eq!(read_records(&path)?, [b"1", b"3", b"4"]);
    Ok(())
}

#[test]
fn a_long_log_is_compacted_once_it_is_twice_its_content() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.log");
    let (mut log, _) = open(&path)?;
    let line = lines(&["1"])?;
    log.compact_from(10 * line.len() as u64);
    for count in 1..=10 {
        log.append(&line, unused)?;
        log.compact(unused)?;
        assert_eq!(read_records(&path)?.len(), count, "it is short");
    }
    let content = lines(&["1"; 8])?;
    for _ in 11..=16 {
        log.append(&line, unused)?;
        log.compact(|| Ok(content.clone()))?;
    }
    assert_eq!(read_records(&path)?.len(), 16, "half of it is in use");
    log.append(&line, unused)?;
    log.compact(|| Ok(content.clone()))?;
    assert_eq!(fs::read(&path)?, content);
    log.append(&lines(&["2"])?, unused)?;
    assert_eq!(read_records(&path)?.len(), 9);
    Ok(())
}

#[test]
fn a_compaction_that_was_interrupted_at_any_step_loses_nothing() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (path, beside) = (dir.path().join("a.log"), dir.path().join("a.log.tmp"));
    let (old, new) = (lines(&["1", "2", "3"])?, lines(&["2", "3"])?);
    // While the new file is written: it has any length, and the old one counts.
    for written in 0..=new.len() {
        fs::write(&path, &old)?;
        fs::write(&beside, &new[..written])?;
        let (mut log, records) = open(&path)?;
        assert_eq!(records, ["1", "2", "3"]);
        log.append(&lines(&["4"])?, unused)?;
        // The next compaction is not disturbed by what is left.
        log.rewrite(&new)?;
        assert_eq!(fs::read(&path)?, new);
        assert!(!beside.exists());
    }
    // After the rename the new one counts.
    fs::write(&path, &old)?;
    fs::write(&beside, &new)?;
    fs::rename(&beside, &path)?;
    assert_eq!(open(&path)?.1, ["2", "3"]);
    Ok(())
}

#[test]
fn a_compaction_that_fails_is_not_repeated_at_once_and_loses_nothing() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (path, beside) = (dir.path().join("a.log"), dir.path().join("a.log.tmp"));
    let (mut log, _) = open(&path)?;
    let line = lines(&["1"])?;
    log.compact_from(line.len() as u64);
    log.append(&lines(&["1", "1"])?, unused)?;
    // A folder cannot be replaced by the new file.
    fs::create_dir(&beside)?;
    assert!(log.compact(|| Ok(Vec::new())).is_err());
    assert!(!log.is_incomplete(), "the old file is used on");
    log.append(&line, unused)?;
    log.compact(unused)?;
    assert_eq!(read_records(&path)?.len(), 3);
    fs::remove_dir(&beside)?;
    log.append(&line, unused)?;
    log.compact(|| Ok(line.clone()))?;
    assert_eq!(fs::read(&path)?, line);
    Ok(())
}

#[test]
fn a_record_that_is_too_large_is_refused() -> anyhow::Result<()> {
    let mut text = lines(&["1"])?;
    let before = text.clone();
    assert!(push_line(&mut text, &vec![b'1'; MAX_RECORD + 1]).is_err());
    assert_eq!(text, before);
    push_line(&mut text, &vec![b'1'; MAX_RECORD])?;
    Ok(())
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_a_log() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a.log");
    open(&path)?;
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    Ok(())
}
