//! What copies through storages do when something happens between two attempts.

use super::super::memory_storage::{MemoryStorage, Node};
use super::super::test_bytes;
use super::Copy;
use crate::storage::error::StorageErrorKind;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::TransferStorage as _;
use crate::transfer::copy_rules::{AfterSuccess, CopyRules, OnExists, OnFileError, Preserve};
use crate::transfer::error::CopyError;
use crate::transfer::state::{Phase, Verify};

#[test]
fn a_file_that_appears_during_the_copy_is_skipped_and_its_source_is_left_alone() -> anyhow::Result<()> {
    let mut appeared = 0;
    for call in 0..500 {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        source.put("out/a.csv", b"new");
        target.put("in/other", b"kept");
        let rules =
            CopyRules { after_success: AfterSuccess::Delete, on_exists: OnExists::Skip, ..CopyRules::default() };
        let mut copy = Copy::with_rules(&source, &target, ("out/*.csv", "in"), rules)?;
        target.lock().failure = Some((call, StorageErrorKind::Other));
        let ended = copy.run();
        if target.lock().calls <= call {
            break;
        }
        if ended.is_err() && copy.claim.state.phase == Phase::Publishing && target.get("in/a.csv").is_none() {
            appeared += 1;
            target.put("in/a.csv", b"of somebody else");
            copy.run()?;
            assert_eq!(target.files(), ["in/a.csv", "in/other"], "call {call}");
            assert_eq!(target.get("in/a.csv").as_deref(), Some(&b"of somebody else"[..]), "call {call}");
            assert_eq!(source.files(), ["out/a.csv"], "call {call}");
        }
    }
    assert!(appeared > 0, "no call came between verification and publication");
    Ok(())
}

#[test]
fn files_that_got_other_names_are_not_missed_by_the_next_attempt() -> anyhow::Result<()> {
    for kind in [StorageErrorKind::Stopped, StorageErrorKind::Disconnected] {
        for call in 0.. {
            let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
            for (path, bytes) in [("out/a", "one"), ("out/b", "two")] {
                source.put(path, bytes.as_bytes());
                target.put(&path.replacen("out", "to", 1), b"as before");
            }
            let rules = CopyRules { on_exists: OnExists::Rename, ..CopyRules::default() };
            let mut copy = Copy::with_rules(&source, &target, ("out", "to"), rules)?;
            target.lock().failure = Some((call, kind));
            if copy.run().is_err() {
                copy.run()?;
            }
            assert_eq!(target.files(), ["to/a", "to/a (1)", "to/b", "to/b (1)"], "{kind:?}, call {call}");
            assert_eq!(target.get("to/a (1)").as_deref(), Some(&b"one"[..]), "{kind:?}, call {call}");
            if target.lock().calls <= call {
                break;
            }
            assert!(call < 500, "the calls do not end");
        }
    }
    Ok(())
}

#[test]
fn a_file_that_vanishes_while_it_is_copied_leaves_nothing_in_a_new_folder() -> anyhow::Result<()> {
    let mut halves = 0;
    for is_local in [true, false] {
        for call in 0..500 {
            let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(is_local));
            source.put("out/a", b"one");
            source.put("out/b", &test_bytes(200_000));
            let mut copy = Copy::new(&source, &target, ("out", "to"))?;
            source.lock().failure = Some((call, StorageErrorKind::Stopped));
            if copy.run().is_ok() {
                break;
            }
            if copy.claim.state.phase == Phase::Publishing {
                continue;
            }
            let half = copy.part(b"to")?.join(b"b")?;
            halves += usize::from(target.get(half.to_str().unwrap_or_default()).is_some_and(|bytes| !bytes.is_empty()));
            source.lock().nodes.remove(&StoragePath::new(b"out/b")?);
            copy.run()?;
            assert_eq!(target.files(), ["to/a"], "call {call}");
        }
    }
    assert!(halves > 2, "few calls came in the middle of the file");
    Ok(())
}

#[test]
fn what_vanishes_during_the_copy_is_left_out_by_the_rule_be_it_a_file_or_a_folder() -> anyhow::Result<()> {
    let mut complete = 0;
    for call in 0..500 {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        source.put("out/a", b"one");
        source.put("out/in/b", b"two");
        let preserve = Some(Preserve { times: true, modes: true });
        let rules = CopyRules { on_file_error: OnFileError::Skip, preserve, ..CopyRules::default() };
        let mut copy = Copy::with_rules(&source, &target, ("out", "to"), rules)?;
        source.lock().failure = Some((call, StorageErrorKind::NotFound));
        let ended = copy.run();
        if source.lock().calls <= call {
            ended?;
            break;
        }
        match ended {
            Ok(_) => complete += usize::from(target.files() == ["to/a", "to/in/b"]),
            // Without the folder itself there is nothing to publish.
            Err(error) => assert!(error.to_string().contains("/out`"), "call {call}: {error}"),
        }
    }
    assert!(complete > 0, "no call was about a folder whose files were copied");
    Ok(())
}

