//! The errors of requests, with a message for the user.

use std::fmt;

use mftplus_protocol::error::Code;

use crate::format::{capitalized, counted};

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The server did not respond.
    Unreachable,
    /// The session has ended.
    SignedOut,
    /// The rate limit is exceeded for this many seconds.
    RateLimited(u32),
    /// The server refused the request.
    Refused {
        /// The name of a [`Code`], or a name that only a later version of the server knows.
        code: String,
        /// The server's message.
        message: String,
    },
    /// The response does not have the expected form.
    InvalidResponse,
}

impl ApiError {
    /// Whether the object does not exist, or the user has no access to it.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == Code::NotFound.as_str())
    }

    /// Whether another change was saved first.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == Code::Conflict.as_str())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("The server cannot be reached. Check the network, then try again."),
            Self::SignedOut => f.write_str("Your session has ended. Sign in again."),
            Self::RateLimited(seconds) => {
                write!(f, "Too many requests. Try again in {}.", counted((*seconds).into(), "second"))
            }
            Self::Refused { message, .. } => f.write_str(&sentence(message)),
            Self::InvalidResponse => f.write_str(
                "The server's response is not what this page expects. Reload the page to get the current version.",
            ),
        }
    }
}

/// The server's message as a sentence.
fn sentence(message: &str) -> String {
    if message.is_empty() {
        return "The server refused the request.".to_owned();
    }
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    capitalized(message) + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_the_server_becomes_a_sentence() {
        let shown = |message: &str| ApiError::Refused { code: String::new(), message: message.to_owned() }.to_string();
        assert_eq!(shown("agent not found"), "Agent not found.");
        assert_eq!(shown("Really?"), "Really?");
        assert_eq!(shown(""), "The server refused the request.");
    }

    #[test]
    fn only_a_missing_object_is_not_found() {
        let refused = |code: Code| ApiError::Refused { code: code.to_string(), message: String::new() };
        assert!(refused(Code::NotFound).is_not_found());
        assert!(!refused(Code::Forbidden).is_not_found());
        assert!(!ApiError::Unreachable.is_not_found());
    }
}
