//! How a chore ends when it does not end well.

use std::io;

/// Why a chore stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong; the text is for the person at the terminal.
    Failed(String),
    /// Ctrl-C, or another signal to stop.
    Interrupted,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::Failed(message.to_owned())
    }
}

/// Says what was being done when the operating system refused.
pub(crate) trait Context<T> {
    /// Puts `what` in front of the system's own words.
    fn context(self, what: impl std::fmt::Display) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl std::fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::Failed(format!("{what}: {error}")))
    }
}
