//! Totals of the fleet: get, subscribe. Also gets the time of the server's clock.

use cynic::{QueryBuilder, SubscriptionBuilder};

use super::{Request, schema};
use crate::time::Instant;

/// Totals of all agents and transfers that the user may see.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Fleet {
    pub(crate) agents: AgentCounts,
    pub(crate) transfers: TransferCounts,
    pub(crate) bytes_per_second: f64,
    pub(crate) failures_in_last_day: i32,
}

/// The number of agents by status.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct AgentCounts {
    pub(crate) online: i32,
    pub(crate) busy: i32,
    pub(crate) error: i32,
    pub(crate) offline: i32,
    pub(crate) total: i32,
}

/// The number of transfers by status.
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

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
struct WatchFleet {
    #[arguments(throttleMs: 500)]
    fleet_updated: FleetUpdate,
}

#[derive(cynic::QueryFragment)]
struct FleetUpdate {
    fleet: Option<Fleet>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetServerTime {
    fleet: ServerTime,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Fleet")]
struct ServerTime {
    at: Instant,
}

/// Gets the current totals.
pub(crate) fn get() -> Request<Fleet> {
    Request::new(&GetFleet::build(()), |found| Ok(found.fleet))
}

/// Subscribes to the totals. An update is the latest totals; `None` means that updates may have been missed.
pub(crate) fn watch() -> Request<Option<Fleet>> {
    Request::stream(&WatchFleet::build(()), |frame| frame.fleet_updated.fleet)
}

/// Gets the current time of the server's clock.
pub(crate) fn server_time() -> Request<Instant> {
    Request::new(&GetServerTime::build(()), |found| Ok(found.fleet.at))
}
