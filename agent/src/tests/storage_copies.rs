//! Copies through storages, between two storages in memory that fail where a test wants it.

mod after_success;
mod interruptions;
mod pattern_with_trailing_slash;

use std::sync::Arc;
use std::time::Duration;

use mftplus_protocol::backoff::Backoff;
use mftplus_protocol::wire::Protocol;
use tempfile::TempDir;
use uuid::Uuid;

use super::memory_storage::{MemoryStorage, Node};
use super::test_bytes;
use crate::server::wire::{Direction, PartOf};
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::open::{End, Opened};
use crate::storage::part_name::name_of_bytes;
use crate::storage::storage_path::StoragePath;
use crate::transfer::claimed_state_files::{Claim, TransferStore};
use crate::transfer::control::Control;
use crate::transfer::copy_rules::{AfterSuccess, CopyRules, OnExists, OnFileError, Preserve, SymlinkRule};
use crate::transfer::error::CopyError;
use crate::transfer::state::{CopyOptions, CopyResult, Phase, StreamState, TransferState, Verify};
use crate::transfer::storage_copy;

/// A copy that can be run again, as after a restart of the agent.
struct Copy {
    _dir: TempDir,
    claim: Claim,
    source: MemoryStorage,
    target: MemoryStorage,
    paths: (String, String),
    is_direct: bool,
}

impl Copy {
    fn new(source: &MemoryStorage, target: &MemoryStorage, paths: (&str, &str)) -> anyhow::Result<Self> {
        Self::with_rules(source, target, paths, CopyRules::default())
    }

    fn with_rules(
        source: &MemoryStorage,
        target: &MemoryStorage,
        (from, to): (&str, &str),
        rules: CopyRules,
    ) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let id = Uuid::new_v4();
        let state = TransferState {
            id: Some(id),
            idempotency_key: id,
            source: from.to_owned(),
            destination: to.to_owned(),
            direction: Direction::Pull,
            size: 0,
            attempt: 1,
            options: CopyOptions { verify: Verify::Sha256, ..CopyOptions::default() },
            part_of: PartOf::default(),
            phase: Phase::Copying,
            copied: None,
            report: None,
            stream: Some(StreamState::new(Protocol::Sftp, rules)),
        };
        let claim = TransferStore::open(dir.path())?.adopt(state)?;
        let claim = claim.ok_or_else(|| anyhow::anyhow!("the transfer is claimed"))?;
        let (source, target) = (source.clone(), target.clone());
        Ok(Self { _dir: dir, claim, source, target, paths: (from.to_owned(), to.to_owned()), is_direct: false })
    }

    fn open(&self, end: End) -> Result<Opened, StorageError> {
        let (storage, path) = match end {
            End::Source => (&self.source, &self.paths.0),
            End::Destination => (&self.target, &self.paths.1),
        };
        Ok(Opened {
            storage: Arc::new(storage.clone()),
            path: StoragePath::new(path.as_bytes())?,
            root: b"/".to_vec(),
            may_be_pattern: path.contains('*'),
            is_folder: path.ends_with('/'),
            is_link: false,
            uploads_directly: self.is_direct && end == End::Destination,
        })
    }

    fn run(&mut self) -> Result<CopyResult, CopyError> {
        self.run_with(&Control::new(Uuid::new_v4(), 1, 0, true))
    }

    fn run_with(&mut self, control: &Control) -> Result<CopyResult, CopyError> {
        let sides = Self::opener(self);
        let stream = self.claim.state.stream.clone().unwrap_or_else(|| unreachable!("it has one"));
        let backoff = Backoff::doubling(Duration::from_millis(1), Duration::from_millis(1));
        storage_copy::run(&mut self.claim, stream, &sides, backoff, control)
    }

    /// The part of a file of this name, beside the destination.
    fn part(&self, name: &[u8]) -> anyhow::Result<StoragePath> {
        let tag = self.claim.state.stream.as_ref().and_then(|stream| stream.part_tag.as_deref());
        Ok(StoragePath::new(&name_of_bytes(name, tag))?)
    }

    fn discard(&self) -> Result<(), CopyError> {
        let stream = self.claim.state.stream.clone().unwrap_or_else(|| unreachable!("it has one"));
        storage_copy::discard(&self.claim, &stream, &Self::opener(self))
    }

    /// Opens the ends without borrowing the claim.
    fn opener(&self) -> impl Fn(End) -> Result<Opened, StorageError> + use<> {
        let (source, destination) = (self.open(End::Source), self.open(End::Destination));
        move |end| match end {
            End::Source => source.clone(),
            End::Destination => destination.clone(),
        }
    }
}

