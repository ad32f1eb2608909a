//! Steps: their tasks, dependencies, agents and retry policies.

use mftplus_protocol::step::StepAction;

use super::{copy_endpoint::EndpointTemplate, diagnostic::SourceLocation, template::Template, when::When};
use crate::model::{copy_rules::CopyRules, duration::HumanDuration, retry::Retry};

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The id of the step, unique in the definition.
    pub id: String,
    /// The location of the step in the text.
    pub location: SourceLocation,
    /// The task of the step.
    pub task: Task,
    /// The steps that must have ended before this step starts, as indices into
    /// [`Definition::steps`](super::Definition::steps). All of them come before this step.
    pub needs: Vec<usize>,
    /// The outcome of the steps in `needs` with which this step runs.
    pub when: When,
    /// The agent, if the step names one.
    pub agent: Option<AgentName>,
    /// The retry policy, if the step has one.
    pub retry: Option<Retry>,
    /// The maximum duration of one attempt, if the step has one.
    pub timeout: Option<HumanDuration>,
}

/// The name of an agent in a definition: its id, name or host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName {
    /// The id, name or host name.
    pub name: String,
    /// The location of the name in the text.
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
    /// Whether an agent carries out the step. If not, the server does.
    #[must_use]
    pub const fn is_for_an_agent(&self) -> bool {
        self.task.step_type().is_for_an_agent()
    }
}

/// The task of a step, as the definition says it, with placeholders.
pub type Task = StepAction<Template, TransferTemplate>;

/// The source, destination and rules of a copy, as the definition says them, with placeholders.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferTemplate {
    /// The source; `None` if the step uses that of the definition.
    pub source: Option<EndpointTemplate>,
    /// The destination; `None` if the step uses that of the definition.
    pub destination: Option<EndpointTemplate>,
    /// The rules of the copy without `after_success`, which is kept separately because it may have parameters.
    pub rules: CopyRules,
    /// The rule `afterSuccess`: what happens to a source file after its copy. `None` if the step does not say.
    pub after_success: Option<Template>,
}
