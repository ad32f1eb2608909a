//! The errors of requests, with a message for the user.

use std::fmt;

use mftplus_protocol::error_code::Code;

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
    /// The server refused fields of the input. Each field has its name in the API and what is wrong with it.
    Fields(Vec<(String, String)>),
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

    /// What is wrong with a field of the input, as a sentence; `None` if the field was not refused.
    pub(crate) fn problem(&self, field: &str) -> Option<String> {
        let Self::Fields(fields) = self else { return None };
        fields.iter().find(|(name, _)| name == field).map(|(_, problem)| sentence(problem))
    }

    /// Whether the request failed because another change of the object was saved before.
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
            Self::Fields(fields) => {
                let lines = fields.iter().map(|(name, problem)| format!("{}: {}", words(name), sentence(problem)));
                f.write_str(&lines.collect::<Vec<_>>().join(" "))
            }
            Self::Refused { message, .. } => f.write_str(&sentence(message)),
            Self::InvalidResponse => f.write_str(
                "The server's response is not what this page expects. Reload the page to get the current version.",
            ),
        }
    }
}

/// The name of a field of the API as words: `catchUp` as `Catch up`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    capitalized(&words)
}

/// The server's message as a sentence.
pub(crate) fn sentence(message: &str) -> String {
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
    fn each_wrong_field_has_its_own_sentence() {
        let fields = [("catchUp", "must be `last`, `skip` or `all`"), ("name", "must not be empty")];
        let error = ApiError::Fields(fields.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        assert_eq!(error.to_string(), "Catch up: Must be `last`, `skip` or `all`. Name: Must not be empty.");
        assert_eq!(error.problem("name").as_deref(), Some("Must not be empty."));
        assert_eq!(error.problem("source"), None);
        assert_eq!(ApiError::Unreachable.problem("name"), None);
    }

    #[test]
    fn only_a_missing_object_is_not_found() {
        let refused = |code: Code| ApiError::Refused { code: code.to_string(), message: String::new() };
        assert!(refused(Code::NotFound).is_not_found());
        assert!(!refused(Code::Forbidden).is_not_found());
        assert!(!ApiError::Unreachable.is_not_found());
    }
}
