//! The view of one agent, with its newest transfers and its jobs.

use serde::Serialize;
use utoipa::ToSchema;

use super::{agent::Agent, job::Job, transfer::Transfer};

/// An agent with its newest transfers and its jobs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AgentDetail {
    /// The agent.
    #[serde(flatten)]
    pub agent: Agent,
    /// Newest transfers of the agent, at most 20.
    pub transfers: Vec<Transfer>,
    /// Newest jobs of the agent, at most 100.
    pub jobs: Vec<Job>,
}