#[test]
fn a_folder_in_the_place_of_a_file_fails_this_file_and_no_other() -> anyhow::Result<()> {
    for on_file_error in [OnFileError::Fail, OnFileError::Skip] {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        source.put("out/a", b"one");
        source.put("out/b", b"two");
        target.put("to/a/old", b"kept");
        let rules = CopyRules { on_exists: OnExists::Overwrite, on_file_error, ..CopyRules::default() };
        let mut copy = Copy::with_rules(&source, &target, ("out", "to"), rules)?;
        let ended = copy.run();
        if on_file_error == OnFileError::Fail {
            let error = ended.map_err(|error| error.to_string()).err().unwrap_or_default();
            assert!(error.contains("1 of its entries") && error.contains("/to/a cannot be replaced"), "{error}");
            copy.discard()?;
            assert_eq!(target.files(), ["to/a/old"]);
        } else {
            assert_eq!(ended?.bytes, 3);
            assert_eq!(target.files(), ["to/a/old", "to/b"]);
        }
    }
    Ok(())
}

#[test]
fn a_file_that_was_in_a_drop_box_before_is_removed_only_if_it_was_written_over() -> anyhow::Result<()> {
    for call in 0..100 {
        let (source, target) = (MemoryStorage::new(true), MemoryStorage::new(false));
        source.put("a", b"new");
        target.put("box/a", b"as before");
        let mut copy = Copy::new(&source, &target, ("a", "box/a"))?;
        copy.is_direct = true;
        source.lock().failure = Some((call, StorageErrorKind::PermissionDenied));
        if copy.run().is_ok() {
            assert!(call > 2, "few calls were tried");
            return Ok(());
        }
        copy.discard()?;
        let before = target.lock().writes.is_empty().then(|| b"as before".to_vec());
        assert_eq!(target.get("box/a"), before, "call {call}");
    }
    anyhow::bail!("the calls do not end")
}

#[test]
fn a_server_that_sends_more_than_the_size_of_a_file_is_not_listened_to() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
    source.put("a", b"text");
    source.lock().endless = Some(StoragePath::new(b"a")?);
    let mut copy = Copy::new(&source, &target, ("a", "copy"))?;
    assert!(matches!(copy.run(), Err(CopyError::Changed(_))));
    assert!(target.files().is_empty() && target.lock().calls < 20 && source.lock().calls < 20);
    Ok(())
}

#[test]
fn published_files_may_be_taken_away_before_their_sources_are_deleted() -> anyhow::Result<()> {
    let mut taken = 0;
    for call in 0..500 {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        source.put("out/a", b"one");
        source.put("out/b", b"two");
        target.put("in/other", b"kept");
        let rules = CopyRules { after_success: AfterSuccess::Delete, ..CopyRules::default() };
        let mut copy = Copy::with_rules(&source, &target, ("out", "in"), rules)?;
        source.lock().failure = Some((call, StorageErrorKind::Stopped));
        if copy.run().is_ok() {
            break;
        }
        if copy.claim.state.phase == Phase::Publishing {
            taken += 1;
            for path in ["in/a", "in/b"] {
                let path = StoragePath::new(path.as_bytes())?;
                assert!(target.lock().nodes.remove(&path).is_some(), "call {call}");
            }
            copy.run()?;
            assert_eq!((target.files(), source.files()), (vec!["in/other".to_owned()], Vec::new()), "call {call}");
        }
    }
    assert!(taken > 2, "few calls came after the publication");
    Ok(())
}

/// Runs a copy of `big` to a server until it stops in the middle of the file.
fn stopped_push(source: &MemoryStorage, target: &MemoryStorage, destination: &str) -> anyhow::Result<Copy> {
    let mut copy = Copy::new(source, target, ("big", destination))?;
    target.lock().failure = Some((40, StorageErrorKind::Stopped));
    assert!(matches!(copy.run(), Err(CopyError::Stopped)));
    assert!(target.files().iter().any(|path| path.ends_with(".mftplus-part")), "{:?}", target.files());
    Ok(copy)
}

#[test]
fn copies_to_one_path_of_a_server_have_parts_of_their_own() -> anyhow::Result<()> {
    let (source, other, target) = (MemoryStorage::new(true), MemoryStorage::new(true), MemoryStorage::new(false));
    source.put("big", &test_bytes(5_000_000));
    other.put("big", &vec![7; 5_000_000]);
    let mut copy = stopped_push(&source, &target, "in/")?;
    Copy::new(&other, &target, ("big", "in/big"))?.run()?;
    assert!(target.get("in/big") == other.get("big"));
    copy.run()?;
    assert!(target.get("in/big") == source.get("big"));
    let writes = target.lock().writes.clone();
    assert!(writes.len() == 3 && writes[2] > 1_000_000, "{writes:?}");
    assert_eq!(target.files(), ["in/big"]);
    Ok(())
}

