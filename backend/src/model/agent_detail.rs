//! An agent as one request returns it, with its newest transfers and its jobs.

use serde::Serialize;
use utoipa::ToSchema;

use super::{agent::Agent, job::Job, transfer::Transfer};

/// An agent with what it is and was at work on.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AgentDetail {
    /// The agent.
    #[serde(flatten)]
    pub agent: Agent,
    /// Its newest 20 transfers.
    pub transfers: Vec<Transfer>,
    /// Its jobs, at most 100.
    pub jobs: Vec<Job>,
}
