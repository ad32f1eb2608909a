//! Why a task ended without success.

use std::io;

/// Why a task ended without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error, with the message that is printed.
    Failed(String),
    /// Ctrl-C, or another signal that ends programs.
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

/// Adds to an error what the program was doing.
pub(crate) trait Context<T> {
    /// Converts the error into a [`Failure`] with the message `WHAT: ERROR`.
    fn context(self, what: impl std::fmt::Display) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl std::fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::Failed(format!("{what}: {error}")))
    }
}
