//! The maximum length of files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rstest::rstest;

/// The maximum number of lines of a file.
const MOST_LINES: usize = 400;

/// The files with this extension in a folder and all folders below it.
pub(super) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.append(&mut files(&path, extension));
        } else if path.extension().is_some_and(|ending| ending == extension) {
            found.push(path);
        }
    }
    found
}

#[rstest]
#[case::agent("agent/src", "rs")]
#[case::browser_specs("e2e/specs", "ts")]
#[case::browser_support("e2e/support", "ts")]
#[case::dashboard("frontend/src", "rs")]
#[case::dashboard_styles("frontend/styles", "css")]
#[case::protocol("protocol/src", "rs")]
#[case::server("backend/src", "rs")]
#[case::server_examples("backend/examples", "rs")]
#[case::server_tests("backend/tests", "rs")]
#[case::tasks("xtask/src", "rs")]
fn no_file_is_long(#[case] folder: &str, #[case] extension: &str) {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), extension);
    assert!(!files.is_empty(), "no {extension} files in {folder}");
    let lines = |file: &PathBuf| fs::read_to_string(file).expect("text").lines().count();
    let long: Vec<&PathBuf> = files.iter().filter(|file| lines(file) > MOST_LINES).collect();
    assert!(long.is_empty(), "more than {MOST_LINES} lines, so split them: {long:?}");
}
