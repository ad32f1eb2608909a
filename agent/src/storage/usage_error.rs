//! The error for wrong paths and arguments, from the command line or from the server.

/// The paths or arguments cannot be used as they were given; the message says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);
