//! Attention: what an operator should look at, grouped and ranked.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::{Builder, Uuid};

use super::{
    Instant,
    field_reader::{instant, text},
    input_macro::input,
};
use crate::ids::{AttentionId, CustomerId, ObjectId};

pub mod failure_cause_and_host;
pub mod usual_duration_limit;

/// The maximum number of attention items in a list.
pub const MAX_ITEMS: usize = 100;
/// The number of items of one customer from which on they give way to those of others.
const MAX_ITEMS_OF_ONE: usize = 20;
/// The maximum number of objects that an attention item lists.
pub const MAX_OBJECTS: usize = 20;
/// The maximum number of ids that an action of an attention item has.
pub const MAX_ACTION_IDS: usize = 500;
/// What affects work for longer than this is critical.
const LONG: TimeDelta = TimeDelta::hours(1);

/// Kind of an attention item.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    Serialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum AttentionKind {
    /// Transfers failed in the last 24 hours and were not retried. One item for each customer, host and cause.
    TransferFailed,
    /// Running transfers make no progress. One item for each customer and host.
    TransferStalled,
    /// The last run of a job or pipeline that ended has failed. One item for each job or pipeline.
    RunFailed,
    /// A job or pipeline has not started 5 minutes after a scheduled time, or a run of it takes longer than usual.
    RunLate,
    /// A job or pipeline missed scheduled times in the last 24 hours. One item for each job or pipeline.
    SlotMissed,
    /// Agents sent no heartbeat for three intervals. One item for each customer.
    AgentSilent,
    /// Agents report an error of their own. One item for each customer and cause.
    AgentError,
    /// Client certificates expire within 14 days, or have expired, and were not renewed. One item for each customer.
    CertificateExpires,
    /// API keys that agents use expire within 7 days, or have expired, and their successors were never used. One item
    /// for each customer.
    KeyExpires,
    /// No run of an enabled pipeline can start, because an agent that it needs is missing or ambiguous. One item for
    /// each pipeline.
    PipelineCannotRun,
}

/// Severity of an attention item.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    Serialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum AttentionSeverity {
    /// Work is not affected yet.
    Notice,
    /// Work is affected.
    Warning,
    /// Much work is affected, or some of it for a long time.
    Critical,
}

/// Type of an object that an attention item names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "camelCase")]
pub enum AttentionObjectType {
    /// An agent.
    Agent,
    /// A job.
    Job,
    /// A job run.
    JobRun,
    /// A pipeline.
    Pipeline,
    /// A pipeline run.
    PipelineRun,
    /// A transfer.
    Transfer,
}

/// An object that an attention item is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct AttentionObject {
    /// Type of the object.
    #[serde(rename = "type")]
    #[graphql(name = "type")]
    pub kind: AttentionObjectType,
    /// Id of the object.
    pub id: ObjectId,
    /// Name for people: the name of an agent, job or pipeline, the file name of a transfer, the start time of a run.
    #[schema(example = "data.csv")]
    pub name: String,
}

/// Type of an action, which is the name of the operation that carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "camelCase")]
pub enum AttentionActionType {
    /// Cancel the transfers with these ids.
    CancelTransfers,
    /// Continue the failed pipeline run with this id, as a new run.
    RerunPipelineRun,
    /// Retry the transfers with these ids.
    RetryTransfers,
    /// Start the job with this id.
    RunJob,
    /// Start the pipeline with this id.
    RunPipeline,
}

/// An action that may resolve an attention item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct AttentionAction {
    /// Type of the action.
    #[serde(rename = "type")]
    #[graphql(name = "type")]
    pub kind: AttentionActionType,
    /// Ids of the objects that the action changes: at most 500, newest first.
    pub ids: Vec<ObjectId>,
}

