//! The pipeline language as its users see it: the diagnostics of good and bad definitions; whether the served JSON
//! Schema agrees; and the effect of expensive texts.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what a test stands on is there, or the test fails")]

mod expensive_texts;
mod fuzz;
mod messages;
mod plan;
mod random;
mod schema;

use std::{fs, path::Path};

/// A definition in a file.
pub(crate) struct Case {
    /// The folder and the file name without its extension, such as `bad/key-mistyped`.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Case {
    /// Whether the definition has no diagnostics.
    pub(crate) fn is_good(&self) -> bool {
        self.name.starts_with("good/")
    }
}

/// All definitions in files, by name.
pub(crate) fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions");
    let mut cases = Vec::new();
    for folder in ["good", "bad"] {
        for entry in fs::read_dir(root.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            cases.push(Case { name: format!("{folder}/{name}"), text: fs::read_to_string(&path).expect("text") });
        }
    }
    cases.sort_by(|one, other| (other.is_good(), &one.name).cmp(&(one.is_good(), &other.name)));
    assert!(cases.len() >= 60, "the definitions are not where they were");
    cases
}
