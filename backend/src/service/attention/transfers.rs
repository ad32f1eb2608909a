//! Attention items about transfers that failed or are stalled.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

use chrono::{DateTime, TimeDelta, Utc};
use mftplus_protocol::location::file_name;

use super::{count, earliest};
use crate::{
    error::Result,
    ids::{CustomerId, ObjectId},
    model::attention::{
        AttentionAction, AttentionActionType, AttentionItem, AttentionKind, AttentionObject, AttentionObjectType,
        AttentionSeverity, MAX_ACTION_IDS, MAX_OBJECTS, counted,
        failure_cause_and_host::{Failure, host, reason},
    },
    service::ControlPlane,
    store::{self, attention::UnhealthyTransfer},
};

/// How far back failures count.
const DAY: TimeDelta = TimeDelta::hours(24);
/// The maximum number of failures that are read, the latest ones.
const MOST_FAILED: i64 = 5_000;
/// The maximum number of failures that are read of each customer whose failures the limit [`MOST_FAILED`] may have cut
/// off.
const MOST_FAILED_OF_EACH: i64 = 20;
/// The maximum number of such customers, the newest ones.
const MOST_CUSTOMERS: i64 = 1_000;
/// The maximum number of stalled transfers that are read.
const MOST_STALLED: i64 = 1_000;
/// From this number of failures on, a group is critical.
const MANY: usize = 10;

/// What the transfers of a group have in common: their customer, where they copy to or from, and the cause.
type Key = (CustomerId, String, Option<String>);

impl ControlPlane {
    pub(super) async fn failed_transfers(
        &self,
        customer: Option<CustomerId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttentionItem>> {
        let mut rows = store::attention::failed_transfers(&self.db, customer, now - DAY, MOST_FAILED).await?;
        let is_at_least = count(&rows) >= MOST_FAILED;
        if is_at_least && customer.is_none() {
            self.add_failures_of_others(&mut rows, now - DAY).await?;
        }
        let groups = groups(rows, |row| failure(row).cause());
        let item = |(key, rows): (Key, Vec<UnhealthyTransfer>)| {
            let (_, place, cause) = &key;
            let reason = reason(rows.iter().map(failure), cause.as_deref());
            let summary = format!("{} {place} failed{reason}", counted(count(&rows), is_at_least, "transfer"));
            let severity = if rows.len() >= MANY { AttentionSeverity::Critical } else { AttentionSeverity::Warning };
            let item = item(AttentionKind::TransferFailed, key, &rows, severity, summary);
            AttentionItem {
                count_is_at_least: is_at_least,
                action: Some(action(AttentionActionType::RetryTransfers, &rows)),
                ..item
            }
        };
        Ok(groups.into_iter().map(item).collect())
    }

    /// Adds failures of customers of which the limit [`MOST_FAILED`] has let through few or none.
    async fn add_failures_of_others(&self, rows: &mut Vec<UnhealthyTransfer>, since: DateTime<Utc>) -> Result<()> {
        let mut counts: HashMap<CustomerId, i64> = HashMap::new();
        for row in &*rows {
            *counts.entry(row.customer_id).or_default() += 1;
        }
        let mut others = store::customers::newest(&self.db, MOST_CUSTOMERS).await?;
        others.retain(|customer| counts.get(customer).is_none_or(|count| *count < MOST_FAILED_OF_EACH));
        let found = store::attention::failed_transfers_of_each(&self.db, &others, since, MOST_FAILED_OF_EACH).await?;
        let others: HashSet<CustomerId> = others.into_iter().collect();
        rows.retain(|row| !others.contains(&row.customer_id));
        rows.extend(found);
        rows.sort_by_key(|row| Reverse((row.since, row.id)));
        Ok(())
    }

    pub(super) async fn stalled_transfers(
        &self,
        customer: Option<CustomerId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttentionItem>> {
        let mut rows = store::attention::stalled_transfers(&self.db, customer, MOST_STALLED).await?;
        let is_at_least = count(&rows) >= MOST_STALLED;
        // The newest first, as failures.
        rows.reverse();
        let item = |(key, rows): (Key, Vec<UnhealthyTransfer>)| {
            let summary = format!("{} {} stalled", counted(count(&rows), is_at_least, "transfer"), key.1);
            let severity = AttentionSeverity::of_duration(now - oldest(&rows));
            let item = item(AttentionKind::TransferStalled, key, &rows, severity, summary);
            AttentionItem {
                count_is_at_least: is_at_least,
                action: Some(action(AttentionActionType::CancelTransfers, &rows)),
                ..item
            }
        };
        Ok(groups(rows, |_| None).into_iter().map(item).collect())
    }
}

fn failure(row: &UnhealthyTransfer) -> Failure<'_> {
    Failure { code: row.error_code.as_deref(), message: row.error_message.as_deref() }
}

fn groups(
    rows: Vec<UnhealthyTransfer>,
    cause: impl Fn(&UnhealthyTransfer) -> Option<String>,
) -> BTreeMap<Key, Vec<UnhealthyTransfer>> {
    let mut groups: BTreeMap<Key, Vec<UnhealthyTransfer>> = BTreeMap::new();
    for row in rows {
        let place = match host(row.protocol.0, &row.source, &row.destination) {
            Some(host) => format!("with `{host}`"),
            None => format!("on `{}`", row.agent_hostname),
        };
        groups.entry((row.customer_id, place, cause(&row))).or_default().push(row);
    }
    groups
}

/// The item of a group, which has one transfer at least.
fn item(
    kind: AttentionKind,
    (customer, place, cause): Key,
    rows: &[UnhealthyTransfer],
    severity: AttentionSeverity,
    summary: String,
) -> AttentionItem {
    let object = |row: &UnhealthyTransfer| {
        let name = file_name(&row.source);
        let name = if name.is_empty() { file_name(&row.destination) } else { name };
        AttentionObject::new(AttentionObjectType::Transfer, row.id.0, name)
    };
    AttentionItem {
        id: kind.item_id(&format!("{customer}\n{place}\n{}", cause.as_deref().unwrap_or_default())),
        kind,
        severity,
        count: count(rows),
        count_is_at_least: false,
        since: oldest(rows).into(),
        summary,
        cause,
        customer_id: Some(customer),
        objects: rows.iter().take(MAX_OBJECTS).map(object).collect(),
        action: None,
        snoozed_until: None,
        snooze_reason: None,
    }
}

fn action(kind: AttentionActionType, rows: &[UnhealthyTransfer]) -> AttentionAction {
    AttentionAction { kind, ids: rows.iter().take(MAX_ACTION_IDS).map(|row| ObjectId(row.id.0)).collect() }
}

fn oldest(rows: &[UnhealthyTransfer]) -> DateTime<Utc> {
    earliest(rows.iter().map(|row| row.since))
}
