//! The filter of transfers, evaluated for a view. The store evaluates the same filter in SQL.

use serde::Serialize;
use utoipa::IntoParams;

use super::{Direction, Protocol, Transfer, TransferStatus};
use crate::{
    ids::{AgentId, CustomerId, RunId},
    model::{
        Instant,
        field_reader::{Fields, FromFields, boolean, id, instant, one_of, parsed, text},
    },
};

/// Selects transfers. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams, async_graphql::InputObject)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct TransferFilter {
    /// Transfers with one of these statuses.
    // REST accepts one status, in a parameter that the REST handler describes itself.
    #[serde(skip)]
    pub status: Option<Vec<TransferStatus>>,
    /// Transfers of this agent.
    pub agent_id: Option<AgentId>,
    /// Transfers of this customer. A user of a customer has access to transfers of that customer only.
    pub customer_id: Option<CustomerId>,
    /// Transfers of this job run.
    // Only GraphQL has this filter.
    #[serde(skip)]
    pub job_run_id: Option<RunId>,
    /// Transfers over this protocol.
    pub protocol: Option<Protocol>,
    /// Transfers in this direction.
    pub direction: Option<Direction>,
    /// If true, transfers that are stalled; if false, those that are not.
    pub stalled: Option<bool>,
    /// Transfers created after this time.
    pub created_after: Option<Instant>,
    /// Transfers created before this time.
    pub created_before: Option<Instant>,
    /// Transfers that ended after this time, in whatever status.
    pub completed_after: Option<Instant>,
    /// Transfers whose source or destination has a file name that starts with this text. Case is ignored.
    #[param(max_length = 255, pattern = "^[^\\x00-\\x1F\\x7F-\\x9F]*$")]
    pub search: Option<String>,
    /// Transfers whose source, destination or error contains this text. Case is ignored.
    #[param(min_length = 3, max_length = 255, pattern = "^[^\\x00-\\x1F\\x7F-\\x9F]*$")]
    pub q: Option<String>,
}

impl FromFields for TransferFilter {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", &[], one_of);
        let agent_id = fields.optional("agentId", &[], id::<AgentId>);
        let customer_id = fields.optional("customerId", &[], id::<CustomerId>);
        let protocol = fields.optional("protocol", &[], one_of);
        let direction = fields.optional("direction", &[], one_of);
        let stalled = fields.optional("stalled", &[], parsed(boolean));
        let created_after = fields.optional("createdAfter", &[], instant);
        let created_before = fields.optional("createdBefore", &[], instant);
        let completed_after = fields.optional("completedAfter", &[], instant);
        let search = fields.optional("search", &[], text(0, 255));
        let q = fields.optional("q", &[], text(MIN_PART, 255));
        Some(Self {
            status: status?.map(|status| vec![status]),
            agent_id: agent_id?,
            customer_id: customer_id?,
            job_run_id: None,
            protocol: protocol?,
            direction: direction?,
            stalled: stalled?,
            created_after: created_after?.map(Instant),
            created_before: created_before?.map(Instant),
            completed_after: completed_after?.map(Instant),
            search: search?.map(|search| search.to_lowercase()).filter(|search| !search.is_empty()),
            q: q?.map(|part| part.to_lowercase()),
        })
    }
}

impl TransferFilter {
    /// The selected statuses; an empty list selects all.
    #[must_use]
    pub fn statuses(&self) -> &[TransferStatus] {
        self.status.as_deref().unwrap_or_default()
    }

    /// The selected status, if there is exactly one.
    #[must_use]
    pub fn only_status(&self) -> Option<TransferStatus> {
        match self.statuses() {
            [status] => Some(*status),
            _ => None,
        }
    }