/// Something that an operator should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct AttentionItem {
    /// Id of the item: a hash of its kind and its group. It stays the same while the item lasts.
    pub id: AttentionId,
    /// Kind of the item.
    pub kind: AttentionKind,
    /// Severity of the item.
    pub severity: AttentionSeverity,
    /// Number of transfers, runs, scheduled times or agents in the group.
    #[schema(minimum = 1, example = 9)]
    pub count: i64,
    /// Whether counting stopped, so that there may be more than `count`.
    pub count_is_at_least: bool,
    /// Time at which the first object of the group entered this state; for keys and certificates, the first expiry.
    pub since: Instant,
    /// The item in one sentence.
    #[schema(example = "9 transfers with `sftp.partner.example` failed: quota exceeded")]
    pub summary: String,
    /// Cause that the objects of the group have in common; null if it is not known.
    #[schema(required, example = "quota exceeded")]
    pub cause: Option<String>,
    /// Customer of the group; null for pipelines of the platform.
    #[schema(required)]
    pub customer_id: Option<CustomerId>,
    /// Objects of the group: the newest, at most 20.
    #[graphql(complexity = "5 * child_complexity + 1")]
    pub objects: Vec<AttentionObject>,
    /// Action that may resolve the item; null if the caller may take none.
    #[schema(required)]
    pub action: Option<AttentionAction>,
    /// Time at which the snooze ends; null if the item is not snoozed.
    #[schema(required)]
    pub snoozed_until: Option<Instant>,
    /// Why the item is snoozed.
    #[schema(required)]
    pub snooze_reason: Option<String>,
}

/// Everything that an operator should look at, ranked: the items that are not snoozed first, those of the highest
/// severity first among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Attention {
    /// Items, at most 100.
    #[graphql(complexity = "20 * child_complexity + 1")]
    pub items: Vec<AttentionItem>,
    /// Time at which the items were computed.
    pub at: Instant,
}

/// The longest reason of a snooze, in characters.
const MAX_REASON: usize = 500;

input! {
    /// Input for snoozing an attention item.
    #[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({ "until": "2026-04-26T08:00:00Z", "reason": "the partner is informed" }))]
    pub struct SnoozeAttention {
        /// End of the snooze. It ends earlier if the severity of the item rises.
        #[schema(value_type = Instant)]
        until: DateTime<Utc> = required("until", &[], instant),
        /// Why the item is snoozed, for all who see it.
        #[schema(min_length = 1, max_length = 500)]
        reason: String = required("reason", &[], text(1, MAX_REASON)),
    }
}

