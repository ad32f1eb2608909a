//! Which transfers a list holds.

use chrono::{DateTime, Utc};

use super::{Direction, Protocol, TransferStatus};
use crate::{
    ids::{AgentId, RunId},
    model::fields::{Fields, FromFields, id, instant, one_of, text},
};

/// Which transfers a list holds. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransferFilter {
    /// Only those with one of these; all, if none is named.
    pub status: Vec<TransferStatus>,
    /// Only those of this agent.
    pub agent_id: Option<AgentId>,
    /// Only those of this run of a job; GraphQL alone asks for it.
    pub job_run_id: Option<RunId>,
    /// Only those by this protocol.
    pub protocol: Option<Protocol>,
    /// Only those this way.
    pub direction: Option<Direction>,
    /// Only those made after this instant.
    pub created_after: Option<DateTime<Utc>>,
    /// Only those made before this instant.
    pub created_before: Option<DateTime<Utc>>,
    /// Only those whose source's or destination's file name begins so, whatever its case.
    pub search: Option<String>,
}

impl FromFields for TransferFilter {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", &[], one_of);
        let agent_id = fields.optional("agentId", &[], id::<AgentId>);
        let protocol = fields.optional("protocol", &[], one_of);
        let direction = fields.optional("direction", &[], one_of);
        let created_after = fields.optional("createdAfter", &[], instant);
        let created_before = fields.optional("createdBefore", &[], instant);
        let search = fields.optional("search", &[], text(0, 255));
        Some(Self {
            status: Vec::from_iter(status?),
            agent_id: agent_id?,
            job_run_id: None,
            protocol: protocol?,
            direction: direction?,
            created_after: created_after?,
            created_before: created_before?,
            search: search?.map(|search| search.to_lowercase()).filter(|search| !search.is_empty()),
        })
    }
}

impl TransferFilter {
    /// The status, if it is one.
    #[must_use]
    pub const fn only_status(&self) -> Option<TransferStatus> {
        match self.status.as_slice() {
            [status] => Some(*status),
            _ => None,
        }
    }

    /// Whether only conditions are set whose totals are maintained: the caller's customer, the agent and the status.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.status.len() <= 1
            && self.job_run_id.is_none()
            && self.protocol.is_none()
            && self.direction.is_none()
            && self.created_after.is_none()
            && self.created_before.is_none()
            && self.search.is_none()
    }
}