    /// Whether the filter has no condition, so that it selects all transfers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statuses().is_empty() && *self == Self { status: self.status.clone(), ..Self::default() }
    }

    /// Whether the database maintains the total of this filter, so that nothing must be counted: it has no conditions
    /// except a customer, an agent and one status.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let counted = Self {
            status: self.status.clone(),
            agent_id: self.agent_id,
            customer_id: self.customer_id,
            ..Self::default()
        };
        self.statuses().len() <= 1 && *self == counted
    }

    /// Whether the filter selects the transfer.
    #[must_use]
    pub fn matches(&self, transfer: &Transfer) -> bool {
        self.allows(transfer.status)
            && self.stalled.is_none_or(|stalled| stalled == transfer.stalled)
            && self.completed_after.is_none_or(|after| transfer.completed_at.is_some_and(|at| at > after))
            && self.q.as_ref().is_none_or(|part| {
                let texts = [Some(&transfer.source), Some(&transfer.destination), transfer.error_message.as_ref()];
                texts.into_iter().flatten().any(|text| text.to_lowercase().contains(part))
            })
            && self.matches_but_for_status(transfer)
    }

    /// Whether the filter selects transfers with this status.
    #[must_use]
    pub fn allows(&self, status: TransferStatus) -> bool {
        self.statuses().is_empty() || self.statuses().contains(&status)
    }

    /// Whether the transfer meets the conditions on values that never change. The conditions `status`, `stalled`,
    /// `completedAfter` and `q` are ignored.
    #[must_use]
    pub fn matches_but_for_status(&self, transfer: &Transfer) -> bool {
        let created_at = transfer.created_at;
        self.agent_id.is_none_or(|agent| agent == transfer.agent_id)
            && self.customer_id.is_none_or(|customer| customer == transfer.customer_id)
            && self.job_run_id.is_none_or(|run| Some(run) == transfer.job_run_id)
            && self.protocol.is_none_or(|protocol| protocol == transfer.protocol)
            && self.direction.is_none_or(|direction| direction == transfer.direction)
            && self.created_after.is_none_or(|after| created_at > after)
            && self.created_before.is_none_or(|before| created_at < before)
            && self.search.as_ref().is_none_or(|search| {
                file_name(&transfer.source).starts_with(search) || file_name(&transfer.destination).starts_with(search)
            })
    }
}

impl TransferStatus {
    /// The statuses from which a transfer can change to this one.
    #[must_use]
    pub const fn predecessors(self) -> &'static [Self] {
        match self {
            Self::Queued => &[Self::Failed],
            Self::Running => &[Self::Queued, Self::Failed],
            Self::Completed => &[Self::Queued, Self::Running, Self::Failed],
            Self::Failed | Self::Cancelled => &[Self::Queued, Self::Running],
        }
    }
}

/// The minimum length of the text of `q`, in characters, since the indexes contain groups of three characters.
const MIN_PART: usize = 3;
/// The maximum number of characters of a file name that are searched: the maximum length of a search text, since index
/// entries have a size limit.
const MAX_NAME: usize = 255;

