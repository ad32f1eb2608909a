//! What becomes of the sources of copies through storages.

use super::Copy;
use crate::storage::error::StorageErrorKind;
use crate::storage::storage_path::StoragePath;
use crate::tests::memory_storage::{MemoryStorage, Node};
use crate::transfer::copy_rules::{AfterSuccess, CopyRules};
use crate::transfer::error::CopyError;
use crate::transfer::state::Verify;

#[test]
fn a_source_is_kept_if_a_drop_box_does_not_show_its_copy_to_compare_it() -> anyhow::Result<()> {
    // Without verification, the word of the server is enough.
    for (verify, left) in [(Verify::Sha256, vec!["a"]), (Verify::None, Vec::new())] {
        let (source, target) = (MemoryStorage::new(true), MemoryStorage::new(false));
        source.put("a", b"text");
        target.lock().refuses_reads = true;
        let rules = CopyRules { after_success: AfterSuccess::Delete, ..CopyRules::default() };
        let mut copy = Copy::with_rules(&source, &target, ("a", "box/a"), rules)?;
        copy.claim.state.options.verify = verify;
        copy.is_direct = true;
        copy.run()?;
        assert_eq!(target.get("box/a").as_deref(), Some(&b"text"[..]), "{verify:?}");
        assert_eq!(source.files(), left, "{verify:?}");
    }
    Ok(())
}

#[test]
fn a_link_of_a_server_that_is_the_source_is_followed_and_left_alone() -> anyhow::Result<()> {
    for after_success in [AfterSuccess::Delete, AfterSuccess::MoveTo("done".to_owned())] {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        source.put("out/file", b"text");
        source.lock().nodes.insert(StoragePath::new(b"out/link")?, Node::Link(b"file".to_vec()));
        let rules = CopyRules { after_success, ..CopyRules::default() };
        Copy::with_rules(&source, &target, ("out/link", "copy"), rules)?.run()?;
        assert_eq!(target.get("copy").as_deref(), Some(&b"text"[..]));
        assert_eq!(source.files(), ["out/file", "out/link"]);
    }
    Ok(())
}

#[test]
fn what_was_moved_to_a_folder_inside_the_source_is_not_copied_again() -> anyhow::Result<()> {
    for folder in ["done", "/out/done/"] {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        let rules = || CopyRules { after_success: AfterSuccess::MoveTo(folder.to_owned()), ..CopyRules::default() };
        source.put("out/in/a", b"one");
        Copy::with_rules(&source, &target, ("out", "to"), rules())?.run()?;
        assert_eq!(source.files(), ["out/done/in/a"], "{folder}");
        source.put("out/b", b"two");
        Copy::with_rules(&source, &target, ("out", "to"), rules())?.run()?;
        assert_eq!(source.files(), ["out/done/b", "out/done/in/a"], "{folder}");
        assert_eq!(target.files(), ["to/b", "to/in/a"], "{folder}");
    }
    Ok(())
}

#[test]
fn whatever_fails_once_the_copy_is_complete_says_so() -> anyhow::Result<()> {
    let mut kept = 0;
    for call in 0..500 {
        let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
        source.put("out/file", b"text");
        source.lock().failure = Some((call, StorageErrorKind::Other));
        let rules = CopyRules { after_success: AfterSuccess::Delete, ..CopyRules::default() };
        let result = Copy::with_rules(&source, &target, ("out/file", "copy"), rules)?.run();
        if source.lock().calls <= call {
            break;
        }
        match result {
            Ok(_) => {}
            Err(CopyError::SourceKept(_)) => {
                assert_eq!(target.get("copy").as_deref(), Some(&b"text"[..]), "call {call}");
                assert_eq!(source.files(), ["out/file"], "call {call}");
                kept += 1;
            }
            Err(error) => assert_eq!(target.get("copy"), None, "call {call}: {error}"),
        }
    }
    assert_eq!(kept, 3, "whether it is a link, whether it has changed, and the removal");
    Ok(())
}
