//! Which transfers a list holds.

use serde::Serialize;
use utoipa::IntoParams;

use super::{Direction, Protocol, TransferStatus};
use crate::{
    ids::{AgentId, RunId},
    model::{
        Instant,
        fields::{Fields, FromFields, id, instant, one_of, text},
    },
};

/// Which transfers are meant. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams, async_graphql::InputObject)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct TransferFilter {
    /// Only those with one of these.
    // A query of REST names one at most, and describes it itself.
    #[serde(skip)]
    pub status: Option<Vec<TransferStatus>>,
    /// Only those of this agent.
    pub agent_id: Option<AgentId>,
    /// Only those of this run of a job.
    // GraphQL alone asks for it.
    #[serde(skip)]
    pub job_run_id: Option<RunId>,
    /// Only those by this protocol.
    pub protocol: Option<Protocol>,
    /// Only those this way.
    pub direction: Option<Direction>,
    /// Only those made after this instant.
    pub created_after: Option<Instant>,
    /// Only those made before this instant.
    pub created_before: Option<Instant>,
    /// Only those whose source's or destination's file name begins so, whatever its case.
    #[param(max_length = 255, pattern = "^[^\\x00-\\x1F\\x7F-\\x9F]*$")]
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
            status: status?.map(|status| vec![status]),
            agent_id: agent_id?,
            job_run_id: None,
            protocol: protocol?,
            direction: direction?,
            created_after: created_after?.map(Instant),
            created_before: created_before?.map(Instant),
            search: search?.map(|search| search.to_lowercase()).filter(|search| !search.is_empty()),
        })
    }
}

impl TransferFilter {
    /// The statuses of which a transfer must have one; all, if none is named.
    #[must_use]
    pub fn statuses(&self) -> &[TransferStatus] {
        self.status.as_deref().unwrap_or_default()
    }

    /// The status, if it is one.
    #[must_use]
    pub fn only_status(&self) -> Option<TransferStatus> {
        match self.statuses() {
            [status] => Some(*status),
            _ => None,
        }
    }

    /// Whether only conditions are set whose totals are maintained: the caller's customer, the agent and the status.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let counted = Self { status: self.status.clone(), agent_id: self.agent_id, ..Self::default() };
        self.statuses().len() <= 1 && *self == counted
    }
}
