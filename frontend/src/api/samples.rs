//! The samples of a transfer: its speed over time, with its attempts and stalls.

use cynic::QueryBuilder;

use super::{ById, ByIdFields, Request, schema};
use crate::time::Instant;

/// The state of a running transfer at one time.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "TransferSample")]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) attempt: i32,
    /// The speed in bytes per second, as last reported.
    pub(crate) speed: f64,
    pub(crate) stalled: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetSamples {
    #[arguments(id: $id)]
    transfer: Option<SampledTransfer>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Transfer")]
struct SampledTransfer {
    samples: Vec<Sample>,
}

/// Gets the samples of a transfer, oldest first: at most 300. Samples are kept for 30 days.
pub(crate) fn of_transfer(id: &str) -> Request<Vec<Sample>> {
    Request::new(&GetSamples::build(ById::new(id)), |found| {
        Ok(found.transfer.map(|transfer| transfer.samples).unwrap_or_default())
    })
}
