//! The steps of a run: those of one version, with parameters filled in and agents found. They are fixed when the run is
//! created and stored with it, so that later changes of the pipeline, its agents or the server do not change the run.

use mftplus_protocol::step::StepType;
use serde::{Deserialize, Serialize};

use crate::{
    ids::AgentId,
    model::{
        definition::When,
        directive::{StepInstruction, StepOrder},
        retry::Retry,
    },
};

/// The steps of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunGraph {
    /// The maximum duration of the run, in seconds; `None` if it is not limited.
    pub timeout_seconds: Option<u64>,
    /// The steps in topological order.
    pub nodes: Vec<Node>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// The id of the step in its pipeline.
    pub id: String,
    /// The indices of the steps that must have ended before this step starts.
    pub needs: Vec<usize>,
    /// The outcome of the steps in `needs` with which this step runs.
    pub when: When,
    /// The retry policy of the step.
    pub retry: Retry,
    /// The maximum duration of an attempt, in seconds; `None` if it is not limited.
    pub timeout_seconds: Option<u64>,
    /// The task of the step.
    pub task: Task,
}

/// The task of a step, and whether an agent or the server carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Task {
    /// A task of an agent.
    Agent {
        /// The agent.
        agent_id: AgentId,
        /// The action that the agent carries out.
        #[serde(rename = "errand")]
        action: StepInstruction,
    },
    /// A webhook, which the server sends.
    Webhook {
        /// The URL that the webhook is sent to.
        url: String,
        /// The body in JSON; `None` for the state of the run.
        body: Option<String>,
    },
    /// A task that this version cannot read. Never written: a newer version of the server created the run, and
    /// continues it.
    #[serde(skip)]
    Unknown {
        /// The type of the step.
        kind: String,
        /// The agent of the step; `None` for a step of the server.
        agent_id: Option<AgentId>,
    },
}

impl RunGraph {
    /// Whether this version can continue the run.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.nodes.iter().any(|node| matches!(node.task, Task::Unknown { .. }))
    }
}

impl Node {
    /// Creates a step of which only the id, the type and the agent are known.
    #[must_use]
    pub fn unknown(id: String, kind: String, agent_id: Option<AgentId>) -> Self {
        let task = Task::Unknown { kind, agent_id };
        Self { id, needs: Vec::new(), when: When::Success, retry: Retry::NEVER, timeout_seconds: None, task }
    }

    /// The agent of the step; `None` for a step of the server.
    #[must_use]
    pub const fn agent(&self) -> Option<AgentId> {
        match &self.task {
            Task::Agent { agent_id, .. } => Some(*agent_id),
            Task::Webhook { .. } => None,
            Task::Unknown { agent_id, .. } => *agent_id,
        }
    }

    /// The type of the step, as in definitions.
    #[must_use]
    pub fn kind(&self) -> &str {
        match &self.task {
            Task::Agent { action, .. } => action.step_type().as_str(),
            Task::Webhook { .. } => StepType::Webhook.as_str(),
            Task::Unknown { kind, .. } => kind,
        }
    }

    /// The instruction for the agent; `None` for a step of the server.
    #[must_use]
    pub fn order(&self, attempt: i64) -> Option<StepOrder> {
        let Task::Agent { action, .. } = &self.task else { return None };
        Some(StepOrder { id: self.id.clone(), attempt, timeout_seconds: self.timeout_seconds, action: action.clone() })
    }
}
