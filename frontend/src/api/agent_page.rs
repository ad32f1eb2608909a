//! The operations of an agent's page: its history, its jobs, its waiting directives and its client certificates.

use cynic::{Id, QueryBuilder};

use super::{ById, ByIdFields, Request, Total, schema};
use crate::time::Instant;

/// One minute of an agent's history.
#[derive(Clone, Copy, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "AgentHistoryPoint")]
pub(crate) struct HistoryPoint {
    pub(crate) at: Instant,
    /// The number of seconds of the minute in which a heartbeat arrived.
    pub(crate) heartbeats: i32,
    pub(crate) load: Option<f64>,
    /// Memory in use, in megabytes of 1024 × 1024.
    pub(crate) memory: Option<f64>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetHistory {
    #[arguments(id: $id)]
    agent_history: Vec<HistoryPoint>,
}

/// A job of an agent.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Job")]
pub(crate) struct AgentJob {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) last_run_at: Option<Instant>,
    pub(crate) next_run_at: Option<Instant>,
}

/// A filter of jobs.
#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "JobFilter")]
struct OfAgent {
    agent_id: Id,
}

#[derive(cynic::QueryVariables)]
struct JobsVariables {
    filter: OfAgent,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "JobsVariables")]
struct ListJobsOf {
    #[arguments(filter: $filter, first: 20)]
    jobs: AgentJobs,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "JobConnection")]
struct AgentJobs {
    nodes: Vec<AgentJob>,
    total_count: i32,
    total_is_at_least: bool,
}

/// A client certificate with which an agent may authenticate.
#[derive(Clone, Copy, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct AgentCertificate {
    pub(crate) expires_at: Instant,
}

/// A directive that an agent has not acknowledged.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct WaitingDirective {
    #[cynic(rename = "type")]
    pub(crate) kind: String,
    pub(crate) created_at: Instant,
    pub(crate) expires_at: Instant,
    pub(crate) job_id: Option<Id>,
    pub(crate) transfer_id: Option<Id>,
}

/// The certificates and waiting directives that the server has stored for an agent.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
pub(crate) struct HeldForAgent {
    /// The certificates, newest first.
    #[arguments(id: $id)]
    pub(crate) agent_certificates: Vec<AgentCertificate>,
    /// The directives, oldest first.
    #[arguments(id: $id)]
    pub(crate) agent_directives: Vec<WaitingDirective>,
}

/// Gets the directives that wait for an agent, and its certificates.
pub(crate) fn held_for(id: &str) -> Request<HeldForAgent> {
    Request::new(&HeldForAgent::build(ById::new(id)), Ok)
}

/// Gets the last 24 hours of an agent by minute. Minutes in which no server was running are left out.
pub(crate) fn history(id: &str) -> Request<Vec<HistoryPoint>> {
    Request::new(&GetHistory::build(ById::new(id)), |found| Ok(found.agent_history))
}

/// Gets the newest jobs of an agent, at most 20, and the number of all its jobs.
pub(crate) fn jobs(id: &str) -> Request<(Vec<AgentJob>, Total)> {
    let variables = JobsVariables { filter: OfAgent { agent_id: Id::new(id) } };
    Request::new(&ListJobsOf::build(variables), |ListJobsOf { jobs: found }| {
        Ok((found.nodes, (found.total_count, found.total_is_at_least)))
    })
}