/// A folder with files in two folders, an empty folder and a link.
fn tree(storage: &MemoryStorage) -> [(&'static str, Vec<u8>); 3] {
    let files = [("out/a", test_bytes(200_000)), ("out/b", Vec::new()), ("out/in/c", test_bytes(10))];
    for (path, bytes) in &files {
        storage.put(path, bytes);
    }
    let path = |path: &[u8]| StoragePath::new(path).unwrap_or_default();
    storage.lock().nodes.insert(path(b"out/empty"), Node::Folder);
    storage.lock().nodes.insert(path(b"out/link"), Node::Link(b"a".to_vec()));
    files
}

#[test]
fn whatever_call_fails_a_copy_is_complete_or_leaves_nothing() -> anyhow::Result<()> {
    for kind in [StorageErrorKind::Disconnected, StorageErrorKind::Other] {
        for (is_local, has_folder) in [(true, false), (false, true)] {
            for fails_at_source in [true, false] {
                let mut call = 0;
                loop {
                    let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(is_local));
                    let files = tree(&source);
                    if has_folder {
                        target.put("to/a", b"before");
                    }
                    let failing = if fails_at_source { &source } else { &target };
                    failing.lock().failure = Some((call, kind));
                    let mut copy = Copy::new(&source, &target, ("out", "to"))?;
                    let result = copy.run();
                    let was_reached = failing.lock().calls > call;
                    let context = format!("{kind:?}, call {call}, source {fails_at_source}, folder {has_folder}");
                    if result.is_err() {
                        assert!(was_reached && kind == StorageErrorKind::Other, "{context}: {result:?}");
                        failing.lock().failure = None;
                        copy.discard()?;
                    }
                    for (path, bytes) in &files {
                        let published = target.get(&path.replacen("out", "to", 1));
                        let is_old = published.as_deref() == Some(b"before");
                        let is_right = published.as_ref() == Some(bytes);
                        assert!(is_right || result.is_err() && (published.is_none() || is_old), "{context}: {path}");
                    }
                    assert!(target.files().iter().all(|path| !path.contains(".mftplus-part")), "{context}");
                    assert!(call < 2000, "the calls do not end");
                    if !was_reached {
                        assert!(result.is_ok(), "{context}: {result:?}");
                        break;
                    }
                    call += 1;
                }
                assert!(call > 10, "few calls were tried");
            }
        }
    }
    Ok(())
}

#[test]
fn a_local_part_is_continued_after_a_lost_connection() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
    source.put("big", &test_bytes(5_000_000));
    // A call in the middle of the file.
    source.lock().failure = Some((30, StorageErrorKind::Disconnected));
    let mut copy = Copy::new(&source, &target, ("big", "copy"))?;
    let control = Control::new(Uuid::new_v4(), 1, 0, true);
    copy.run_with(&control)?;
    assert!(target.get("copy") == source.get("big"));
    let writes = target.lock().writes.clone();
    assert!(writes.len() == 2 && writes[0] == 0 && writes[1] > 1_000_000, "{writes:?}");
    assert_eq!((control.copied(), control.progress().percent), (5_000_000, 100.0));
    assert!(control.note().is_some_and(|note| note.contains("attempt 1 was interrupted")));
    Ok(())
}

#[test]
fn a_stopped_copy_is_continued_by_the_next_process() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
    source.put("big", &test_bytes(5_000_000));
    source.lock().failure = Some((30, StorageErrorKind::Stopped));
    let mut copy = Copy::new(&source, &target, ("big", "copy"))?;
    assert!(matches!(copy.run(), Err(CopyError::Stopped)) && target.get("copy").is_none());
    copy.run()?;
    assert!(target.get("copy") == source.get("big") && target.lock().writes[1] > 1_000_000);
    Ok(())
}

