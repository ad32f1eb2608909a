//! The error of paths that were given wrong, on the command line or by the server.

/// Paths that cannot be copied as they were given; the message says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);
