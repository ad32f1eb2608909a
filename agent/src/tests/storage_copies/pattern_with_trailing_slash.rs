//! Patterns as sources of copies through storages.

use super::Copy;
use crate::tests::memory_storage::MemoryStorage;

#[test]
fn a_pattern_with_a_slash_at_its_end_is_refused() -> anyhow::Result<()> {
    let (source, target) = (MemoryStorage::new(false), MemoryStorage::new(true));
    source.put("out/a.csv", b"text");
    source.put("out/folder/b", b"text");
    for from in ["out/*/", "out/*.csv/"] {
        let outcome = Copy::new(&source, &target, (from, "in"))?.run();
        let error = outcome.map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(error.contains("a pattern selects files, never folders"), "{from}: {error}");
    }
    assert!(target.files().is_empty());

    // A folder whose name is the pattern itself is that folder.
    source.put("out/*/c", b"text");
    Copy::new(&source, &target, ("out/*/", "in"))?.run()?;
    assert_eq!(target.files(), ["in/c"]);
    Ok(())
}
