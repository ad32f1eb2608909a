//! Agents: the programs on customers' machines that move the files.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};
use utoipa::{IntoParams, ToSchema};

use super::{
    Instant,
    bounds::MAX_MEASURE,
    fields::{Fields, FromFields, id, integer, number, one_of, raw_text, text},
    input::input,
};
use crate::ids::{AgentId, CustomerId, InstanceId};

/// Whether an agent is there, and how it fares.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    VariantNames,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum AgentStatus {
    /// Heard from lately.
    Online,
    /// Said goodbye, or was silent for three heartbeat intervals.
    Offline,
    /// There, and at work.
    Busy,
    /// There, and in trouble of its own.
    Error,
}

/// The operating systems agents run on.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Display,
    EnumString,
    VariantNames,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Os {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// macOS.
    Darwin,
}

/// An agent as everybody who may see it sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct Agent {
    /// Its id, which never changes.
    pub id: AgentId,
    /// A name of the customer's choice; need not be unique.
    #[schema(required, example = "production-server-1")]
    pub name: Option<String>,
    /// The machine's host name; need not be unique.
    #[schema(example = "server1.example.com")]
    pub hostname: String,
    /// The machine's operating system.
    pub os: Os,
    /// The version of the agent's program.
    #[schema(required, example = "0.1.0")]
    pub version: Option<String>,
    /// Whether it is there.
    pub status: AgentStatus,
    /// When it was last heard; starts as the registration.
    pub last_heartbeat: Instant,
    /// The address it was last heard from.
    #[schema(required, example = "192.0.2.10")]
    pub ip_address: Option<String>,
    /// When it registered.
    pub created_at: Instant,
    /// Whose agent it is.
    pub customer_id: CustomerId,
    /// The machine's load, as the agent reports it.
    #[schema(required, minimum = 0, example = 0.45)]
    pub load: Option<f64>,
    /// Memory in use, in MB, as the agent reports it.
    #[schema(required, minimum = 0, example = 512)]
    pub memory: Option<f64>,
    /// Counts the accepted changes; of two views the one with the higher figure is newer.
    #[schema(minimum = 1, example = 1)]
    pub revision: i64,
}

/// The agent, as it stands inside its transfers and jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentRef {
    /// The agent's id.
    pub id: AgentId,
    /// Its name, or its host name where it has none.
    #[schema(example = "production-server-1")]
    pub name: String,
    /// Its host name.
    #[schema(example = "server1.example.com")]
    pub hostname: String,
}

/// What is said to register an agent; may hold a code, so it is never printed.
#[derive(Clone, PartialEq, ToSchema)]
#[schema(rename_all = "camelCase", as = RegisterAgent)]
#[schema(example = json!({ "name": "production-server-1", "hostname": "server1.example.com", "os": "linux", "version": "0.1.0" }))]
pub struct RegisterAgent {
    /// A name of the customer's choice.
    #[schema(max_length = 255)]
    pub name: Option<String>,
    /// The machine's host name.
    #[schema(min_length = 1, max_length = 255)]
    pub hostname: String,
    /// The machine's operating system.
    pub os: Os,
    /// The version of the agent's program.
    #[schema(max_length = 64)]
    pub version: Option<String>,
    /// An enrolment code, in the place of a customer's token.
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

input! {
    /// What an agent says to show that it is there.
    #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({ "status": "online", "load": 0.45, "memory": 512 }))]
    pub struct Heartbeat {
        /// How it fares. Absent: `busy` and `error` stay, `offline` becomes `online`. `offline` is a goodbye.
        status: Option<AgentStatus> = optional("status", &[], one_of),
        /// The machine's load.
        #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
        load: Option<f64> = optional("load", &[], number(0.0, MAX_MEASURE)),
        /// Memory in use, in MB.
        #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
        memory: Option<f64> = optional("memory", &[], number(0.0, MAX_MEASURE)),
        /// The process, by a random UUID it makes when it starts. Of two with one copied state the later one gets 409 with
        /// `details.reason` `duplicateInstance`. Without it nothing is checked.
        instance_id: Option<InstanceId> = optional("instanceId", &[], id::<InstanceId>),
    }
}

/// How a key is to be replaced.
#[derive(Clone, Copy, Debug, Default, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "overlapSeconds": 3600 }))]
pub struct RotateAgentKey {
    /// How long the old key works beside the new one; a day unless said otherwise, 0 ends it now.
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub overlap_seconds: Option<i64>,
}

impl FromFields for RotateAgentKey {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { overlap_seconds: fields.optional("overlapSeconds", &[], integer(0, 2_592_000))? })
    }
}

impl RotateAgentKey {
    /// How long the old key works beside the new one, if it was said.
    #[must_use]
    pub fn overlap(&self) -> Option<Duration> {
        self.overlap_seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
    }
}

impl AgentStatus {
    /// The status after a heartbeat that says `reported`, or nothing.
    #[must_use]
    pub const fn after_heartbeat(self, reported: Option<Self>) -> Self {
        match (reported, self) {
            (Some(reported), _) => reported,
            (None, Self::Offline) => Self::Online,
            (None, unchanged) => unchanged,
        }
    }
}

/// Which agents are meant. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, IntoParams, async_graphql::InputObject)]
#[into_params(parameter_in = Query)]
pub struct AgentFilter {
    /// Only those with this status.
    pub status: Option<AgentStatus>,
    /// Only those whose name or host name holds this text, whatever its case.
    #[param(max_length = 255, pattern = "^[^\\x00-\\x1F\\x7F-\\x9F]*$")]
    pub search: Option<String>,
}

impl FromFields for AgentFilter {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", &[], one_of);
        let search = fields.optional("search", &[], text(0, 255));
        Some(Self { status: status?, search: search?.filter(|text| !text.is_empty()) })
    }
}

impl AgentFilter {
    /// Whether a list with this filter would hold the agent.
    #[must_use]
    pub fn matches(&self, agent: &Agent) -> bool {
        self.allows(agent.status) && self.matches_but_for_status(agent)
    }

    /// Whether an agent may have this status.
    #[must_use]
    pub fn allows(&self, status: AgentStatus) -> bool {
        self.status.is_none_or(|wanted| wanted == status)
    }

    /// Whether everything about the agent that never changes is as the filter wants it.
    #[must_use]
    pub fn matches_but_for_status(&self, agent: &Agent) -> bool {
        self.search.as_ref().is_none_or(|search| {
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
        assert_eq!(AgentFilter { status, search: search.map(ToOwned::to_owned) }.matches(&agent), matches);
    }
}
