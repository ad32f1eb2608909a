//! The totals of the fleet.

use async_graphql::SimpleObject;

use super::Instant;

/// Number of agents by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, SimpleObject)]
pub struct AgentCounts {
    /// Agents with the status `ONLINE`.
    pub online: i64,
    /// Agents with the status `BUSY`.
    pub busy: i64,
    /// Agents with the status `ERROR`.
    pub error: i64,
    /// Agents with the status `OFFLINE`.
    pub offline: i64,
    /// All agents.
    pub total: i64,
}

/// Number of transfers by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, SimpleObject)]
pub struct TransferCounts {
    /// Transfers with the status `QUEUED`.
    pub queued: i64,
    /// Transfers with the status `RUNNING`.
    pub running: i64,
    /// Transfers with the status `COMPLETED`.
    pub completed: i64,
    /// Transfers with the status `FAILED`.
    pub failed: i64,
    /// Transfers with the status `CANCELLED`.
    pub cancelled: i64,
    /// All transfers.
    pub total: i64,
}

/// Totals of all agents and transfers that the caller may see.
#[derive(Clone, Copy, Debug, PartialEq, SimpleObject)]
pub struct Fleet {
    /// Number of agents by status.
    pub agents: AgentCounts,
    /// Number of transfers by status.
    pub transfers: TransferCounts,
    /// Speed of all running transfers together, in bytes per second. Stalled transfers count as 0.
    pub bytes_per_second: f64,
    /// Number of transfers that failed in the last 24 hours and have not been retried.
    pub failures_in_last_day: i64,
    /// Time at which the totals were computed.
    pub at: Instant,
}
