//! Agents: the programs on customers' machines that move the files.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Instant,
    enum_macro::server_enum,
    field_reader::{Fields, FromFields, id, integer, message, number, one_of, raw_text, text},
    input_macro::input,
    reported_value_limits::MAX_MEASURE,
};
use crate::ids::{AgentId, CustomerId, InstanceId};

mftplus_protocol::contract_enum!(AgentStatus, server_enum);
mftplus_protocol::contract_enum!(Os, server_enum);

/// An agent: a program on a customer's machine that copies files and reports to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct Agent {
    /// Id of the agent; never changes.
    pub id: AgentId,
    /// Name that the customer chose; need not be unique.
    #[schema(required, example = "production-server-1")]
    pub name: Option<String>,
    /// Host name of the machine; need not be unique.
    #[schema(example = "server1.example.com")]
    pub hostname: String,
    /// Operating system of the machine.
    pub os: Os,
    /// Version of the agent program.
    #[schema(required, example = "0.1.0")]
    pub version: Option<String>,
    /// Status of the agent.
    pub status: AgentStatus,
    /// Why the agent has this status, as it last reported it, such as the error with the status `error`.
    #[schema(required, example = "the allowed folder /data is not mounted")]
    pub status_reason: Option<String>,
    /// Time of the last heartbeat; until the first one, time of the registration.
    pub last_heartbeat: Instant,
    /// IP address from which the last heartbeat came.
    #[schema(required, example = "192.0.2.10")]
    pub ip_address: Option<String>,
    /// Time of the registration.
    pub created_at: Instant,
    /// Customer that owns the agent.
    pub customer_id: CustomerId,
    /// Load average of the machine over the last minute, as the agent last reported it.
    #[schema(required, minimum = 0, example = 0.45)]
    pub load: Option<f64>,
    /// Memory in use in MB, as the agent last reported it.
    #[schema(required, minimum = 0, example = 512)]
    pub memory: Option<f64>,
    /// Increases with each accepted change. Of two states of one agent, the one with the higher revision is newer.
    #[schema(minimum = 1, example = 1)]
    pub revision: i64,
}

/// The agent of a transfer or job, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentRef {
    /// Id of the agent.
    pub id: AgentId,
    /// Name of the agent, or its host name if it has no name.
    #[schema(example = "production-server-1")]
    pub name: String,
    /// Host name of the agent.
    #[schema(example = "server1.example.com")]
    pub hostname: String,
}

/// Input for registering an agent. It may hold an enrolment code, so it is never printed.
#[derive(Clone, PartialEq, ToSchema)]
#[schema(rename_all = "camelCase", as = RegisterAgent)]
#[schema(example = json!({ "name": "production-server-1", "hostname": "server1.example.com", "os": "linux", "version": "0.1.0" }))]
pub struct RegisterAgent {
    /// Name for the agent.
    #[schema(max_length = 255)]
    pub name: Option<String>,
    /// Host name of the machine.
    #[schema(min_length = 1, max_length = 255)]
    pub hostname: String,
    /// Operating system of the machine.
    pub os: Os,
    /// Version of the agent program.
    #[schema(max_length = 64)]
    pub version: Option<String>,
    /// Enrolment code. Required unless a customer's user sends an access token.
    #[schema(max_length = 255)]
    pub customer_identifier: Option<String>,
}

impl FromFields for RegisterAgent {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("name", &[], text(0, 255));
        let hostname = fields.required("hostname", &[], text(1, 255));
        let os = fields.required("os", &[], one_of);
        let version = fields.optional("version", &[], text(0, 64));
        let customer_identifier = fields.optional("customerIdentifier", &[], raw_text(255));
        Some(Self {
            name: name?.filter(|name| !name.is_empty()),
            hostname: hostname?,
            os: os?,
            version: version?.filter(|version| !version.is_empty()),
            customer_identifier: customer_identifier?,
        })
    }
}

/// The longest reason of a status, in characters.
const MAX_STATUS_REASON: usize = 500;

input! {
    /// A heartbeat of an agent.
    #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({ "status": "online", "load": 0.45, "memory": 512 }))]
    pub struct Heartbeat {
        /// Status of the agent. `offline` signs the agent off. If omitted, `busy` and `error` are kept, and `offline`
        /// becomes `online`.
        status: Option<AgentStatus> = optional("status", &[], one_of),
        /// Why the agent has this status, in a sentence for people. Longer texts are cut off after 500 characters. If
        /// omitted, the reason of a status that is not sent again is kept.
        status_reason: Option<String> = optional("statusReason", &[], message(MAX_STATUS_REASON)),
        /// Load average of the machine over the last minute.
        #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
        load: Option<f64> = optional("load", &[], number(0.0, MAX_MEASURE)),
        /// Memory in use in MB.
        #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
        memory: Option<f64> = optional("memory", &[], number(0.0, MAX_MEASURE)),
        /// Random UUID that the agent process chose at its start. If two processes use copies of one state folder, the
        /// process that started later gets 409 with `details.reason` `duplicateInstance`. If omitted, this is not
        /// checked.
        instance_id: Option<InstanceId> = optional("instanceId", &[], id::<InstanceId>),
    }
}

