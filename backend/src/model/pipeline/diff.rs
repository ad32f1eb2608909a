//! What two versions of a definition differ in.

use crate::model::diff::{Change, Line, lines};

/// Two versions of a definition side by side.
#[derive(Clone, Debug, PartialEq, Eq, async_graphql::SimpleObject)]
pub struct VersionDiff {
    /// The version before.
    pub from: i64,
    /// The version after.
    pub to: i64,
    /// How many lines only the version after has.
    pub added: usize,
    /// How many lines only the version before has.
    pub removed: usize,
    /// All lines of both, in their order.
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