impl AttentionKind {
    /// The id of the item of this kind for a group. The same kind and group always have the same id.
    #[must_use]
    pub fn item_id(self, group: &str) -> AttentionId {
        let digest: [u8; 32] = Sha256::digest(format!("{self}\n{group}").as_bytes()).into();
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        AttentionId(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Whether items of this kind are about runs, slots or pipelines, which only administrators see.
    #[must_use]
    pub const fn is_about_runs(self) -> bool {
        matches!(self, Self::RunFailed | Self::RunLate | Self::SlotMissed | Self::PipelineCannotRun)
    }
}

impl AttentionSeverity {
    /// The severity of a problem that has affected work for this long: critical after more than one hour.
    #[must_use]
    pub fn of_duration(lasted: TimeDelta) -> Self {
        if lasted > LONG { Self::Critical } else { Self::Warning }
    }
}

impl AttentionObject {
    /// Creates an object with its type, its id and its name for people.
    #[must_use]
    pub const fn new(kind: AttentionObjectType, id: Uuid, name: String) -> Self {
        Self { kind, id: ObjectId(id), name }
    }
}

/// Sorts the items, and removes those beyond [`MAX_ITEMS`]. The order depends on nothing but the items, so it is
/// stable. The agents of one customer can report any number of causes, which must not hide the items of other
/// customers. So the first [`MAX_ITEMS_OF_ONE`] items of each customer are kept first, and further ones only as long as
/// there is room.
pub fn rank(items: &mut Vec<AttentionItem>) {
    sort(items);
    let mut counts: HashMap<Option<CustomerId>, usize> = HashMap::new();
    let is_among_the_first = |item: &AttentionItem| {
        let count = counts.entry(item.customer_id).or_default();
        *count += 1;
        *count <= MAX_ITEMS_OF_ONE
    };
    let (first, others): (Vec<_>, Vec<_>) = items.drain(..).partition(is_among_the_first);
    items.extend(first.into_iter().chain(others).take(MAX_ITEMS));
    sort(items);
}

fn sort(items: &mut [AttentionItem]) {
    use std::cmp::Reverse;
    items.sort_by_cached_key(|item| {
        (item.snoozed_until.is_some(), Reverse(item.severity), item.kind, Reverse(item.count), item.since, item.id)
    });
}

/// Returns a number with its noun: `1 transfer`, `9 transfers`, `5000+ transfers`.
#[must_use]
pub fn counted(count: i64, is_at_least: bool, noun: &str) -> String {
    let (more, plural) = (if is_at_least { "+" } else { "" }, if count == 1 { "" } else { "s" });
    format!("{count}{more} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(group: &str, severity: AttentionSeverity, is_snoozed: bool, count: i64) -> AttentionItem {
        let kind = AttentionKind::AgentSilent;
        AttentionItem {
            id: kind.item_id(group),
            kind,
            severity,
            count,
            count_is_at_least: false,
            since: DateTime::UNIX_EPOCH.into(),
            summary: group.to_owned(),
            cause: None,
            customer_id: None,
            objects: Vec::new(),
            action: None,
            snoozed_until: is_snoozed.then(|| DateTime::UNIX_EPOCH.into()),
            snooze_reason: None,
        }
    }

    #[test]
    fn the_worst_comes_first_and_what_is_snoozed_last() {
        use AttentionSeverity::{Critical, Notice, Warning};
        let mut items = vec![
            item("snoozed", Critical, true, 9),
            item("notice", Notice, false, 9),
            item("few", Warning, false, 1),
            item("many", Warning, false, 2),
            item("critical", Critical, false, 1),
        ];
        rank(&mut items);
        let order: Vec<&str> = items.iter().map(|item| item.summary.as_str()).collect();
        assert_eq!(order, ["critical", "many", "few", "notice", "snoozed"]);
    }

    #[test]
    fn the_items_of_one_customer_hide_those_of_no_other() {
        use AttentionSeverity::{Critical, Notice, Warning};
        let of = |customer: u128, item: AttentionItem| {
            let customer_id = Some(CustomerId(Uuid::from_u128(customer)));
            AttentionItem { customer_id, ..item }
        };
        let flood = (0..300).map(|number| of(1, item(&format!("flood {number}"), Critical, false, 10)));
        let mut items: Vec<AttentionItem> = flood.collect();
        items.push(item("platform", Notice, false, 1));
        items.push(of(2, item("other", Warning, false, 1)));
        rank(&mut items);
        assert_eq!(items.len(), MAX_ITEMS);
        let last: Vec<&str> = items[98..].iter().map(|item| item.summary.as_str()).collect();
        assert_eq!(last, ["other", "platform"], "the order is still that of the severity");
    }

    #[test]
    fn an_id_is_that_of_its_kind_and_group() {
        let id = AttentionKind::AgentSilent.item_id("acme");
        assert_eq!(id, AttentionKind::AgentSilent.item_id("acme"));
        assert_ne!(id, AttentionKind::AgentError.item_id("acme"));
        assert_ne!(id, AttentionKind::AgentSilent.item_id("other"));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_lasts_longer_than_an_hour_is_critical() {
        let hour = TimeDelta::hours(1);
        assert_eq!(AttentionSeverity::of_duration(hour), AttentionSeverity::Warning);
        assert_eq!(AttentionSeverity::of_duration(hour + TimeDelta::milliseconds(1)), AttentionSeverity::Critical);
    }

    #[test]
    fn numbers_have_their_nouns() {
        assert_eq!(counted(1, false, "transfer"), "1 transfer");
        assert_eq!(counted(5000, true, "transfer"), "5000+ transfers");
    }
}
