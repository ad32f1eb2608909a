//! Steps: their tasks, dependencies, agents and retry policies.

use mftplus_protocol::{step::StepAction, wire::Verify};

use super::{diagnostic::SourceLocation, endpoint::EndpointTemplate, template::Template, when::When};
use crate::model::{duration::HumanDuration, retry::Retry};

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its id, unique in the definition.
    pub id: String,
    /// Its location in the text.
    pub location: SourceLocation,
    /// What it does.
    pub task: Task,
    /// The steps that must have ended before, by their indices in [`Definition::steps`](super::Definition::steps). All of
    /// them stand before this one.
    pub needs: Vec<usize>,
    /// The outcome of these steps that it needs.
    pub when: When,
    /// The agent, if the step names one.
    pub agent: Option<AgentName>,
    /// The retry policy, if the step has one.
    pub retry: Option<Retry>,
    /// How long one attempt may take.
    pub timeout: Option<HumanDuration>,
}

/// The name of an agent in a definition: its id, name or host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName {
    /// The id, name or host name.
    pub name: String,
    /// Its location in the text.
    pub location: SourceLocation,
}

impl AgentName {
    /// The id, name or host name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl Step {
    /// Whether an agent carries it out. If not, the server does.
    #[must_use]
    pub const fn is_for_an_agent(&self) -> bool {
        self.task.step_type().is_for_an_agent()
    }
}

/// The task of a step, as it is written.
pub type Task = StepAction<Template, TransferTemplate>;

/// The sides of a copy, as they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferTemplate {
    /// The source, if it is not that of the definition.
    pub source: Option<EndpointTemplate>,
    /// The destination, if it is not that of the definition.
    pub destination: Option<EndpointTemplate>,
    /// How the copy is compared with what was read.
    pub verify: Verify,
}
