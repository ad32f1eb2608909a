//! The search of a list for a part of the texts, and how it is planned.

use super::{COUNTED_IDS, FEW};
use crate::{
    error::Result,
    ids::TransferId,
    model::Total,
    store::{
        agents::contains,
        db::{TextSearch, Tx},
        transfer_counts::{self, Counted},
    },
};

/// The search for a part of the texts.
pub(super) struct Text {
    pub(super) search: TextSearch,
    /// The newest matches, at most [`COUNTED_IDS`]; `None` if the plan was known, so that they were not read.
    pub(super) found: Option<Vec<(TransferId,)>>,
    pub(super) plan: TextPlan,
}

/// How the matches are found.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextPlan {
    /// Whether there are so few matches that it is faster to begin with them.
    pub(super) is_rare: bool,
    /// Whether it is faster to read the matches in their order and to check the other conditions.
    pub(super) is_walked: bool,
}

impl Text {
    /// Reads the newest matches and plans by their number.
    pub(super) async fn find(tx: &mut Tx, part: &str, kept: u64) -> Result<Self> {
        let search = TextSearch::begin(tx, part, contains(part)).await?;
        let newest = search.ordered(search.ids(), false).push_bind(" LIMIT ", COUNTED_IDS);
        let found: Vec<(TransferId,)> = newest.fetch_all(&mut *tx).await?;
        let is_rare = matches!(Total::counted(found.len() as u64), Total::Exactly(_));
        let all = transfer_counts::total(tx, Counted::All, None).await?;
        // With fewer, most matches would be read and then dropped.
        let is_walked = !is_rare && kept > FEW && kept.saturating_mul(4) >= all;
        Ok(Self { search, found: Some(found), plan: TextPlan { is_rare, is_walked } })
    }

    /// The search with the plan of an earlier page. A plan decides how fast the matches are found, not which, so it may
    /// be used again although the number of matches has changed.
    pub(super) async fn planned(tx: &mut Tx, part: &str, plan: TextPlan) -> Result<Self> {
        Ok(Self { search: TextSearch::begin(tx, part, contains(part)).await?, found: None, plan })
    }
}