#[test]
fn a_part_under_the_name_that_an_earlier_release_gave_it_is_continued() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(true), MemoryStorage::new(false));
    source.put("big", &test_bytes(5_000_000));
    let mut copy = stopped_push(&source, &target, "copy")?;
    let part = target.lock().nodes.remove(&copy.part(b"copy")?);
    if let Some(stream) = &mut copy.claim.state.stream {
        stream.part_tag = None;
    }
    let earlier = copy.part(b"copy")?;
    assert_eq!(earlier.to_str(), Some("copy.mftplus-part"));
    assert!(matches!(part, Some(Node::File { .. })));
    target.lock().nodes.extend(part.map(|part| (earlier, part)));
    copy.run()?;
    assert!(target.get("copy") == source.get("big") && target.lock().writes[1] > 1_000_000);
    assert_eq!(target.files(), ["copy"]);
    Ok(())
}

#[test]
fn a_part_folder_that_is_gone_is_published_only_if_its_files_are_at_the_destination() -> anyhow::Result<()> {
    let mut gone = 0;
    for is_published in [true, false] {
        for call in 0..500 {
            let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
            source.put("out/a", b"one");
            let rules = CopyRules { after_success: AfterSuccess::Delete, ..CopyRules::default() };
            let mut copy = Copy::with_rules(&source, &target, ("out", "to"), rules)?;
            target.lock().failure = Some((call, StorageErrorKind::Stopped));
            if copy.run().is_ok() {
                break;
            }
            if copy.claim.state.phase != Phase::Publishing || target.get("to/a").is_some() {
                continue;
            }
            gone += 1;
            let part = copy.part(b"to")?;
            if is_published {
                // The answer to this was lost.
                target.rename(&part, &StoragePath::new(b"to")?, false)?;
                copy.run()?;
                assert_eq!((target.files(), source.files()), (vec!["to/a".to_owned()], Vec::new()), "call {call}");
            } else {
                target.remove(&part)?;
                target.put("to/other", b"of another copy");
                assert!(copy.run().is_err(), "call {call}");
                assert_eq!((target.files(), source.files()), (vec!["to/other".to_owned()], vec!["out/a".to_owned()]));
            }
        }
    }
    assert!(gone > 1, "no call came between verification and publication");
    Ok(())
}

#[test]
fn a_part_that_another_program_wrote_to_is_not_published() -> anyhow::Result<()> {
    let mut changed = 0;
    for has_folder in [true, false] {
        for call in 0..500 {
            let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
            source.put("out/a", b"one");
            if has_folder {
                target.put("to/other", b"kept");
            }
            let mut copy = Copy::new(&source, &target, ("out", "to"))?;
            target.lock().failure = Some((call, StorageErrorKind::Stopped));
            if copy.run().is_ok() {
                break;
            }
            if copy.claim.state.phase != Phase::Publishing || target.get("to/a").is_some() {
                continue;
            }
            changed += 1;
            // As many bytes as before.
            let part = target.files().into_iter().find(|path| path.contains(".mftplus-part")).unwrap_or_default();
            target.put(&part, b"two");
            let error = copy.run().map_err(|error| error.to_string()).err().unwrap_or_default();
            assert!(error.contains("is not what this copy has written"), "call {call}: {error}");
            assert_eq!(target.get("to/a"), None, "call {call}");
        }
    }
    assert!(changed > 1, "no call came between verification and publication");
    Ok(())
}

#[test]
fn a_remote_part_that_cannot_be_read_back_is_begun_anew() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(true), MemoryStorage::new(false));
    source.put("big", &test_bytes(5_000_000));
    let mut copy = stopped_push(&source, &target, "copy")?;
    copy.claim.state.options.verify = Verify::None;
    target.lock().refuses_reads = true;
    copy.run()?;
    assert!(target.get("copy") == source.get("big"));
    assert_eq!(target.lock().writes, [0, 0]);
    Ok(())
}

#[test]
fn a_remote_part_that_a_lost_session_has_locked_is_replaced() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(true), MemoryStorage::new(false));
    source.put("big", &test_bytes(5_000_000));
    let mut copy = stopped_push(&source, &target, "copy")?;
    let part = copy.part(b"copy")?;
    target.lock().locked = Some(part);
    copy.run()?;
    assert!(target.get("copy") == source.get("big"));
    assert_eq!(target.lock().writes, [0, 0]);
    Ok(())
}

#[test]
fn a_local_part_that_another_program_wrote_to_is_begun_anew() -> anyhow::Result<()> {
    for is_changed in [false, true] {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        source.put("big", &test_bytes(5_000_000));
        source.lock().failure = Some((30, StorageErrorKind::Stopped));
        let mut copy = Copy::new(&source, &target, ("big", "copy"))?;
        assert!(matches!(copy.run(), Err(CopyError::Stopped)));
        let part = copy.part(b"copy")?;
        if is_changed && let Some(Node::File { bytes, .. }) = target.lock().nodes.get_mut(&part) {
            bytes[1000] ^= 1;
        }
        copy.run()?;
        assert!(target.get("copy") == source.get("big"), "changed {is_changed}");
        let again = target.lock().writes[1];
        assert_eq!(again == 0, is_changed, "{again}");
    }
    Ok(())
}