/// Input for replacing an API key.
#[derive(Clone, Copy, Debug, Default, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "overlapSeconds": 3600 }))]
pub struct RotateAgentKey {
    /// Seconds for which the old key stays valid beside the new one. Default: 86,400 (one day). 0 ends the old key at
    /// once.
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub overlap_seconds: Option<i64>,
}

impl FromFields for RotateAgentKey {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { overlap_seconds: fields.optional("overlapSeconds", &[], integer(0, 2_592_000))? })
    }
}

impl RotateAgentKey {
    /// How long the old key stays valid beside the new one; `None` if the request omits it.
    #[must_use]
    pub fn overlap(&self) -> Option<Duration> {
        self.overlap_seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
    }
}

impl AgentStatus {
    /// The status after a heartbeat with the status `reported`; `None` if the heartbeat has no status.
    #[must_use]
    pub const fn after_heartbeat(self, reported: Option<Self>) -> Self {
        match (reported, self) {
            (Some(reported), _) => reported,
            (None, Self::Offline) => Self::Online,
            (None, unchanged) => unchanged,
        }
    }
}

/// Selects agents. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams, async_graphql::InputObject)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AgentFilter {
    /// Agents with this status.
    pub status: Option<AgentStatus>,
    /// Agents of this customer. A user of a customer has access to agents of that customer only.
    pub customer_id: Option<CustomerId>,
    /// Agents whose name or host name contains this text. Case is ignored.
    #[param(max_length = 255, pattern = "^[^\\x00-\\x1F\\x7F-\\x9F]*$")]
    pub search: Option<String>,
}

impl FromFields for AgentFilter {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", &[], one_of);
        let customer_id = fields.optional("customerId", &[], id::<CustomerId>);
        let search = fields.optional("search", &[], text(0, 255));
        Some(Self { status: status?, customer_id: customer_id?, search: search?.filter(|text| !text.is_empty()) })
    }
}

impl AgentFilter {
    /// Whether the filter selects the agent.
    #[must_use]
    pub fn matches(&self, agent: &Agent) -> bool {
        self.allows(agent.status) && self.matches_but_for_status(agent)
    }

    /// Whether the filter selects agents with this status.
    #[must_use]
    pub fn allows(&self, status: AgentStatus) -> bool {
        self.status.is_none_or(|wanted| wanted == status)
    }

    /// Whether the filter selects the agent, apart from its status. The other conditions are about values that never
    /// change.
    #[must_use]
    pub fn matches_but_for_status(&self, agent: &Agent) -> bool {
        self.customer_id.is_none_or(|customer| customer == agent.customer_id)
            && self.search.as_ref().is_none_or(|search| {
                let search = search.to_lowercase();
                let holds = |text: &str| text.to_lowercase().contains(&search);
                agent.name.as_deref().is_some_and(holds) || holds(&agent.hostname)
            })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(None, None, true)]
    #[case(Some(AgentStatus::Online), None, true)]
    #[case(Some(AgentStatus::Error), None, false)]
    #[case(None, Some("MUNICH"), true)]
    #[case(None, Some("edge-"), true)]
    #[case(None, Some("berlin"), false)]
    #[case(Some(AgentStatus::Error), Some("edge"), false)]
    fn a_filter_means_what_it_says(
        #[case] status: Option<AgentStatus>,
        #[case] search: Option<&str>,
        #[case] matches: bool,
    ) {
        let id = "0199c1f0-6c00-7000-8000-000000000001";
        let agent = json!({
            "id": id, "name": "Gateway Munich", "hostname": "edge-1", "os": "linux", "status": "online",
            "lastHeartbeat": "2026-04-25T13:00:00Z", "createdAt": "2026-04-25T13:00:00Z", "customerId": id,
            "revision": 1,
        });
        let agent: Agent = serde_json::from_value(agent).expect("an agent");
        let filter = AgentFilter { status, customer_id: None, search: search.map(ToOwned::to_owned) };
        assert_eq!(filter.matches(&agent), matches);
        let own = AgentFilter { customer_id: Some(agent.customer_id), ..filter.clone() };
        assert_eq!(own.matches(&agent), matches);
        let other = AgentFilter { customer_id: Some(CustomerId(uuid::Uuid::nil())), ..filter };
        assert!(!other.matches(&agent));
    }
}
