//! What two versions of a definition differ in.

use crate::model::diff::{Change, Line, lines};

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
    /// All lines of both versions, in order.
    pub lines: Vec<Line>,
}

impl VersionDiff {
    /// What two versions, each with its number, differ in.
    #[must_use]
    pub fn between(from: (i64, &str), to: (i64, &str)) -> Self {
        let lines = lines(from.1, to.1);
        let count = |change| lines.iter().filter(|line| line.change == change).count();
        Self { from: from.0, to: to.0, added: count(Change::Added), removed: count(Change::Removed), lines }
    }
}
