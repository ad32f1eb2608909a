//! Agents: list, get, subscribe, rotate the key or request it, revoke.

use cynic::{Id, MutationBuilder, QueryBuilder, SubscriptionBuilder};

use super::{ApiError, ById, ByIdFields, Page, Request, customers::CustomerName, schema, schema_enum::schema_enum};
use crate::time::Instant;

mftplus_protocol::contract_enum!(AgentStatus, schema_enum);
mftplus_protocol::contract_enum!(Os, schema_enum);

/// An agent without its links to other objects. All operations select the same fields.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct Agent {
    pub(crate) id: Id,
    pub(crate) name: Option<String>,
    pub(crate) hostname: String,
    pub(crate) os: Os,
    pub(crate) version: Option<String>,
    pub(crate) status: AgentStatus,
    /// Why the agent has this status, as it last reported it.
    pub(crate) status_reason: Option<String>,
    pub(crate) last_heartbeat: Instant,
    pub(crate) ip_address: Option<String>,
    pub(crate) created_at: Instant,
    /// Load average of the last minute.
    pub(crate) load: Option<f64>,
    /// Memory in use, in megabytes of 1024 × 1024.
    pub(crate) memory: Option<f64>,
    pub(crate) revision: i32,
}

impl Agent {
    /// The name, or the host name if it has no name.
    pub(crate) fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.hostname)
    }
}

/// An agent with its customer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AgentLinks {
    pub(crate) customer: Option<CustomerName>,
    pub(crate) agent: Agent,
}

/// The customer of an agent. It is selected beside the agent under an alias, not flattened into the same struct: serde
/// reads flattened structs through a buffer, with a second copy of the code that reads an agent.
#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Agent")]
struct Owner {
    customer: Option<CustomerName>,
}

/// The links of an agent to other objects, and what the viewer may do with the agent, for the agent's page. These do
/// not depend on the agent's state, so updates do not contain them.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "Agent")]
pub(crate) struct AgentDetails {
    pub(crate) customer: Option<CustomerName>,
    pub(crate) viewer_can_revoke: bool,
    pub(crate) viewer_can_rotate_key: bool,
}

/// A filter of agents. All conditions apply.
#[derive(Clone, Debug, Default, PartialEq, cynic::InputObject)]
pub(crate) struct AgentFilter {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<AgentStatus>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) customer_id: Option<Id>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) search: Option<String>,
}

#[derive(cynic::QueryVariables)]
struct ListVariables {
    filter: AgentFilter,
    first: i32,
    page: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ListVariables")]
struct ListAgents {
    #[arguments(filter: $filter, first: $first, page: $page)]
    agents: AgentConnection,
}

#[derive(cynic::QueryFragment)]
struct AgentConnection {
    nodes: Vec<Agent>,
    #[cynic(rename = "nodes", alias)]
    owners: Vec<Owner>,
    total_count: i32,
    total_is_at_least: bool,
}

#[derive(cynic::QueryVariables)]
struct FirstVariables {
    offline: AgentFilter,
    in_error: AgentFilter,
    first: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "FirstVariables")]
