//! Attention items with the fields that browser notifications need: get, subscribe.

use cynic::{Id, QueryBuilder, SubscriptionBuilder};

use super::{Request, schema};
use crate::time::Instant;

/// An attention item in a notification.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "AttentionItem")]
pub(crate) struct Alert {
    /// The id, which stays the same as long as the item exists.
    pub(crate) id: Id,
    pub(crate) summary: String,
    pub(crate) snoozed_until: Option<Instant>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Attention")]
struct Alerts {
    items: Vec<Alert>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetAlerts {
    attention: Alerts,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
struct WatchAlerts {
    #[arguments(initial: true, throttleMs: 5000)]
    attention_updated: AlertUpdate,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AttentionUpdate")]
struct AlertUpdate {
    attention: Option<Alerts>,
}

/// Gets all attention items.
pub(crate) fn get() -> Request<Vec<Alert>> {
    Request::new(&GetAlerts::build(()), |found| Ok(found.attention.items))
}

/// Subscribes to all attention items. The first update has the current items. `None` means that updates may have been
/// missed.
pub(crate) fn watch() -> Request<Option<Vec<Alert>>> {
    Request::stream(&WatchAlerts::build(()), |frame| frame.attention_updated.attention.map(|found| found.items))
}
