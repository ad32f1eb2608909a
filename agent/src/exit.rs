//! The exit codes of the process.

use std::process::ExitCode;

/// The exit code of a subcommand, as `--help` documents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The command was successful.
    Done = 0,
    /// The copy was cancelled on the server, or stopped by SIGINT or SIGTERM.
    Cancelled = 3,
    /// The arguments are wrong.
    Usage = 2,
    /// Another process works with a copy of this state folder.
    Duplicate = 4,
    /// The command failed for any other reason.
    Failed = 1,
}

impl Exit {
    /// The exit code of two copies: a failure outweighs a cancellation, and a cancellation outweighs a success.
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
