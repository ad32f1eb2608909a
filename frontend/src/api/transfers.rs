//! Transfers: list, get, subscribe, cancel, retry.

use cynic::{Id, MutationBuilder, QueryBuilder, SubscriptionBuilder};

use super::{
    ApiError, ById, ByIdFields, ItemResult, Page, Request, customers::CustomerName, scalars::ByteCount, schema,
    schema_enum::schema_enum,
};
use crate::{format::capitalized, time::Instant};

mftplus_protocol::contract_enum!(TransferStatus, schema_enum);
mftplus_protocol::contract_enum!(Direction, schema_enum);
mftplus_protocol::contract_enum!(Protocol, schema_enum);

/// Declares the fragment of a transfer, with its details.
macro_rules! transfer {
    ($($(#[$text:meta])+ $field:ident: $type:ident = $key:literal $rest:tt)+) => {
        /// A transfer without its links to other objects. All operations select the same fields, so that the server can
        /// share results between subscriptions.
        #[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
        pub(crate) struct Transfer {
            pub(crate) id: Id,
            pub(crate) agent_id: Id,
            pub(crate) agent_name: String,
            pub(crate) source: String,
            pub(crate) destination: String,
            pub(crate) protocol: Protocol,
            pub(crate) direction: Direction,
            pub(crate) status: TransferStatus,
            /// The progress from 0 to 100 percent.
            pub(crate) progress: f64,
            pub(crate) bytes_total: ByteCount,
            pub(crate) size_known: bool,
            pub(crate) bytes_transferred: ByteCount,
            /// The speed in bytes per second.
            pub(crate) speed: f64,
            pub(crate) error_message: Option<String>,
            pub(crate) started_at: Option<Instant>,
            pub(crate) completed_at: Option<Instant>,
            pub(crate) created_at: Instant,
            pub(crate) attempt: i32,
            $($(#[$text])+ pub(crate) $field: Option<$type>,)+
            pub(crate) revision: i32,
            pub(crate) eta_seconds: Option<i32>,
            pub(crate) stalled: bool,
            pub(crate) last_progress_at: Option<Instant>,
            pub(crate) cancel_requested_at: Option<Instant>,
            pub(crate) network: Network,
            pub(crate) viewer_can_cancel: bool,
            pub(crate) viewer_can_retry: bool,
        }
    };
}

mftplus_protocol::transfer_details!(transfer);

impl Transfer {
    /// Whether the transfer is queued or running.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.status, TransferStatus::Queued | TransferStatus::Running)
    }

    /// Whether the transfer is running, is not stalled and has no cancel request.
    pub(crate) fn is_progressing(&self) -> bool {
        self.status == TransferStatus::Running && !self.stalled && self.cancel_requested_at.is_none()
    }
}

/// The network measurements of a transfer that its agent has reported.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Network {
    pub(crate) throughput_mbps: Option<f64>,
    pub(crate) latency_ms: Option<f64>,
    pub(crate) packet_loss_percent: Option<f64>,
}

/// The links of a transfer to other objects, for the page of the transfer.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Transfer")]
pub(crate) struct TransferLinks {
    pub(crate) agent_name: String,
    pub(crate) agent_hostname: String,
    pub(crate) agent: Option<AgentLink>,
    pub(crate) customer: Option<CustomerName>,
    pub(crate) job_run_id: Option<Id>,
    pub(crate) pipeline_run_id: Option<Id>,
}

/// The agent of a transfer. A revoked agent is not returned.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Agent")]
pub(crate) struct AgentLink {
    pub(crate) id: Id,
}

/// A filter of transfers. All conditions apply.
#[derive(Clone, Debug, Default, PartialEq, cynic::InputObject)]
pub(crate) struct TransferFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Vec<TransferStatus>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) agent_id: Option<Id>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<Protocol>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) direction: Option<Direction>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) created_after: Option<Instant>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) created_before: Option<Instant>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) completed_after: Option<Instant>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) stalled: Option<bool>,
    /// A part of a path or an error, of at least 3 characters.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) q: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) job_run_id: Option<Id>,
}

/// The fields by which transfers can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum TransferSortField {
    CompletedAt,
    CreatedAt,
    Duration,
    Size,
    Speed,
}

