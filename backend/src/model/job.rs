//! Jobs: transfers that an agent makes on a schedule. Here only as the published shape inside an agent's answer.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Instant,
    agent::AgentRef,
    transfer::{Direction, Protocol},
};
use crate::ids::{AgentId, JobId};

/// A scheduled transfer job.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The agent that runs it.
    pub agent_id: AgentId,
    /// Its name.
    pub name: String,
    /// Where it reads.
    pub source: String,
    /// Where it writes.
    pub destination: String,
    /// When it runs: five-field cron, as it was sent.
    #[schema(example = "0 2 * * *")]
    pub schedule: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// Which way.
    pub direction: Direction,
    /// Whether its schedule starts it.
    pub enabled: bool,
    /// When it last started.
    #[schema(required)]
    pub last_run_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
    /// The agent that runs it.
    pub agent: AgentRef,
}
