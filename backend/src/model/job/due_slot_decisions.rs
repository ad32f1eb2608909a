//! Decides which due slots run, by the rules of the contract for missed and overlapping slots.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::Outcome;
use crate::model::schedule::{CatchUp, Overlap};

/// The maximum number of missed slots that run one by one, and of slots that wait for earlier runs to end.
pub const MAX_CAUGHT_UP: usize = 100;
/// The maximum age of a missed slot that still runs.
const MAX_CATCH_UP_AGE: TimeDelta = TimeDelta::hours(24);
/// A slot that is later than this counts as missed, since no server was running.
const LATE_AFTER: TimeDelta = TimeDelta::minutes(1);

/// The policies of a schedule, and the state of its runs.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// The overlap policy.
    pub overlap: Overlap,
    /// The catch-up policy.
    pub catch_up: CatchUp,
    /// Whether a run is active or about to start.
    pub is_busy: bool,
    /// The number of slots that wait for earlier runs to end.
    pub queued: usize,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// The decision about a slot, or about a range of slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The slot. For a range of slots, the scheduled time of the last slot.
    pub scheduled_for: DateTime<Utc>,
    /// Whether the slot runs.
    pub verdict: Verdict,
    /// The first slot of a range, and the number of slots in the range; `None` for a single slot.
    pub range: Option<(DateTime<Utc>, i64)>,
}

/// Whether a slot runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The slot runs now.
    Run,
    /// The slot runs when earlier runs have ended.
    Queue,
    /// The slot does not run, for the given reason.
    Drop(Outcome, &'static str),
}

const ABSENT: &str = "no server was running";
const LONG_AGO: &str = "no server was running, and the catch-up policy did not run the slot";
const STANDS_IN: &str = "the run of a later slot replaced it";
const AT_WORK: &str = "an earlier run was still active";
const QUEUE_IS_FULL: &str = "too many slots were waiting";

/// Decides for each slot whether it runs. The slots must be in chronological order. Slots of more than 24 hours ago,
/// and slots before the newest 100, do not run; their decisions are combined into ranges.
#[must_use]
pub fn decide(slots: impl Iterator<Item = DateTime<Utc>>, due: Due) -> Vec<Decision> {
    let old = due.now - MAX_CATCH_UP_AGE;
    let mut long_ago = Range::default();
    let mut beyond = Range::default();
    // The newest slots of the last 24 hours, which are decided one by one.
    let mut recent = VecDeque::new();
    for slot in slots {
        if slot < old {
            long_ago.push(slot);
            continue;
        }
        if recent.len() == MAX_CAUGHT_UP {
            beyond.extend(recent.pop_front());
        }
        recent.push_back(slot);
    }
    // One run replaces all missed slots of the last 24 hours.
    let stands_in = due.catch_up == CatchUp::Last;
    if !stands_in {
        long_ago.append(&mut beyond);
    }
    let mut decisions = Vec::with_capacity(recent.len() + 2);
    decisions.extend(long_ago.decision(Outcome::Missed, LONG_AGO));
    decisions.extend(beyond.decision(Outcome::Coalesced, STANDS_IN));
    let newest = recent.back().copied();
    let has_missed = recent.iter().any(|slot| is_late(*slot, due.now)) || !decisions.is_empty();
    let mut state = due;
    for slot in recent {
        let verdict = match due.catch_up {
            CatchUp::Last if has_missed && Some(slot) != newest => Verdict::Drop(Outcome::Coalesced, STANDS_IN),
            CatchUp::Skip if is_late(slot, due.now) => Verdict::Drop(Outcome::Missed, ABSENT),
            // Missed slots that run one by one are queued, since each would make the next one skip otherwise.
            CatchUp::All if has_missed && due.overlap == Overlap::Skip => state.admit(Overlap::Queue),
            _ => state.admit(due.overlap),
        };
        decisions.push(Decision { scheduled_for: slot, verdict, range: None });
    }
    decisions
}

fn is_late(slot: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - slot > LATE_AFTER
}

impl Due {
    /// Decides one slot by the overlap policy, and updates the state for the next one.
    fn admit(&mut self, overlap: Overlap) -> Verdict {
        let is_free = !self.is_busy && self.queued == 0;
        match overlap {
            Overlap::Allow => Verdict::Run,
            _ if is_free => {
                self.is_busy = true;
                Verdict::Run
            }
            Overlap::Queue if self.queued < MAX_CAUGHT_UP => {
                self.queued += 1;
                Verdict::Queue
            }
            Overlap::Queue => Verdict::Drop(Outcome::Skipped, QUEUE_IS_FULL),
            Overlap::Skip => Verdict::Drop(Outcome::Skipped, AT_WORK),
        }
    }
}

/// Consecutive slots with the same decision, which are stored as one row.
#[derive(Debug, Default)]
struct Range(Option<(DateTime<Utc>, DateTime<Utc>, i64)>);

impl Range {
    fn push(&mut self, slot: DateTime<Utc>) {
        self.0 = Some(self.0.map_or((slot, slot, 1), |(from, _, count)| (from, slot, count + 1)));
    }

    fn extend(&mut self, slot: Option<DateTime<Utc>>) {
        if let Some(slot) = slot {
            self.push(slot);
        }
    }

    /// Appends a later range, and leaves that range empty.
    fn append(&mut self, later: &mut Self) {
        self.0 = match (self.0, later.0.take()) {
            (Some((from, _, count)), Some((_, to, more))) => Some((from, to, count + more)),
            (one, other) => one.or(other),
        };
    }

    fn decision(self, outcome: Outcome, reason: &'static str) -> Option<Decision> {
        let (from, to, count) = self.0?;
        Some(Decision { scheduled_for: to, verdict: Verdict::Drop(outcome, reason), range: Some((from, count)) })
    }
}

#[cfg(test)]
mod tests;
