//! The text search of a list of transfers, and how it is planned.

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

/// A search for transfers whose text contains a given part, with its plan.
pub(super) struct Text {
    pub(super) search: TextSearch,
    /// The newest matches, at most [`COUNTED_IDS`]; `None` if they were not read, because the plan of an earlier page
    /// is used.
    pub(super) found: Option<Vec<(TransferId,)>>,
    pub(super) plan: TextPlan,
}

/// How the matches are found.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextPlan {
    /// Whether there are so few matches that it is faster to find all matches first and then check the other
    /// conditions.
    pub(super) is_rare: bool,
    /// Whether it is faster to read the matches in the order of the list and to check the other conditions for each,
    /// until the page is full.
    pub(super) is_walked: bool,
}

impl Text {
    /// Reads the newest matches of `part`, and plans the search by their number. `kept` is the number of transfers that
    /// match the published conditions.
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

    /// Prepares a search with the plan of an earlier page. A plan affects the speed of the search and not its result,
    /// so it may be used again although the number of matches has changed.
    pub(super) async fn planned(tx: &mut Tx, part: &str, plan: TextPlan) -> Result<Self> {
        Ok(Self { search: TextSearch::begin(tx, part, contains(part)).await?, found: None, plan })
    }
}
