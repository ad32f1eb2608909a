//! The routes of agents.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::{Address, AgentCaller, AnyCaller, Registrant, UserCaller},
    csv_and_ndjson_export::{Exported, MaybeExport},
    envelope::{Answer, DeletedData, Failure, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, OptionalBody, PrefersMinimal, Query},
    list_response::{List, ListAnswer, listed},
    transfers::TransfersData,
};
use crate::{
    ids::AgentId,
    model::{
        Fields, FromFields, PageRequest, Pagination,
        agent::{Agent, AgentFilter, Heartbeat, RegisterAgent, RotateAgentKey},
        agent_detail::AgentDetail,
        directive::Directive,
        field_reader::one_of,
        transfer::{TransferFilter, TransferStatus},
    },
};

/// A registered agent with its credentials.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredData {
    /// The agent.
    agent: Agent,
    /// API key of the agent. It is shown only once; the server stores only its digest.
    #[schema(example = "mft_ak_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    api_key: String,
    /// How to authenticate with a client certificate instead.
    mtls: Mtls,
}

/// Authentication with client certificates.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mtls {
    /// Whether this server accepts client certificates.
    enabled: bool,
    /// OpenSSL configuration for a certificate signing request of this agent.
    csr_template: String,
}

/// A new API key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiKeyData {
    /// The API key. It is shown only once.
    #[schema(example = "mft_ak_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    api_key: String,
}

/// An agent after its heartbeat.
#[derive(Serialize, ToSchema)]
pub(super) struct HeardData {
    /// The agent.
    agent: Agent,
    /// Waiting directives for the agent.
    directives: Vec<Directive>,
}

/// An agent that was asked to replace its API key.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyRotationData {
    /// The agent.
    agent: Agent,
}

/// An agent with its newest transfers and its jobs.
#[derive(Serialize, ToSchema)]
pub(super) struct AgentData {
    /// The agent.
    agent: AgentDetail,
}

/// A page of agents.
#[derive(Serialize, ToSchema)]
pub(super) struct AgentsData {
    /// Agents on this page.
    agents: Vec<Agent>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(AgentsData, "agents", agents: Agent);

/// The query parameter `status` of a list of transfers; `None` selects all.
pub(super) struct StatusFilter(Option<TransferStatus>);

impl FromFields for StatusFilter {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self(fields.optional("status", &[], one_of)?))
    }
}

/// Register a new agent
///
/// Requires the access token of a customer's user, or an enrolment code as `customerIdentifier`. An administrator must
/// send an enrolment code too.
#[utoipa::path(post, path = "/api/agents/register", tag = "Agents", security(("bearer" = []), ()),
    request_body = RegisterAgent,
    responses((status = 201, description = "The agent, with its API key", body = Success<RegisteredData>)))]
pub(super) async fn register_agent(
    State(api): State<ApiState>,
    Registrant(actor): Registrant,
    Address(address): Address,
    body: Body<RegisterAgent>,
) -> Answer<RegisteredData> {
    let registered = api.cp.register_agent(actor.as_ref(), body.input, Some(address)).await?;
    let csr_template = csr_template(&registered.agent);
    Ok(Reply::created(RegisteredData {
        agent: registered.agent,
        api_key: registered.api_key,
        mtls: Mtls { enabled: api.cp.accepts_certificates(), csr_template },
    }))
}

/// Send a heartbeat
///
/// Keeps the agent `online`. After three missed heartbeats the agent is `offline`.
#[utoipa::path(post, path = "/api/agents/heartbeat", tag = "Agents", security(("apiKey" = [])),
    request_body = Option<Heartbeat>,
    responses((status = 200, description = "The agent, and waiting directives", body = Success<HeardData>)))]
pub(super) async fn record_heartbeat(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    Address(address): Address,
    PrefersMinimal(prefers_minimal): PrefersMinimal,
    heartbeat: OptionalBody<Heartbeat>,
) -> PreferredAnswer<HeardData> {
    let (agent, directives) = api.cp.record_heartbeat(&actor, heartbeat.input, Some(address)).await?;
    let is_minimal = prefers_minimal && directives.is_empty();
    Ok(Preferred::new(HeardData { agent, directives }, is_minimal))
}

impl Exported for Agent {
    const NAME: &'static str = "agents";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "createdAt",
        "name",
        "hostname",
        "status",
        "statusReason",
        "lastHeartbeat",
        "os",
        "version",
        "ipAddress",
        "customerId",
        "load",
        "memory",
    ];

    fn id(&self) -> uuid::Uuid {
        self.id.0
    }
}

