//! Attention items: get, subscribe, snooze.

use cynic::{Id, MutationBuilder, QueryBuilder, SubscriptionBuilder};

use super::{ById, ByIdFields, Request, schema};
use crate::time::Instant;

/// The kind of an attention item: what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum AttentionKind {
    AgentError,
    AgentSilent,
    CertificateExpires,
    KeyExpires,
    PipelineCannotRun,
    RunFailed,
    RunLate,
    SlotMissed,
    TransferFailed,
    TransferStalled,
}

/// The severity of an attention item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum AttentionSeverity {
    Critical,
    Notice,
    Warning,
}

/// The type of an object of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum AttentionObjectType {
    Agent,
    Job,
    JobRun,
    Pipeline,
    PipelineRun,
    Transfer,
}

/// The operation that may resolve an attention item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum AttentionActionType {
    CancelTransfers,
    RerunPipelineRun,
    RetryTransfers,
    RunJob,
    RunPipeline,
}

/// An object that an item is about.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
pub(crate) struct AttentionObject {
    pub(crate) id: Id,
    pub(crate) name: String,
    #[cynic(rename = "type")]
    pub(crate) kind: AttentionObjectType,
}

/// The action of an item. The ids of its objects are not selected, because there may be hundreds.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
pub(crate) struct AttentionAction {
    #[cynic(rename = "type")]
    pub(crate) kind: AttentionActionType,
}

/// A group of objects that an operator should look at.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct AttentionItem {
    pub(crate) id: Id,
    pub(crate) kind: AttentionKind,
    pub(crate) severity: AttentionSeverity,
    /// The number of transfers, runs, slots or agents that the item is about.
    pub(crate) count: i32,
    pub(crate) count_is_at_least: bool,
    /// When the problem began. For API keys and certificates: when the first of them expires.
    pub(crate) since: Instant,
    /// The item in one sentence, with names in backticks.
    pub(crate) summary: String,
    pub(crate) cause: Option<String>,
    /// The newest objects, at most 20. If the item is about runs or slots, the first object is their job or pipeline.
    pub(crate) objects: Vec<AttentionObject>,
    /// An action that the viewer may take.
    pub(crate) action: Option<AttentionAction>,
    pub(crate) snoozed_until: Option<Instant>,
    pub(crate) snooze_reason: Option<String>,
}

#[cfg(test)]
impl AttentionItem {
    /// An item for tests with the severity warning, about objects with these types, ids and names.
    pub(crate) fn sample(kind: AttentionKind, count: i32, objects: &[(AttentionObjectType, &str, &str)]) -> Self {
        let object = |(kind, id, name): &(AttentionObjectType, &str, &str)| AttentionObject {
            id: Id::new(*id),
            name: (*name).to_owned(),
            kind: *kind,
        };
        Self {
            id: Id::new("item"),
            kind,
            severity: AttentionSeverity::Warning,
            count,
            count_is_at_least: false,
            since: Instant(0),
            summary: String::new(),
            cause: None,
            objects: objects.iter().map(object).collect(),
            action: None,
            snoozed_until: None,
            snooze_reason: None,
        }
    }
}

/// All attention items in the order of the server: first those that are not snoozed, in descending order of severity.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Attention {
    pub(crate) items: Vec<AttentionItem>,
    /// When the items were computed.
    pub(crate) at: Instant,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetAttention {
    attention: Attention,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
struct WatchAttention {
    #[arguments(throttleMs: 1000)]
    attention_updated: AttentionUpdate,
}

#[derive(cynic::QueryFragment)]
struct AttentionUpdate {
    attention: Option<Attention>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AttentionAction")]
struct ActionIds {
    ids: Vec<Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AttentionItem")]
struct ItemIds {
    id: Id,
    action: Option<ActionIds>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Attention")]
struct AttentionIds {
    items: Vec<ItemIds>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetIds {
    attention: AttentionIds,
}

#[derive(cynic::QueryVariables)]
struct SnoozeVariables {
    id: Id,
    until: Instant,
    reason: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "SnoozeVariables")]
struct Snooze {
    #[arguments(id: $id, until: $until, reason: $reason)]
    snooze_attention: SnoozedItem,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AttentionItem")]
struct SnoozedItem {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct EndSnooze {
    #[arguments(id: $id)]
    end_attention_snooze: Id,
}

/// Gets the current attention items.
pub(crate) fn get() -> Request<Attention> {
    Request::new(&GetAttention::build(()), |found| Ok(found.attention))
}

/// Subscribes to the attention items. An update has all items; `None` means that updates may have been missed.
pub(crate) fn watch() -> Request<Option<Attention>> {
    Request::stream(&WatchAttention::build(()), |frame| frame.attention_updated.attention)
}

/// Gets the ids of the objects that the action of an item would change now, at most 500; empty if the item no longer
/// exists.
pub(crate) fn action_ids(item: &str) -> Request<Vec<String>> {
    let item = item.to_owned();
    Request::new(&GetIds::build(()), |found: GetIds| Ok(found.attention.items)).map(move |items| {
        let action = items.into_iter().find(|one| one.id.inner() == item).and_then(|one| one.action);
        action.map(|action| action.ids.into_iter().map(Id::into_inner).collect()).unwrap_or_default()
    })
}

/// Snoozes an item for all users who see it, and returns its id. A later snooze replaces an earlier one.
pub(crate) fn snooze(id: &str, until: Instant, reason: String) -> Request<Id> {
    let variables = SnoozeVariables { id: Id::new(id), until, reason };
    Request::new(&Snooze::build(variables), |snoozed| Ok(snoozed.snooze_attention.id))
}

/// Ends the snooze of an item.
pub(crate) fn end_snooze(id: &str) -> Request<Id> {
    Request::new(&EndSnooze::build(ById::new(id)), |ended| Ok(ended.end_attention_snooze))
}