#[test]
fn a_remote_part_is_read_back_before_it_is_continued() -> anyhow::Result<()> {
    for is_damaged in [false, true] {
        let (source, target) = (MemoryStorage::new(true), MemoryStorage::new(false));
        source.put("big", &test_bytes(5_000_000));
        target.lock().failure = Some((40, StorageErrorKind::Stopped));
        let mut copy = Copy::new(&source, &target, ("big", "copy"))?;
        assert!(matches!(copy.run(), Err(CopyError::Stopped)));
        let part = copy.part(b"copy")?;
        if is_damaged && let Some(Node::File { bytes, .. }) = target.lock().nodes.get_mut(&part) {
            bytes[1000] ^= 1;
        }
        copy.run()?;
        assert!(target.get("copy") == source.get("big"));
        let again = target.lock().writes[1];
        assert_eq!(again == 0, is_damaged, "{again}");
    }
    Ok(())
}

#[test]
fn a_source_that_changes_is_never_mixed() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
    source.put("big", &test_bytes(5_000_000));
    source.lock().touched_while_read = Some(StoragePath::new(b"big")?);
    let mut copy = Copy::new(&source, &target, ("big", "copy"))?;
    assert!(matches!(copy.run(), Err(CopyError::Changed(_))));
    assert_eq!(target.files(), Vec::<String>::new());

    // It changes between two attempts: then the part is of another file.
    let calls = source.lock().calls;
    source.lock().failure = Some((calls + 30, StorageErrorKind::Stopped));
    assert!(matches!(copy.run(), Err(CopyError::Stopped)));
    source.put("big", &vec![7; 4_999_999]);
    copy.run()?;
    assert!(target.get("copy") == source.get("big"));
    assert_eq!(target.lock().writes, [0, 0, 0]);
    Ok(())
}

#[test]
fn an_existing_file_is_treated_by_the_rule() -> anyhow::Result<()> {
    for (on_exists, old, new) in [
        (OnExists::Overwrite, "new", None),
        (OnExists::Skip, "old", None),
        (OnExists::Rename, "old", Some("new")),
        (OnExists::Fail, "old", None),
    ] {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        source.put("a.csv", b"new");
        target.put("in/a.csv", b"old");
        let rules = CopyRules { on_exists, ..CopyRules::default() };
        let mut copy = Copy::with_rules(&source, &target, ("a.csv", "in/"), rules)?;
        let result = copy.run();
        assert_eq!(matches!(result, Err(CopyError::Exists(_))), on_exists == OnExists::Fail, "{result:?}");
        assert_eq!(target.get("in/a.csv").as_deref(), Some(old.as_bytes()), "{on_exists:?}");
        assert_eq!(target.get("in/a (1).csv").as_deref(), new.map(str::as_bytes), "{on_exists:?}");
        assert_eq!(target.files().len(), 1 + usize::from(new.is_some()));
    }
    Ok(())
}

#[test]
fn a_folder_with_a_bad_file_is_published_only_if_the_rule_says_so() -> anyhow::Result<()> {
    for on_file_error in [OnFileError::Fail, OnFileError::Skip] {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        tree(&source);
        let rules = CopyRules { on_file_error, symlinks: SymlinkRule::Fail, ..CopyRules::default() };
        let mut copy = Copy::with_rules(&source, &target, ("out", "to"), rules)?;
        let result = copy.run();
        if on_file_error == OnFileError::Fail {
            let error = result.map_err(|error| error.to_string()).err().unwrap_or_default();
            assert!(error.contains("out/link`: it is a symbolic link"), "{error}");
            copy.discard()?;
            assert_eq!(target.files(), Vec::<String>::new());
        } else {
            let copied = result?;
            let warning = copied.warning.unwrap_or_default();
            assert!(copied.bytes == 200_010 && warning.contains("skip` says (1): cannot"), "{warning}");
            assert_eq!(target.files(), ["to/a", "to/b", "to/in/c"]);
        }
    }
    Ok(())
}

#[test]
fn only_files_that_were_copied_are_deleted_or_moved() -> anyhow::Result<()> {
    for (after_success, left) in [
        (AfterSuccess::Delete, vec!["out/b.csv", "out/c.txt"]),
        (AfterSuccess::MoveTo("done".to_owned()), vec!["out/b.csv", "out/c.txt", "out/done/a.csv"]),
        (AfterSuccess::MoveTo("/done".to_owned()), vec!["done/a.csv", "out/b.csv", "out/c.txt"]),
    ] {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        for path in ["out/a.csv", "out/b.csv", "out/c.txt"] {
            source.put(path, path.as_bytes());
        }
        // One file is skipped, so its source stays.
        target.put("in/b.csv", b"as before");
        let rules = CopyRules { after_success, on_exists: OnExists::Skip, ..CopyRules::default() };
        let mut copy = Copy::with_rules(&source, &target, ("out/*.csv", "in"), rules)?;
        copy.run()?;
        assert_eq!(target.files(), ["in/a.csv", "in/b.csv"]);
        assert_eq!(source.files(), left);
    }
    Ok(())
}

