//! The numbers of transfers with each status, among those that match a filter.

use cynic::QueryBuilder;

use super::{
    Request, Total, schema,
    transfers::{TransferFilter, TransferStatus},
};

/// How many transfers have each status, and how many are stalled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TransferCounts {
    by_status: [(TransferStatus, Total); 5],
    pub(crate) stalled: Total,
}

impl TransferCounts {
    /// The number of transfers with a status.
    pub(crate) fn of(&self, status: TransferStatus) -> Total {
        self.by_status.iter().find(|(known, _)| *known == status).map_or((0, false), |(_, total)| *total)
    }
}

#[derive(cynic::QueryVariables)]
struct CountVariables {
    queued: TransferFilter,
    running: TransferFilter,
    completed: TransferFilter,
    failed: TransferFilter,
    cancelled: TransferFilter,
    stalled: TransferFilter,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "CountVariables")]
struct CountTransfers {
    #[arguments(filter: $queued, first: 1, page: 1)]
    #[cynic(rename = "transfers", alias)]
    queued: Counted,
    #[arguments(filter: $running, first: 1, page: 1)]
    #[cynic(rename = "transfers", alias)]
    running: Counted,
    #[arguments(filter: $completed, first: 1, page: 1)]
    #[cynic(rename = "transfers", alias)]
    completed: Counted,
    #[arguments(filter: $failed, first: 1, page: 1)]
    #[cynic(rename = "transfers", alias)]
    failed: Counted,
    #[arguments(filter: $cancelled, first: 1, page: 1)]
    #[cynic(rename = "transfers", alias)]
    cancelled: Counted,
    #[arguments(filter: $stalled, first: 1, page: 1)]
    #[cynic(rename = "transfers", alias)]
    stalled: Counted,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "TransferConnection")]
struct Counted {
    total_count: i32,
    total_is_at_least: bool,
}

impl Counted {
    const fn total(&self) -> Total {
        (self.total_count, self.total_is_at_least)
    }
}

/// Counts the transfers that match a filter, for each status. The statuses in the filter are ignored.
pub(crate) fn get(filter: &TransferFilter) -> Request<TransferCounts> {
    let with = |status| TransferFilter { status: Some(vec![status]), ..filter.clone() };
    let variables = CountVariables {
        queued: with(TransferStatus::Queued),
        running: with(TransferStatus::Running),
        completed: with(TransferStatus::Completed),
        failed: with(TransferStatus::Failed),
        cancelled: with(TransferStatus::Cancelled),
        stalled: TransferFilter { status: None, stalled: Some(true), ..filter.clone() },
    };
    Request::new(&CountTransfers::build(variables), |found| {
        let by_status = [
            (TransferStatus::Queued, found.queued.total()),
            (TransferStatus::Running, found.running.total()),
            (TransferStatus::Completed, found.completed.total()),
            (TransferStatus::Failed, found.failed.total()),
            (TransferStatus::Cancelled, found.cancelled.total()),
        ];
        Ok(TransferCounts { by_status, stalled: found.stalled.total() })
    })
}
