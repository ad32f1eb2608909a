//! Steps: what is done, when, by whom, and how often it is tried.

use mftplus_protocol::{archive::Format, wire::Verify};

use super::{diagnostic::SourceLocation, endpoint::EndpointTemplate, template::Template, when::When};
use crate::model::{period::Period, retry::Retry};

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is called; once in its definition.
    pub id: String,
    /// Its location in the text.
    pub location: SourceLocation,
    /// What it does.
    pub task: Task,
    /// The steps that must have ended before, by their indices in [`Definition::steps`](super::Definition::steps). All of
    /// them stand before this one.
    pub needs: Vec<usize>,
    /// What must have become of them.
    pub when: When,
    /// Who does it, if the step says so.
    pub agent: Option<AgentName>,
    /// How often it is tried, if the step says so.
    pub retry: Option<Retry>,
    /// How long one attempt may take.
    pub timeout: Option<Period>,
}

/// An agent as somebody names it: by its id, name or host name.
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
    /// Whether an agent does it; else the server does.
    #[must_use]
    pub const fn is_for_an_agent(&self) -> bool {
        !matches!(self.task, Task::Webhook { .. })
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Task {
    /// Copies from an endpoint to an endpoint.
    Transfer {
        /// Where it reads, if not where the definition says.
        source: Option<EndpointTemplate>,
        /// Where it writes, if not where the definition says.
        destination: Option<EndpointTemplate>,
        /// How the copy is compared with what was read.
        verify: Verify,
    },
    /// Computes the SHA-256 of a file and compares it.
    Checksum {
        /// The file.
        path: Template,
        /// What it must be.
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
        /// What it is called then.
        to: Template,
    },
    /// Deletes a file.
    Delete {
        /// The file.
        path: Template,
    },
    /// Tells a web server.
    Webhook {
        /// Whom.
        url: Template,
        /// What, if not what the run has come to.
        body: Option<Template>,
    },
}

/// What is compressed or decompressed.
#[derive(Clone, Debug, PartialEq)]
pub struct Packing {
    /// The file.
    pub path: Template,
    /// What is written, if the name does not say it.
    pub output: Option<Template>,
    /// The format, if the name does not say it.
    pub format: Option<Format>,
}

impl Task {
    /// The word for it in a definition.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.into()
    }
}
