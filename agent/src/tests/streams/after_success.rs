//! What becomes of the sources of copies through storages.

use super::Copy;
use crate::tests::memory_storage::MemoryStorage;
use crate::transfer::rules::{AfterSuccess, CopyRules};
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
