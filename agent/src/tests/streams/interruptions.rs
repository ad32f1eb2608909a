//! What copies through storages do when something happens between two attempts.

use super::super::memory::MemoryStorage;
use super::Copy;
use crate::storage::error::StorageErrorKind;
use crate::transfer::rules::{AfterSuccess, CopyRules, OnExists};
use crate::transfer::state::Phase;

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
