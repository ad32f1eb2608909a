//! Attention for agents that are silent or report an error, and for their keys and certificates that end.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{count, earliest};
use crate::{
    error::Result,
    ids::{AgentId, CustomerId},
    model::{
        agent::AgentStatus,
        attention::{
            AttentionItem, AttentionKind, AttentionObject, AttentionObjectType, AttentionSeverity, MAX_OBJECTS,
            cause::{Failure, reason},
            counted,
        },
    },
    service::ControlPlane,
    store::{
        self,
        attention::{EndingCredential, TroubledAgent},
    },
};

/// The maximum number of agents or credentials that are read.
const MOST: i64 = 2_000;
/// How long before their end certificates are shown. Agents renew them 30 days before.
const CERTIFICATES_BEFORE: TimeDelta = TimeDelta::days(14);
/// How long before their end keys are shown. A replaced key is valid for a day unless its owner says otherwise.
const KEYS_BEFORE: TimeDelta = TimeDelta::days(7);
/// How long after their end keys and certificates are shown.
const AFTER: TimeDelta = TimeDelta::days(7);
/// How long before the end an item is a warning, and no longer a notice.
const SOON: TimeDelta = TimeDelta::days(3);

/// An agent of a group.
#[derive(Clone, Debug)]
struct Member {
    id: AgentId,
    name: String,
    /// Why it has its status, as it said.
    reason: Option<String>,
    since: DateTime<Utc>,
}

impl ControlPlane {
    pub(super) async fn troubled_agents(
        &self,
        customer: Option<CustomerId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttentionItem>> {
        let mut silent: BTreeMap<CustomerId, Vec<Member>> = BTreeMap::new();
        let mut failing: BTreeMap<(CustomerId, Option<String>), Vec<Member>> = BTreeMap::new();
        let found = store::attention::troubled_agents(&self.db, customer, MOST).await?;
        let is_at_least = count(&found) >= MOST;
        for agent in found {
            let TroubledAgent { id, customer_id, name, status, status_reason, since } = agent;
            let member = Member { id, name, reason: status_reason, since };
            if status.0 == AgentStatus::Error {
                let cause = failure(&member).cause();
                failing.entry((customer_id, cause)).or_default().push(member);
            } else {
                silent.entry(customer_id).or_default().push(member);
            }
        }
        let silent = silent.into_iter().map(|(customer, members)| {
            let severity = AttentionSeverity::of_duration(now - oldest(&members));
            let summary = match members.as_slice() {
                [only] => format!("The agent `{}` is silent", only.name),
                several => format!("{} are silent", counted(count(several), false, "agent")),
            };
            item(AttentionKind::AgentSilent, customer, None, &members, severity, summary)
        });
        let failing = failing.into_iter().map(|((customer, cause), members)| {
            let who = match members.as_slice() {
                [only] => format!("The agent `{}` reports", only.name),
                several => format!("{} report", counted(count(several), false, "agent")),
            };
            let summary = format!("{who} an error{}", reason(members.iter().map(failure), cause.as_deref()));
            item(AttentionKind::AgentError, customer, cause, &members, AttentionSeverity::Critical, summary)
        });
        Ok(silent.chain(failing).map(|item| AttentionItem { count_is_at_least: is_at_least, ..item }).collect())
    }

    pub(super) async fn ending_credentials(
        &self,
        customer: Option<CustomerId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttentionItem>> {
        let range = (now - AFTER, now + CERTIFICATES_BEFORE);
        let certificates = store::attention::ending_certificates(&self.db, customer, range, MOST).await?;
        let range = (now - AFTER, now + KEYS_BEFORE);
        let keys = store::attention::ending_keys(&self.db, customer, range, MOST).await?;
        let certificates = credentials(AttentionKind::CertificateExpires, certificates, "client certificate", now);
        let keys = credentials(AttentionKind::KeyExpires, keys, "API key", now);
        Ok(certificates.into_iter().chain(keys).collect())
    }
}

fn failure(member: &Member) -> Failure<'_> {
    Failure { code: None, message: member.reason.as_deref() }
}

/// One item for each customer. What ends first decides the severity.
fn credentials(kind: AttentionKind, rows: Vec<EndingCredential>, noun: &str, now: DateTime<Utc>) -> Vec<AttentionItem> {
    let is_at_least = count(&rows) >= MOST;
    let mut groups: BTreeMap<CustomerId, Vec<Member>> = BTreeMap::new();
    for EndingCredential { agent_id, customer_id, name, expires_at } in rows {
        groups.entry(customer_id).or_default().push(Member { id: agent_id, name, reason: None, since: expires_at });
    }
    let item = |(customer, members): (CustomerId, Vec<Member>)| {
        let first = oldest(&members);
        let severity = match first - now {
            left if left <= TimeDelta::zero() => AttentionSeverity::Critical,
            left if left <= SOON => AttentionSeverity::Warning,
            _ => AttentionSeverity::Notice,
        };
        let which = match members.as_slice() {
            [only] => format!("The {noun} of the agent `{}`", only.name),
            several => counted(count(several), false, noun),
        };
        let date = first.format("%Y-%m-%d");
        let summary = match (first <= now, members.len()) {
            (true, 1) => format!("{which} expired on {date}"),
            (true, _) => format!("{which} expire or have expired, the first of them on {date}"),
            (false, 1) => format!("{which} expires on {date}"),
            (false, _) => format!("{which} expire, the first of them on {date}"),
        };
        let item = item(kind, customer, None, &members, severity, summary);
        AttentionItem { count_is_at_least: is_at_least, ..item }
    };
    groups.into_iter().map(item).collect()
}

/// The item of a group, which has one agent at least.
fn item(
    kind: AttentionKind,
    customer: CustomerId,
    cause: Option<String>,
    members: &[Member],
    severity: AttentionSeverity,
    summary: String,
) -> AttentionItem {
    let mut newest: Vec<&Member> = members.iter().collect();
    newest.sort_by_key(|member| std::cmp::Reverse(member.since));
    let object = |member: &Member| AttentionObject::new(AttentionObjectType::Agent, member.id.0, member.name.clone());
    AttentionItem {
        id: kind.item_id(&format!("{customer}\n{}", cause.as_deref().unwrap_or_default())),
        kind,
        severity,
        count: count(members),
        count_is_at_least: false,
        since: oldest(members).into(),
        summary,
        cause,
        customer_id: Some(customer),
        objects: newest.into_iter().take(MAX_OBJECTS).map(object).collect(),
        action: None,
        snoozed_until: None,
        snooze_reason: None,
    }
}

fn oldest(members: &[Member]) -> DateTime<Utc> {
    earliest(members.iter().map(|member| member.since))
}
