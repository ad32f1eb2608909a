//! The fleet in figures.

use async_graphql::SimpleObject;

use super::Instant;

/// How many agents there are by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, SimpleObject)]
pub struct AgentCounts {
    /// There.
    pub online: i64,
    /// There, and at work.
    pub busy: i64,
    /// There, and in trouble of their own.
    pub error: i64,
    /// Not heard of.
    pub offline: i64,
    /// All of them.
    pub total: i64,
}

/// How many transfers there are by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, SimpleObject)]
pub struct TransferCounts {
    /// Not begun.
    pub queued: i64,
    /// On their way.
    pub running: i64,
    /// All there.
    pub completed: i64,
    /// Ended with an error.
    pub failed: i64,
    /// Ended because somebody wished it.
    pub cancelled: i64,
    /// All of them.
    pub total: i64,
}

/// The fleet in figures.
#[derive(Clone, Copy, Debug, PartialEq, SimpleObject)]
pub struct Fleet {
    /// Agents by status.
    pub agents: AgentCounts,
    /// Transfers by status.
    pub transfers: TransferCounts,
    /// How fast all running transfers go together, in bytes per second; stalled ones count as nothing.
    pub bytes_per_second: f64,
    /// Transfers that failed within the last 24 hours and have not been tried again.
    pub failures_in_last_day: i64,
    /// When these figures were taken.
    pub at: Instant,
}
