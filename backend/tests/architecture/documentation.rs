//! Examples in the documentation of the code, and the length of the README.

use std::{fs, path::Path};

use rstest::rstest;

use super::size::files;

/// The label of a block, behind its backticks.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?.trim().strip_prefix("```")
}

/// `cargo xtask test` runs no documentation tests, so a wrong example would not be noticed.
#[rstest]
#[case::agent("agent/src")]
#[case::dashboard("frontend/src")]
#[case::protocol("protocol/src")]
#[case::server("backend/src")]
fn no_example_counts_as_a_test(#[case] folder: &str) {
    let mut tests = Vec::new();
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), "rs") {
        let text = fs::read_to_string(&path).expect("text");
        // Every second fence ends a block.
        let beginnings = text.lines().filter_map(fence).step_by(2);
        tests.extend(beginnings.filter(|label| !["ignore", "text"].contains(label)).map(|_| path.clone()));
    }
    assert!(tests.is_empty(), "write a test instead, or mark the block as `text`: {tests:?}");
}

#[test]
fn the_readme_has_at_most_150_lines() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let lines = fs::read_to_string(path).expect("README.md").lines().count();
    assert!(lines <= 150, "README.md has {lines} lines: move details to a page in docs/");
}