struct ListFirst {
    #[arguments(filter: $offline, first: $first, page: 1)]
    #[cynic(rename = "agents", alias)]
    offline: AgentRows,
    #[arguments(filter: $in_error, first: $first, page: 1)]
    #[cynic(rename = "agents", alias)]
    in_error: AgentRows,
    #[arguments(first: $first, page: 1)]
    agents: AgentRows,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AgentConnection")]
struct AgentRows {
    nodes: Vec<Agent>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ById")]
struct GetAgent {
    #[arguments(id: $id)]
    agent: Option<Agent>,
    #[arguments(id: $id)]
    #[cynic(rename = "agent", alias)]
    details: Option<AgentDetails>,
}

#[derive(cynic::QueryVariables)]
struct RotateVariables {
    id: Id,
    overlap_seconds: i32,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RotateVariables")]
struct RotateAgentKey {
    #[arguments(id: $id, overlapSeconds: $overlap_seconds)]
    rotate_agent_key: AgentKey,
}

#[derive(cynic::QueryFragment)]
struct AgentKey {
    api_key: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct RequestKeyRotation {
    #[arguments(id: $id)]
    request_key_rotation: Agent,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct RevokeAgent {
    #[arguments(id: $id)]
    revoke_agent: Id,
}

/// The agents to subscribe to: those with these ids, or all without ids.
#[derive(cynic::QueryVariables)]
struct WatchVariables {
    #[cynic(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<Id>>,
    /// Whether the server sends the current states first.
    initial: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "WatchVariables")]
struct WatchAgents {
    #[arguments(ids: $ids, initial: $initial)]
    agent_updated: AgentUpdate,
}

#[derive(cynic::QueryFragment)]
struct AgentUpdate {
    agent: Option<Agent>,
}

/// Subscribes to the agents with these ids, or to all agents without ids. With ids, the server sends the current states
/// first. An update is the latest state of one agent; `None` means that updates may have been missed.
pub(crate) fn watch(ids: Option<Vec<Id>>) -> Request<Option<Agent>> {
    let initial = ids.is_some();
    Request::stream(&WatchAgents::build(WatchVariables { ids, initial }), |frame| frame.agent_updated.agent)
}

/// One page of the agents that match a filter, newest first, with up to 100 rows.
pub(crate) fn list_some(filter: AgentFilter, first: i32, page: i32) -> Request<Page<AgentLinks>> {
    Request::new(&ListAgents::build(ListVariables { filter, first, page }), |ListAgents { agents: found }| {
        let owners = found.owners.into_iter().map(|owner| owner.customer);
        let rows = found.nodes.into_iter().zip(owners).map(|(agent, customer)| AgentLinks { customer, agent });
        Ok(Page { items: rows.collect(), total: found.total_count, total_is_at_least: found.total_is_at_least })
    })
}

/// Gets up to `most` agents of each of these groups, newest first, without duplicates: offline agents, agents in error,
/// all agents. The groups follow each other in this order.
pub(crate) fn list_troubled_first(most: u8) -> Request<Vec<Agent>> {
    let with = |status| AgentFilter { status: Some(status), ..AgentFilter::default() };
    let (offline, in_error) = (with(AgentStatus::Offline), with(AgentStatus::Error));
    let operation = ListFirst::build(FirstVariables { offline, in_error, first: most.into() });
    Request::new(&operation, |ListFirst { offline, in_error, agents }| {
        let mut found = offline.nodes;
        for agent in in_error.nodes.into_iter().chain(agents.nodes) {
            if found.iter().all(|known| known.id != agent.id) {
                found.push(agent);
            }
        }
        Ok(found)
    })
}

/// Gets one agent with its details.
pub(crate) fn get(id: &str) -> Request<(Agent, AgentDetails)> {
    Request::new(&GetAgent::build(ById::new(id)), |GetAgent { agent, details }| {
        agent.zip(details).ok_or(ApiError::InvalidResponse)
    })
}

/// Creates a new API key for an agent, which no other operation returns. The old key stays valid for `overlap_seconds`.
pub(crate) fn rotate_key(id: &str, overlap_seconds: i32) -> Request<String> {
    let variables = RotateVariables { id: Id::new(id), overlap_seconds };
    Request::new(&RotateAgentKey::build(variables), |rotated| Ok(rotated.rotate_agent_key.api_key))
}

/// Requests that an agent replace its API key.
pub(crate) fn request_key_rotation(id: &str) -> Request<Agent> {
    Request::new(&RequestKeyRotation::build(ById::new(id)), |requested| Ok(requested.request_key_rotation))
}

/// Revokes an agent: its API keys stop working at once. Its transfers are kept. Returns its id.
pub(crate) fn revoke(id: &str) -> Request<Id> {
    Request::new(&RevokeAgent::build(ById::new(id)), |revoked| Ok(revoked.revoke_agent))
}
