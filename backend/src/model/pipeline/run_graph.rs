//! What a run does: the steps of one version, with parameters filled in and agents found. It is settled when the run is
//! made and kept with it, so that a run means the same until its end, whatever is saved, renamed or upgraded meanwhile.

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
    /// How many seconds the run may take.
    pub timeout_seconds: Option<u64>,
    /// Its steps, each after those it needs.
    pub nodes: Vec<Node>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// What it is called in its pipeline.
    pub id: String,
    /// Places of the steps that must have ended before it begins.
    pub needs: Vec<usize>,
    /// What must have become of them.
    pub when: When,
    /// How often it is tried.
    pub retry: Retry,
    /// How many seconds an attempt may take.
    pub timeout_seconds: Option<u64>,
    /// What is done.
    pub task: Task,
}

/// Who does what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Task {
    /// An agent does something on its machine.
    Agent {
        /// Which one.
        agent_id: AgentId,
        /// What.
        #[serde(rename = "errand")]
        action: StepInstruction,
    },
    /// The server tells somebody.
    Webhook {
        /// Whom.
        url: String,
        /// What. JSON, and what the run has come to, if nothing is said.
        body: Option<String>,
    },
    /// Something that this version cannot read. Never written: a newer version made the run, and goes on with it.
    #[serde(skip)]
    Unknown {
        /// The type of the step.
        kind: String,
        /// The agent that does it; nothing for what the server does.
        agent_id: Option<AgentId>,
    },
}

impl RunGraph {
    /// Whether this version can go on with it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.nodes.iter().any(|node| matches!(node.task, Task::Unknown { .. }))
    }
}

impl Node {
    /// A step of which no more is known than what it is called.
    #[must_use]
    pub fn unknown(id: String, kind: String, agent_id: Option<AgentId>) -> Self {
        let task = Task::Unknown { kind, agent_id };
        Self { id, needs: Vec::new(), when: When::Success, retry: Retry::NEVER, timeout_seconds: None, task }
    }

    /// The agent that does it; nothing for what the server does.
    #[must_use]
    pub const fn agent(&self) -> Option<AgentId> {
        match &self.task {
            Task::Agent { agent_id, .. } => Some(*agent_id),
            Task::Webhook { .. } => None,
            Task::Unknown { agent_id, .. } => *agent_id,
        }
    }

    /// The type of the step, as definitions have it.
    #[must_use]
    pub fn kind(&self) -> &str {
        match &self.task {
            Task::Agent { action, .. } => action.step_type().as_str(),
            Task::Webhook { .. } => StepType::Webhook.as_str(),
            Task::Unknown { kind, .. } => kind,
        }
    }

    /// What its agent is told; nothing for what the server does.
    #[must_use]
    pub fn order(&self, attempt: i64) -> Option<StepOrder> {
        let Task::Agent { action, .. } = &self.task else { return None };
        Some(StepOrder { id: self.id.clone(), attempt, timeout_seconds: self.timeout_seconds, action: action.clone() })
    }
}
