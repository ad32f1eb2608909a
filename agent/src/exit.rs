//! The exit codes of the process.

use std::process::ExitCode;

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All is well.
    Done = 0,
    /// Cancelled or stopped.
    Cancelled = 3,
    /// Wrong usage.
    Usage = 2,
    /// Another process works with a copy of this one's state.
    Duplicate = 4,
    /// Anything else.
    Failed = 1,
}

impl Exit {
    /// The exit code of two copies: a failure outweighs a cancellation, and that a success.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done, other) | (Self::Cancelled, other @ (Self::Failed | Self::Usage)) => other,
            (one, _) => one,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
