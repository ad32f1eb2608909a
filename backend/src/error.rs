//! The one error type of the control plane.
//!
//! It is independent of HTTP and GraphQL: the status of each [`Code`] is in `transport/http_status.rs`. `Display` is the message
//! for clients. The internal cause is only in [`std::error::Error::source`], for the log, so that `to_string()` reveals
//! nothing internal.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

pub use mftplus_protocol::error_code::{Code, ConflictReason};

/// The result of a call of the control plane.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// When to retry after [`Error::Unavailable`]: a restart of a database takes some seconds.
const UNAVAILABLE_FOR: Duration = Duration::from_secs(5);

/// An error, with the message that the caller sees.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Invalid fields, each with its errors.
    #[error("{0}")]
    Fields(FieldErrors),
    /// A request that is invalid as a whole.
    #[error("{0}")]
    Invalid(String),
    /// A request that is invalid as a whole, with details for programs.
    #[error("{message}")]
    Refused {
        /// The message for clients.
        message: String,
        /// Details for programs.
        details: Value,
    },
    /// The request has no valid credentials.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The caller lacks the permission.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The object does not exist or is outside the caller's scope. Holds the noun for the object, such as `transfer`.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The method does not exist on this resource.
    #[error("this resource does not support that method")]
    MethodNotAllowed,
    /// The request conflicts with stored data.
    #[error("{message}")]
    Conflict {
        /// The message for clients.
        message: String,
        /// Details for programs, if there are any.
        details: Option<Value>,
    },
    /// The request conflicts with stored data, for a reason that is part of the published contract.
    #[error("{message}")]
    ConflictBecause {
        /// The message for clients.
        message: String,
        /// The reason in `details`.
        reason: ConflictReason,
    },
    /// The body is larger than the limit.
    #[error("the body is larger than 1 MiB: send a smaller one")]
    TooLarge,
    /// The body is not JSON, or has an unsupported encoding.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// The request conflicts with an earlier one, such as another body with the same idempotency key.
    #[error("{0}")]
    Unprocessable(&'static str),
    /// A rate limit is exceeded. Holds the time until the window of the rate limit ends.
    #[error("too many requests: try again in {} s", .0.as_secs().max(1))]
    RateLimited(Duration),
    /// A service that the request needs is unavailable, or the server is shutting down.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The database does not answer, or is full, locked or read-only. Holds the error of the database.
    #[error("the database is not available: try again in a moment")]
    DatabaseUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is larger than the limit.
    #[error("the answer is too large: ask for fewer objects or fields at once")]
    ResponseTooLarge,
    /// A GraphQL request with the hash of a document instead of the document. Clients compare the message, so it must not change.
    #[error("PersistedQueryNotSupported")]
    PersistedQueryNotSupported,
    /// A fault of the server. The message for clients is fixed; the variant holds the cause for the log.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Creates an [`Error::Fields`] with one error of a single field.
    #[must_use]
    pub fn field(name: &'static str, problem: impl Into<String>) -> Self {
        let mut fields = FieldErrors::default();
        fields.add(name, problem);
        Self::Fields(fields)
    }

    /// Creates an [`Error::Conflict`] without details.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into(), details: None }
    }

    /// Creates an [`Error::Internal`] with the cause for the log.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// Creates an [`Error::DatabaseUnavailable`] with the cause for the log.
    #[must_use]
    pub fn database_unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::DatabaseUnavailable(cause.into())
    }

    /// Returns the code of the error, from which each transport derives its status.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Fields(_) | Self::Invalid(_) | Self::Refused { .. } => Code::Invalid,
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden(_) => Code::Forbidden,
            Self::NotFound(_) => Code::NotFound,
            Self::MethodNotAllowed => Code::MethodNotAllowed,
            Self::Conflict { .. } | Self::ConflictBecause { .. } => Code::Conflict,
            Self::TooLarge => Code::TooLarge,
            Self::UnsupportedMediaType(_) => Code::UnsupportedMediaType,
            Self::Unprocessable(_) => Code::Unprocessable,
            Self::RateLimited(_) => Code::RateLimited,
            Self::Unavailable(_) | Self::DatabaseUnavailable(_) => Code::Unavailable,
            Self::ResponseTooLarge => Code::ResponseTooLarge,
            Self::PersistedQueryNotSupported => Code::PersistedQueryNotSupported,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// Whether a report was refused because it came after the end of the lease.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        matches!(self, Self::ConflictBecause { reason: ConflictReason::Lease, .. })
    }

    /// Returns how long a client should wait before it repeats the request; `None` for errors that a retry does not
    /// help.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) => Some(*wait),
            Self::Unavailable(_) | Self::DatabaseUnavailable(_) => Some(UNAVAILABLE_FOR),
            _ => None,
        }
    }

    /// [`Self::retry_after`] in whole seconds, rounded up, at least 1; `None` for errors that a retry does not help.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let wait = self.retry_after()?;
        Some(u64::try_from(wait.as_millis().div_ceil(1000).max(1)).unwrap_or(u64::MAX))
    }

    /// Returns the `details` of the error, for programs; `None` if the error has none.
    #[must_use]
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::Fields(fields) => Some(json!({ "fields": fields.0 })),
            Self::Refused { details, .. } => Some(details.clone()),
            Self::Conflict { details, .. } => details.clone(),
            Self::ConflictBecause { reason, .. } => Some(json!({ "reason": reason })),
            _ => None,
        }
    }
}

/// The errors of the fields of a request, by the name of the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl FieldErrors {
    /// Adds an error of the field `name`.
    pub fn add(&mut self, name: impl Into<String>, problem: impl Into<String>) {
        self.0.entry(name.into()).or_default().push(problem.into());
    }

    /// Returns the errors with those of the field `from` moved to the field `to`.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        if let Some(problems) = self.0.remove(from) {
            self.0.entry(to.to_owned()).or_default().extend(problems);
        }
        self
    }

    /// Whether there are no errors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (name, problems)) in self.0.iter().enumerate() {
            let lead = if index == 0 { "" } else { "; " };
            write!(f, "{lead}{name}: {}", problems.join(", "))?;
        }
        Ok(())
    }
}