#[test]
fn a_restart_finishes_what_was_verified_without_copying_again() -> anyhow::Result<()> {
    let mut verified = 0;
    for fails_at_source in [true, false] {
        for call in 0.. {
            let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
            source.put("out/a", b"one");
            source.put("out/b", b"two");
            target.put("to/other", b"kept");
            let rules = CopyRules { after_success: AfterSuccess::Delete, ..CopyRules::default() };
            let mut copy = Copy::with_rules(&source, &target, ("out", "to"), rules)?;
            let failing = if fails_at_source { &source } else { &target };
            failing.lock().failure = Some((call, StorageErrorKind::Stopped));
            let first = copy.run();
            let writes = target.lock().writes.len();
            if first.is_err() && copy.claim.state.phase == Phase::Publishing {
                verified += 1;
                copy.run()?;
                assert_eq!(target.lock().writes.len(), writes, "call {call}");
            } else if first.is_err() {
                copy.run()?;
            }
            assert_eq!(target.files(), ["to/a", "to/b", "to/other"], "call {call}");
            assert_eq!(source.files(), Vec::<String>::new(), "call {call}");
            if first.is_ok() && failing.lock().calls <= call {
                break;
            }
            assert!(call < 500, "the calls do not end");
        }
    }
    assert!(verified > 4, "few calls came after the verification");
    Ok(())
}

#[test]
fn what_another_copy_has_left_in_the_part_folder_is_not_published() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
    let files = tree(&source);
    target.put("to.mftplus-part/stale", b"of another copy");
    Copy::new(&source, &target, ("out", "to"))?.run()?;
    assert_eq!(target.files(), ["to/a", "to/b", "to/in/c", "to/link"]);
    assert_eq!(target.get("to/a").as_ref(), Some(&files[0].1));
    Ok(())
}

#[test]
fn a_name_that_the_destination_cannot_hold_is_refused_before_anything_is_written() -> anyhow::Result<()> {
    let source = MemoryStorage::new(true);
    source.put("out/fine", b"1");
    source.put("out/two\nlines", b"2");
    let target = MemoryStorage::new(false).with(|capabilities| capabilities.control_characters = false);
    let mut copy = Copy::new(&source, &target, ("out", "to"))?;
    let error = copy.run().map_err(|error| error.to_string()).err().unwrap_or_default();
    assert!(error.contains("two%0Alines` has a name with a control character"), "{error}");
    assert!(target.lock().nodes.is_empty());
    Ok(())
}

#[test]
fn a_drop_box_gets_its_files_under_their_final_names_and_attributes_are_kept_where_asked() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(true), MemoryStorage::new(false));
    source.put("a", b"text");
    let rules = CopyRules { preserve: Some(Preserve { times: true, modes: true }), ..CopyRules::default() };
    let mut copy = Copy::with_rules(&source, &target, ("a", "box/a"), rules)?;
    copy.is_direct = true;
    copy.run()?;
    let path = |path: &[u8]| StoragePath::new(path).unwrap_or_default();
    assert_eq!(target.lock().nodes.get(&path(b"box/a")), source.lock().nodes.get(&path(b"a")));
    assert_eq!(target.lock().writes, [0]);
    Ok(())
}

#[test]
fn no_file_of_a_server_runs_with_the_rights_of_its_owner() -> anyhow::Result<()> {
    for (is_local, expected) in [(true, 0o4755), (false, 0o755)] {
        let (source, target) = (MemoryStorage::new(is_local), MemoryStorage::new(true));
        source.put("a", b"text");
        let path = |path: &[u8]| StoragePath::new(path).unwrap_or_default();
        if let Some(Node::File { mode, .. }) = source.lock().nodes.get_mut(&path(b"a")) {
            *mode = 0o4755;
        }
        let rules = CopyRules { preserve: Some(Preserve { times: false, modes: true }), ..CopyRules::default() };
        Copy::with_rules(&source, &target, ("a", "copy"), rules)?.run()?;
        let copied = target.lock().nodes.get(&path(b"copy")).cloned();
        assert!(matches!(copied, Some(Node::File { mode, .. }) if mode == expected), "{copied:?}");
    }
    Ok(())
}
