//! Attention items about agents that are silent or report an error, and about API keys and client certificates that
//! expire.

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
            counted,
            failure_cause_and_host::{Failure, reason},
        },
    },
    service::ControlPlane,
    store::{
        self,
        attention::{EndingCredential, UnhealthyAgent},
    },
};

/// The maximum number of agents or credentials that are read.
const MOST: i64 = 2_000;
/// How long before its expiry a certificate becomes an item. Agents renew certificates 30 days before their expiry.
const CERTIFICATES_BEFORE: TimeDelta = TimeDelta::days(14);
/// How long before its expiry an API key becomes an item. A replaced key is valid for a day, unless the request that
/// replaced it named another duration.
const KEYS_BEFORE: TimeDelta = TimeDelta::days(7);
/// How long after their expiry keys and certificates remain items.
const AFTER: TimeDelta = TimeDelta::days(7);
/// The remaining validity at which an item is a warning and no longer a notice.
const SOON: TimeDelta = TimeDelta::days(3);

/// An agent of a group.
#[derive(Clone, Debug)]
struct Member {
    id: AgentId,
    name: String,
    /// The reason of its status, as the agent reported it.
    reason: Option<String>,
    since: DateTime<Utc>,
}

impl ControlPlane {
    pub(super) async fn unhealthy_agents(
        &self,
        customer: Option<CustomerId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttentionItem>> {
        let agents = store::attention::unhealthy_agents(&self.db, customer, MOST).await?;
        let is_at_least = count(&agents) >= MOST;
        Ok(items_of_agents(agents, is_at_least, now))
    }

    pub(super) async fn ending_credentials(
        &self,
        customer: Option<CustomerId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AttentionItem>> {
        let (from, until) = (now - AFTER, now + CERTIFICATES_BEFORE);
        let certificates = store::attention::ending_certificates(&self.db, customer, from, until, MOST).await?;
        let keys = store::attention::ending_keys(&self.db, customer, from, now + KEYS_BEFORE, MOST).await?;
        let certificates = credentials(AttentionKind::CertificateExpires, certificates, "client certificate", now);
        let keys = credentials(AttentionKind::KeyExpires, keys, "API key", now);
        Ok(certificates.into_iter().chain(keys).collect())
    }
}

/// One item for the silent agents of each customer, and one for each customer and cause of those that report an error.
/// `is_at_least` says that there may be more agents than were read.
fn items_of_agents(agents: Vec<UnhealthyAgent>, is_at_least: bool, now: DateTime<Utc>) -> Vec<AttentionItem> {
    let mut silent: BTreeMap<CustomerId, Vec<Member>> = BTreeMap::new();
    let mut failing: BTreeMap<(CustomerId, Option<String>), Vec<Member>> = BTreeMap::new();
    for agent in agents {
        let UnhealthyAgent { id, customer_id, name, status, status_reason, since } = agent;
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
            several => format!("{} are silent", counted(count(several), is_at_least, "agent")),
        };
        item(AttentionKind::AgentSilent, customer, None, &members, severity, summary)
    });
    let failing = failing.into_iter().map(|((customer, cause), members)| {
        let who = match members.as_slice() {
            [only] => format!("The agent `{}` reports", only.name),
            several => format!("{} report", counted(count(several), is_at_least, "agent")),
        };
        let summary = format!("{who} an error{}", reason(members.iter().map(failure), cause.as_deref()));
        item(AttentionKind::AgentError, customer, cause, &members, AttentionSeverity::Critical, summary)
    });
    silent.chain(failing).map(|item| AttentionItem { count_is_at_least: is_at_least, ..item }).collect()
}

fn failure(member: &Member) -> Failure<'_> {
    Failure { code: None, message: member.reason.as_deref() }
}

/// One item for each customer. The credential that expires first decides the severity.
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
            several => counted(count(several), is_at_least, noun),
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::db::EnumText;

    fn agent(number: u128, customer: u128, status: AgentStatus) -> UnhealthyAgent {
        UnhealthyAgent {
            id: AgentId(Uuid::from_u128(number)),
            customer_id: CustomerId(Uuid::from_u128(customer)),
            name: format!("edge-{number}"),
            status: EnumText(status),
            status_reason: None,
            since: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_group_says_that_there_may_be_more_if_not_all_agents_were_read() {
        use AgentStatus::{Error, Offline};
        let causes = |is_at_least: bool| -> Vec<String> {
            let agents = [(1, 1, Offline), (2, 1, Offline), (3, 2, Offline), (4, 2, Error), (5, 2, Error)]
                .map(|(number, customer, status)| agent(number, customer, status));
            let items = items_of_agents(agents.into(), is_at_least, DateTime::UNIX_EPOCH);
            items.into_iter().map(|item| format!("{} {}", item.count_is_at_least, item.summary)).collect()
        };
        let whole =
            ["false 2 agents are silent", "false The agent `edge-3` is silent", "false 2 agents report an error"];
        assert_eq!(causes(false), whole);
        let cut = ["true 2+ agents are silent", "true The agent `edge-3` is silent", "true 2+ agents report an error"];
        assert_eq!(causes(true), cut);
    }
}