/// The file name at the end of a URL or path, for searching: in lower case.
#[must_use]
pub fn file_name(location: &str) -> String {
    mftplus_protocol::location::file_name(location).to_lowercase().chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    const AGENT: &str = "0199c1f0-6c00-7000-8000-000000000001";
    const CREATED: &str = "2026-04-25T13:00:00.500Z";

    fn transfer() -> Transfer {
        let view = json!({
            "id": "0199c1f0-6c00-7000-8000-000000000003", "agentId": AGENT,
            "source": "sftp://host/in/Orders%20One.csv?x=1", "destination": "/data/Kept.csv", "protocol": "sftp",
            "status": "running", "progress": 5.0, "bytesTotal": 10, "sizeKnown": true, "bytesTransferred": 1,
            "speed": 1.0, "createdAt": CREATED, "agent": { "id": AGENT, "name": "a", "hostname": "a" },
            "customerId": "0199c1f0-6c00-7000-8000-000000000002", "direction": "pull", "attempt": 1, "revision": 2,
            "stalled": false, "network": {},
        });
        serde_json::from_value(view).expect("a transfer")
    }

    fn filter(fields: Value) -> TransferFilter {
        let Value::Object(fields) = fields else { panic!("fields") };
        TransferFilter::read(fields).expect("a filter")
    }

    #[rstest]
    #[case::everything(json!({}), true)]
    #[case::status(json!({ "status": "running" }), true)]
    #[case::other_status(json!({ "status": "failed" }), false)]
    #[case::agent(json!({ "agentId": AGENT }), true)]
    #[case::other_agent(json!({ "agentId": "0199c1f0-6c00-7000-8000-000000000009" }), false)]
    #[case::customer(json!({ "customerId": "0199c1f0-6c00-7000-8000-000000000002" }), true)]
    #[case::other_customer(json!({ "customerId": AGENT }), false)]
    #[case::not_stalled(json!({ "stalled": false }), true)]
    #[case::stalled(json!({ "stalled": "true" }), false)]
    #[case::protocol(json!({ "protocol": "sftp", "direction": "pull" }), true)]
    #[case::other_protocol(json!({ "protocol": "ftp" }), false)]
    #[case::other_direction(json!({ "direction": "push" }), false)]
    #[case::source_begins_so(json!({ "search": "ORDERS o" }), true)]
    #[case::destination_begins_so(json!({ "search": "kept" }), true)]
    #[case::not_in_the_middle(json!({ "search": "csv" }), false)]
    #[case::not_the_folder(json!({ "search": "data" }), false)]
    #[case::in_the_source(json!({ "q": "IN/orders" }), true)]
    #[case::in_the_destination(json!({ "q": " data/K " }), true)]
    #[case::in_neither(json!({ "q": "csv/data" }), false)]
    fn a_filter_means_what_it_says(#[case] fields: Value, #[case] matches: bool) {
        assert_eq!(filter(fields).matches(&transfer()), matches);
    }

    #[rstest]
    #[case(-1, true, false)]
    #[case(0, false, false)]
    #[case(1, false, true)]
    fn instants_are_bounds_that_do_not_count_themselves(
        #[case] millis: i64,
        #[case] is_after: bool,
        #[case] is_before: bool,
    ) {
        let at = Instant(CREATED.parse::<DateTime<Utc>>().expect("an instant") + TimeDelta::milliseconds(millis));
        let after = TransferFilter { created_after: Some(at), ..TransferFilter::default() };
        let before = TransferFilter { created_before: Some(at), ..TransferFilter::default() };
        assert_eq!((after.matches(&transfer()), before.matches(&transfer())), (is_after, is_before));
    }

    #[rstest]
    #[case::not_ended(None, false)]
    #[case::later(Some("2026-04-25T13:00:00.501Z"), true)]
    #[case::at_the_same_time(Some(CREATED), false)]
    fn an_end_is_compared_with_the_time_after_which_it_must_be(#[case] ended_at: Option<&str>, #[case] matches: bool) {
        let completed_at = ended_at.map(|at| Instant(at.parse::<DateTime<Utc>>().expect("an instant")));
        let ended = Transfer { completed_at, ..transfer() };
        assert_eq!(filter(json!({ "completedAfter": CREATED })).matches(&ended), matches);
    }

    #[test]
    fn several_statuses_mean_any_of_them() {
        let status = Some(vec![TransferStatus::Queued, TransferStatus::Running]);
        let filter = TransferFilter { status, ..TransferFilter::default() };
        assert!(filter.matches(&transfer()));
        assert!(!filter.allows(TransferStatus::Failed));
    }

    #[test]
    fn names_are_searched_in_lower_case_up_to_a_length() {
        assert_eq!(file_name("sftp://h/a/Data%20One.CSV?x=1"), "data one.csv");
        // PostgreSQL keeps no NUL.
        assert_eq!(file_name("sftp://h/100%25%00.txt"), "100%\u{fffd}.txt");
        assert_eq!(file_name(&"\u{c4}".repeat(300)), "\u{e4}".repeat(MAX_NAME));
    }
}
