//! The differences between two versions of a definition.

use crate::model::line_diff::{Change, Line, lines};

/// Comparison of two versions of a definition.
#[derive(Clone, Debug, PartialEq, Eq, async_graphql::SimpleObject)]
pub struct VersionDiff {
    /// Number of the first version.
    pub from: i64,
    /// Number of the second version.
    pub to: i64,
    /// Number of lines that only the second version contains.
    pub added: usize,
    /// Number of lines that only the first version contains.
    pub removed: usize,
    /// All lines of both versions, in the order of the texts. Where the versions differ, removed lines come before
    /// added ones.
    pub lines: Vec<Line>,
}

/// A version of a definition: its number and its text.
#[derive(Clone, Copy, Debug)]
pub struct VersionText<'a> {
    /// The number of the version.
    pub version: i64,
    /// The text of the definition.
    pub yaml: &'a str,
}

impl VersionDiff {
    /// Compares two versions.
    #[must_use]
    pub fn between(from: VersionText<'_>, to: VersionText<'_>) -> Self {
        let lines = lines(from.yaml, to.yaml);
        let count = |change| lines.iter().filter(|line| line.change == change).count();
        Self { from: from.version, to: to.version, added: count(Change::Added), removed: count(Change::Removed), lines }
    }
}
