//! The figures of the whole fleet.

use cynic::{QueryBuilder, StreamingOperation, SubscriptionBuilder};

use super::{ApiError, schema};
use crate::session::Session;

/// Figures of all agents and transfers the caller may see.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Fleet {
    pub(crate) agents: AgentCounts,
    pub(crate) transfers: TransferCounts,
    pub(crate) bytes_per_second: f64,
    pub(crate) failures_in_last_day: i32,
}

/// Agents by status.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct AgentCounts {
    pub(crate) online: i32,
    pub(crate) busy: i32,
    pub(crate) error: i32,
    pub(crate) offline: i32,
    pub(crate) total: i32,
}

/// Transfers by status.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct TransferCounts {
    pub(crate) queued: i32,
    pub(crate) running: i32,
    pub(crate) total: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetFleet {
    fleet: Fleet,
}

/// A frame of the stream of figures.
#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
pub(crate) struct WatchFleet {
    #[arguments(throttleMs: 500)]
    fleet_updated: FleetUpdate,
}

#[derive(cynic::QueryFragment)]
struct FleetUpdate {
    fleet: Option<Fleet>,
}

impl WatchFleet {
    /// The latest figures, or nothing when it is time to query again.
    pub(crate) fn into_update(self) -> Option<Fleet> {
        self.fleet_updated.fleet
    }
}

/// The figures now.
pub(crate) async fn get(session: Session) -> Result<Fleet, ApiError> {
    Ok(super::run(session, GetFleet::build(())).await?.fleet)
}

/// The stream of the figures.
pub(crate) fn watch() -> StreamingOperation<WatchFleet, ()> {
    WatchFleet::build(())
}