/// List all agents
///
/// With `Accept: text/csv` or `Accept: application/x-ndjson` the answer is a file with all agents of the filter; `page` and
/// `limit` are ignored.
#[utoipa::path(get, path = "/api/agents", tag = "Agents", security(("bearer" = [])),
    params(super::openapi::Paging, AgentFilter),
    responses((status = 200, description = "A page of agents, or a file with all",
        content((Success<AgentsData> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub(super) async fn list_agents(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    MaybeExport(export): MaybeExport,
    Query((request, filter)): Query<(PageRequest, AgentFilter)>,
) -> Result<Response, Failure> {
    let Some(export) = export else {
        let page = api.cp.list_agents(&actor, &filter, request).await?;
        return Ok(List::small(AgentsData { pagination: page.pagination(), agents: page.items }).into_response());
    };
    let (cp, who) = (Arc::clone(&api.cp), actor.clone());
    let list = move |request| {
        let (cp, actor, filter) = (Arc::clone(&cp), who.clone(), filter.clone());
        async move { cp.list_agents(&actor, &filter, request).await }.boxed()
    };
    export.response(&api, &actor, list).await
}

/// Get an agent
///
/// The answer contains its 20 newest transfers and at most 100 of its jobs.
#[utoipa::path(get, path = "/api/agents/{id}", tag = "Agents", security(("bearer" = [])),
    params(("id" = AgentId, Path, description = "The agent's id")),
    responses((status = 200, description = "The agent", body = Success<AgentData>)))]
pub(super) async fn get_agent(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<AgentId>,
) -> Answer<AgentData> {
    Ok(Reply::ok(AgentData { agent: api.cp.get_agent(&actor, id).await? }))
}

/// Revoke an agent
///
/// The agent's API keys and client certificates become invalid at once, and lists no longer contain the agent. Its
/// transfers are kept.
#[utoipa::path(delete, path = "/api/agents/{id}", tag = "Agents", security(("bearer" = [])),
    params(("id" = AgentId, Path, description = "The agent's id")),
    responses((status = 200, description = "The agent is revoked", body = Success<DeletedData>)))]
pub(super) async fn revoke_agent(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<AgentId>,
) -> Answer<DeletedData> {
    api.cp.revoke_agent(&actor, id).await?;
    Ok(Reply::ok(DeletedData { deleted: true }))
}

/// Get an agent's transfers
#[utoipa::path(get, path = "/api/agents/{id}/transfers", tag = "Agents", security(("bearer" = [])),
    params(("id" = AgentId, Path, description = "The agent's id"), super::openapi::Paging, super::openapi::StatusQuery),
    responses((status = 200, description = "A page of transfers", body = Success<TransfersData>)))]
pub(super) async fn list_agent_transfers(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<AgentId>,
    Query((request, filter)): Query<(PageRequest, StatusFilter)>,
) -> ListAnswer<TransfersData> {
    let filter = TransferFilter { status: filter.0.map(|status| vec![status]), ..TransferFilter::default() };
    let page = api.cp.list_agent_transfers(&actor, id, filter, request).await?;
    Ok(List::small(page.into()))
}

/// Give an agent a new API key
///
/// An agent may do so for itself. The old key stays valid for `overlapSeconds`. An agent that lost the answer may ask
/// again with the old key as long as the new key was never used; the unused key then ends. After the first use of the
/// new key, asking with the old key gets 403.
#[utoipa::path(post, path = "/api/agents/{id}/key", tag = "Agents", security(("apiKey" = []), ("bearer" = [])),
    params(("id" = AgentId, Path, description = "The agent's id")), request_body = Option<RotateAgentKey>,
    responses((status = 201, description = "The new key", body = Success<ApiKeyData>)))]
pub(super) async fn rotate_agent_key(
    State(api): State<ApiState>,
    AnyCaller(actor): AnyCaller,
    Id(id): Id<AgentId>,
    body: OptionalBody<RotateAgentKey>,
) -> Answer<ApiKeyData> {
    Ok(Reply::created(ApiKeyData { api_key: api.cp.rotate_agent_key(&actor, id, body.input.overlap()).await? }))
}

/// Request that an agent replaces its API key
///
/// Sends the agent the directive `rotateKey`, upon which it gets itself a new key with `POST /api/agents/{id}/key`: no
/// user sees that key. While such a directive waits, another request changes nothing. The directive expires after 24
/// hours. If the agent's customer is suspended, the answer is 409, because the agent receives no directives.
#[utoipa::path(post, path = "/api/agents/{id}/rotate-key", tag = "Agents", security(("bearer" = [])),
    params(("id" = AgentId, Path, description = "The agent's id")),
    responses((status = 200, description = "The agent, with the directive waiting", body = Success<KeyRotationData>)))]
pub(super) async fn request_key_rotation(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<AgentId>,
) -> Answer<KeyRotationData> {
    Ok(Reply::ok(KeyRotationData { agent: api.cp.request_key_rotation(&actor, id).await? }))
}

/// An OpenSSL configuration whose CN is the agent and whose O is the agent's customer.
fn csr_template(agent: &Agent) -> String {
    format!(
        "# openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config agent.cnf -keyout agent.key -out agent.csr\n\
         [req]\nprompt = no\ndistinguished_name = subject\nreq_extensions = extensions\n\n\
         [subject]\nO = {}\nCN = {}\n\n\
         [extensions]\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n",
        agent.customer_id, agent.id
    )
}
