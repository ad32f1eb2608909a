//! The code that the server shares with its clients is pure, so that each of them can use it: a browser has no files.

use std::{fs, path::Path};

use super::size::files;

/// The names that pure code must not contain.
const IMPURE: [&str; 8] =
    ["std::env", "std::fs", "std::net", "std::process", "std::thread", "Instant::now", "SystemTime", "RandomState"];

#[test]
fn the_shared_contract_does_no_io() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/src");
    let files = files(&root, "rs");
    assert!(files.len() > 1, "the sources are not where they were");
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        let named: Vec<&&str> = IMPURE.iter().filter(|name| text.contains(**name)).collect();
        assert!(named.is_empty(), "{} names {named:?}", file.display());
    }
}
