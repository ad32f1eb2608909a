//! Finds objects by parts of their names and paths, for the command palette.

use cynic::{Id, QueryBuilder};

use super::{Request, agents::AgentFilter, pipelines::PipelineFilter, schema, transfers::TransferStatus};

/// The minimum length, in characters, of a text that the server searches for in paths.
pub(crate) const LEAST: usize = 3;

/// An agent whose name or host name matches.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Agent")]
pub(crate) struct FoundAgent {
    pub(crate) id: Id,
    pub(crate) name: Option<String>,
    pub(crate) hostname: String,
}

/// A pipeline whose name, identifier or description matches.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Pipeline")]
pub(crate) struct FoundPipeline {
    pub(crate) id: Id,
    pub(crate) identifier: String,
    pub(crate) name: String,
}

/// A transfer whose paths or error match.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Transfer")]
pub(crate) struct FoundTransfer {
    pub(crate) id: Id,
    pub(crate) source: String,
    pub(crate) agent_name: String,
    pub(crate) status: TransferStatus,
}

/// A job, with what the viewer may do with it.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Job")]
#[expect(clippy::struct_excessive_bools, reason = "the schema has a field for each action")]
pub(crate) struct FoundJob {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) agent_name: String,
    pub(crate) enabled: bool,
    pub(crate) viewer_can_run: bool,
    pub(crate) viewer_can_disable: bool,
    pub(crate) viewer_can_enable: bool,
}

#[derive(cynic::QueryVariables)]
struct NamedVariables {
    agents: AgentFilter,
    pipelines: PipelineFilter,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "NamedVariables")]
struct FindNamed {
    #[arguments(filter: $agents, first: 5)]
    agents: FoundAgents,
    #[arguments(filter: $pipelines, first: 5)]
    pipelines: FoundPipelines,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AgentConnection")]
struct FoundAgents {
    nodes: Vec<FoundAgent>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineConnection")]
struct FoundPipelines {
    nodes: Vec<FoundPipeline>,
}

/// A filter by a part of a path or an error.
#[derive(cynic::InputObject)]
#[cynic(graphql_type = "TransferFilter")]
struct PathFilter {
    q: String,
}

#[derive(cynic::QueryVariables)]
struct PathVariables {
    filter: PathFilter,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "PathVariables")]
struct FindTransfers {
    #[arguments(filter: $filter, first: 5)]
    transfers: FoundTransfers,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "TransferConnection")]
struct FoundTransfers {
    nodes: Vec<FoundTransfer>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct FindJobs {
    #[arguments(first: 100)]
    jobs: FoundJobs,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "JobConnection")]
struct FoundJobs {
    nodes: Vec<FoundJob>,
    total_count: i32,
}

/// Finds agents and pipelines whose names contain a text, newest first.
pub(crate) fn named(text: &str) -> Request<(Vec<FoundAgent>, Vec<FoundPipeline>)> {
    let variables = NamedVariables {
        agents: AgentFilter { search: Some(text.to_owned()), ..AgentFilter::default() },
        pipelines: PipelineFilter { search: Some(text.to_owned()), ..PipelineFilter::default() },
    };
    Request::new(&FindNamed::build(variables), |found| Ok((found.agents.nodes, found.pipelines.nodes)))
}

/// Finds transfers, newest first, whose paths or errors contain a text. The text must have at least [`LEAST`]
/// characters.
pub(crate) fn transfers(text: &str) -> Request<Vec<FoundTransfer>> {
    let variables = PathVariables { filter: PathFilter { q: text.to_owned() } };
    Request::new(&FindTransfers::build(variables), |found| Ok(found.transfers.nodes))
}

/// Gets the newest 100 jobs and the total number of jobs. The dashboard searches them itself, because the server does
/// not search jobs by name.
pub(crate) fn jobs() -> Request<(Vec<FoundJob>, i32)> {
    Request::new(&FindJobs::build(()), |found| Ok((found.jobs.nodes, found.jobs.total_count)))
}