/// The order of a list of transfers.
#[derive(Clone, Debug, PartialEq, Eq, cynic::InputObject)]
pub(crate) struct TransferSort {
    pub(crate) field: TransferSortField,
    /// Whether the highest values come first.
    pub(crate) descending: bool,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    filter: TransferFilter,
    #[cynic(skip_serializing_if = "Option::is_none")]
    sort: Option<TransferSort>,
    first: i32,
    page: i32,
    next_page: i32,
    /// Whether the rows of the next page are requested, too.
    is_double: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListTransfers {
    #[arguments(filter: $filter, sort: $sort, first: $first, page: $page)]
    transfers: TransferConnection,
    #[arguments(filter: $filter, sort: $sort, first: $first, page: $next_page)]
    #[cynic(rename = "transfers", alias)]
    #[directives(include(if: $is_double))]
    more: Option<TransferRows>,
}

#[derive(cynic::QueryVariables)]
struct RunningVariables {
    running: TransferFilter,
    stalled: TransferFilter,
    first: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "RunningVariables")]
struct ListRunning {
    #[arguments(filter: $running, first: $first, page: 1)]
    transfers: TransferConnection,
    #[arguments(filter: $stalled, first: $first, page: 1)]
    #[cynic(rename = "transfers", alias)]
    stalled: TransferRows,
}

/// The rows of a page without the total.
#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "TransferConnection")]
struct TransferRows {
    nodes: Vec<Transfer>,
}

