//! The routes of directives.

use std::time::Duration;

use axum::{extract::State, http::request::Parts};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::{AgentCaller, agent_credentials},
    envelope::{Answer, Reply, Success},
    extract::{Id, Query},
};
use crate::{
    ids::{DirectiveId, InstanceId},
    model::{
        Fields, FromFields,
        directive::Directive,
        field_reader::{id, integer, parsed},
    },
};

/// The maximum of `wait`, in seconds.
const MAX_WAIT: i64 = 60;

/// Waiting directives of an agent.
#[derive(Serialize, ToSchema)]
pub(super) struct DirectivesData {
    /// Waiting directives, oldest first.
    directives: Vec<Directive>,
}

/// A directive.
#[derive(Serialize, ToSchema)]
pub(super) struct DirectiveData {
    /// The directive.
    directive: Directive,
}

/// The parameters of a request for directives: how long to wait, and the process that asks.
pub(super) struct Wait(Duration, Option<InstanceId>);

impl FromFields for Wait {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let seconds = fields.optional("wait", &[], parsed(integer(0, MAX_WAIT)));
        let instance = fields.optional("instanceId", &[], id::<InstanceId>);
        Some(Self(Duration::from_secs(seconds?.map_or(0, i64::unsigned_abs)), instance?))
    }
}

/// List waiting directives
///
/// With `wait` the answer comes as soon as there is a directive, or empty after this number of seconds. A directive is
/// delivered again until the agent acts on it or acknowledges it with `POST /api/agents/directives/{id}/ack`. If the
/// API key or the client certificate becomes invalid during the wait, the answer is 401.
#[utoipa::path(get, path = "/api/agents/directives", tag = "Directives", security(("apiKey" = [])),
    params(super::openapi::WaitQuery),
    responses((status = 200, description = "Waiting directives", body = Success<DirectivesData>)))]
pub(super) async fn list_directives(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    Query(Wait(wait, instance)): Query<Wait>,
    parts: Parts,
) -> Answer<DirectivesData> {
    let credentials = agent_credentials(&parts).unwrap_or_default();
    Ok(Reply::ok(DirectivesData { directives: api.cp.list_directives(&actor, credentials, wait, instance).await? }))
}

/// Acknowledge a directive
///
/// The directive is not delivered again. Acknowledging it twice changes nothing. An agent that acknowledges
/// `cancelJobRun` or `cancelStep` confirms that the run or step is not active: if no end was reported, it becomes
/// `cancelled`.
#[utoipa::path(post, path = "/api/agents/directives/{id}/ack", tag = "Directives", security(("apiKey" = [])),
    params(("id" = DirectiveId, Path, description = "The directive's id")),
    responses((status = 200, description = "The directive", body = Success<DirectiveData>)))]
pub(super) async fn acknowledge_directive(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    Id(id): Id<DirectiveId>,
) -> Answer<DirectiveData> {
    Ok(Reply::ok(DirectiveData { directive: api.cp.acknowledge_directive(&actor, id).await? }))
}
