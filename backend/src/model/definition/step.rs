//! Steps: their tasks, dependencies, agents and retry policies.

use mftplus_protocol::{archive::Format, wire::Verify};

use super::{diagnostic::SourceLocation, endpoint::EndpointTemplate, template::Template, when::When};
use crate::model::{period::Period, retry::Retry};

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
    pub timeout: Option<Period>,
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
        !matches!(self.task, Task::Webhook { .. })
    }
}

/// The task of a step.
#[derive(Clone, Debug, PartialEq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Task {
    /// Copies from an endpoint to an endpoint.
    Transfer {
        /// The source, if it is not that of the definition.
        source: Option<EndpointTemplate>,
        /// The destination, if it is not that of the definition.
        destination: Option<EndpointTemplate>,
        /// How the copy is compared with what was read.
        verify: Verify,
    },
    /// Computes the SHA-256 of a file and compares it.
    Checksum {
        /// The file.
        path: Template,
        /// The expected SHA-256.
        expected: Option<Template>,
    },
    /// Compresses a file.
    Compress(Packing),
    /// Decompresses a file.
    Decompress(Packing),
    /// Renames or moves a file.
    Rename {
        /// The file.
        from: Template,
        /// The new path.
        to: Template,
    },
    /// Deletes a file.
    Delete {
        /// The file.
        path: Template,
    },
    /// Sends a `POST` to a URL.
    Webhook {
        /// The URL.
        url: Template,
        /// The body; by default the state of the run.
        body: Option<Template>,
    },
}

/// The parameters of `compress` and `decompress`.
#[derive(Clone, Debug, PartialEq)]
pub struct Packing {
    /// The file.
    pub path: Template,
    /// The output, if it does not follow from the path.
    pub output: Option<Template>,
    /// The format, if it does not follow from the name.
    pub format: Option<Format>,
}

impl Task {
    /// Its `type` in a definition.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.into()
    }
}