#[derive(cynic::QueryFragment)]
struct TransferConnection {
    nodes: Vec<Transfer>,
    total_count: i32,
    total_is_at_least: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetTransfer {
    #[arguments(id: $id)]
    transfer: Option<Transfer>,
    #[arguments(id: $id)]
    #[cynic(rename = "transfer", alias)]
    links: Option<TransferLinks>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct CancelTransfer {
    #[arguments(id: $id)]
    cancel_transfer: Transfer,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct RetryTransfer {
    #[arguments(id: $id)]
    retry_transfer: Transfer,
}

#[derive(cynic::QueryVariables)]
struct ByIds {
    ids: Option<Vec<Id>>,
}

impl ByIds {
    fn new(ids: &[String]) -> Self {
        Self { ids: Some(ids.iter().map(Id::new).collect()) }
    }
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ByIds")]
struct CancelTransfers {
    #[arguments(ids: $ids)]
    cancel_transfers: Vec<TransferResult>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ByIds")]
struct RetryTransfers {
    #[arguments(ids: $ids)]
    retry_transfers: Vec<TransferResult>,
}

#[derive(cynic::QueryFragment)]
struct TransferResult {
    id: Id,
    ok: bool,
    error: Option<String>,
}

impl From<TransferResult> for ItemResult {
    fn from(TransferResult { id, ok, error }: TransferResult) -> Self {
        Self { id: id.into_inner(), error: (!ok).then(|| capitalized(&error.unwrap_or_default())) }
    }
}

/// The transfers to subscribe to: those with these ids, those that match a filter, or all.
#[derive(cynic::QueryVariables)]
struct WatchVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<Id>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    filter: Option<TransferFilter>,
    /// Whether the server first sends the current states of the transfers that are not in a final state.
    initial: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "WatchVariables")]
struct WatchTransfers {
    #[arguments(ids: $ids, filter: $filter, initial: $initial, throttleMs: 250)]
    transfer_updated: TransferUpdate,
}

#[derive(cynic::QueryFragment)]
struct TransferUpdate {
    transfer: Option<Transfer>,
}

/// Subscribes to the transfers with these ids, or to all without ids. An update is the latest state of one transfer;
/// `None` means that updates may have been missed. With ids, the server first sends the current states of the transfers
/// that are not in a final state.
pub(crate) fn watch(ids: Option<Vec<Id>>) -> Request<Option<Transfer>> {
    let initial = ids.is_some();
    stream(WatchVariables { ids, filter: None, initial })
}

/// Subscribes to the transfers of an agent. Updates are as those of [`watch`].
pub(crate) fn watch_of_agent(agent_id: Id) -> Request<Option<Transfer>> {
    let filter = TransferFilter { agent_id: Some(agent_id), ..TransferFilter::default() };
    stream(WatchVariables { ids: None, filter: Some(filter), initial: false })
}

/// Subscribes to the transfers of a job run. Updates are as those of [`watch`].
pub(crate) fn watch_of_run(job_run_id: Id) -> Request<Option<Transfer>> {
    let filter = TransferFilter { job_run_id: Some(job_run_id), ..TransferFilter::default() };
    stream(WatchVariables { ids: None, filter: Some(filter), initial: false })
}

fn stream(variables: WatchVariables) -> Request<Option<Transfer>> {
    Request::stream(&WatchTransfers::build(variables), |frame| frame.transfer_updated.transfer)
}

/// The maximum number of rows of a page that the server returns.
const MOST_ROWS: i32 = 100;

/// Gets one page of the transfers that match a filter. Without `sort`, the newest come first. `rows` is at most 100, or
/// 200, for which two pages of the server are requested.
pub(crate) fn list(
    filter: TransferFilter,
    sort: Option<TransferSort>,
    rows: i32,
    page: i32,
) -> Request<Page<Transfer>> {
    let is_double = rows > MOST_ROWS;
    let page = if is_double { page.saturating_mul(2).saturating_sub(1) } else { page };
    let (first, next_page) = (rows.min(MOST_ROWS), page.saturating_add(1));
    let operation = ListTransfers::build(ListVariables { filter, sort, first, page, next_page, is_double });
    Request::new(&operation, |ListTransfers { transfers: found, more }| {
        let mut items = found.nodes;
        for transfer in more.into_iter().flat_map(|more| more.nodes) {
            // A transfer that was created meanwhile moves the last row of one page to the next one.
            if items.iter().all(|known| known.id != transfer.id) {
                items.push(transfer);
            }
        }
        Ok(Page { items, total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Like [`list`], newest first.
pub(crate) fn list_some(filter: TransferFilter, first: i32, page: i32) -> Request<Page<Transfer>> {
    list(filter, None, first, page)
}

/// Gets running transfers: up to `most` stalled ones, then up to `most` of all, without duplicates. Both groups are
/// newest first.
pub(crate) fn running(most: i32) -> Request<Page<Transfer>> {
    let running = TransferFilter { status: Some(vec![TransferStatus::Running]), ..TransferFilter::default() };
    let stalled = TransferFilter { stalled: Some(true), ..running.clone() };
    let operation = ListRunning::build(RunningVariables { running, stalled, first: most });
    Request::new(&operation, |ListRunning { transfers, stalled }| {
        let TransferConnection { nodes, total_count: total, total_is_at_least } = transfers;
        let mut items = stalled.nodes;
        let is_known = |items: &[Transfer], one: &Transfer| items.iter().any(|known| known.id == one.id);
        for transfer in nodes {
            if !is_known(&items, &transfer) {
                items.push(transfer);
            }
        }
        Ok(Page { items, total, total_is_at_least })
    })
}

/// Gets one transfer with its links.
pub(crate) fn get(id: &str) -> Request<(Transfer, TransferLinks)> {
    Request::new(&GetTransfer::build(ById::new(id)), |GetTransfer { transfer, links }| {
        transfer.zip(links).ok_or(ApiError::InvalidResponse)
    })
}

/// Cancels a transfer. A queued transfer is cancelled at once; a running one when its agent confirms the cancellation.
pub(crate) fn cancel(id: &str) -> Request<Transfer> {
    Request::new(&CancelTransfer::build(ById::new(id)), |cancelled| Ok(cancelled.cancel_transfer))
}

/// Queues a failed transfer again.
pub(crate) fn retry(id: &str) -> Request<Transfer> {
    Request::new(&RetryTransfer::build(ById::new(id)), |retried| Ok(retried.retry_transfer))
}

/// Cancels several transfers, at most 500, as [`cancel`] does. Returns a result for each.
pub(crate) fn cancel_several(ids: &[String]) -> Request<Vec<ItemResult>> {
    Request::new(&CancelTransfers::build(ByIds::new(ids)), |cancelled| {
        Ok(cancelled.cancel_transfers.into_iter().map(ItemResult::from).collect())
    })
}

/// Queues several failed transfers again, at most 500. Returns a result for each.
pub(crate) fn retry_several(ids: &[String]) -> Request<Vec<ItemResult>> {
    Request::new(&RetryTransfers::build(ByIds::new(ids)), |retried| {
        Ok(retried.retry_transfers.into_iter().map(ItemResult::from).collect())
    })
}
