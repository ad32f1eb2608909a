//! The one error type of the control plane.
//!
//! It knows nothing of HTTP or GraphQL: each transport maps [`Code`] in exactly one place. `Display` is the sentence a
//! client may read; what really happened inside is only in [`std::error::Error::source`] and goes to the log, so that
//! nothing internal leaks through `to_string()`.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

pub use mftplus_protocol::error::{Code, ConflictReason};

/// What a call of the control plane returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How long something that is away is likely to stay away: a database that restarts takes some seconds.
const UNAVAILABLE_FOR: Duration = Duration::from_secs(5);

/// A failure, as the caller may see it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields with what is wrong with each.
    #[error("{0}")]
    Fields(FieldErrors),
    /// A request that is wrong as a whole.
    #[error("{0}")]
    Invalid(String),
    /// A request that is wrong as a whole, with more for programs.
    #[error("{message}")]
    Refused {
        /// What is wrong.
        message: String,
        /// More for programs.
        details: Value,
    },
    /// No credentials, or none that are valid.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Known, but not allowed.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Not there, or outside the caller's scope. Holds the noun.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The method does not exist on this resource.
    #[error("this resource does not support that method")]
    MethodNotAllowed,
    /// Contradicts what is stored.
    #[error("{message}")]
    Conflict {
        /// What contradicts what.
        message: String,
        /// More for programs, if there is more.
        details: Option<Value>,
    },
    /// Contradicts what is stored, for a reason that programs know.
    #[error("{message}")]
    ConflictBecause {
        /// What contradicts what.
        message: String,
        /// The reason.
        reason: ConflictReason,
    },
    /// Body over the limit.
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// Not JSON, or not as it stands.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// Contradicts an earlier request.
    #[error("{0}")]
    Unprocessable(&'static str),
    /// Too many requests; holds the time until the window ends.
    #[error("too many requests: try again in {} s", .0.as_secs().max(1))]
    RateLimited(Duration),
    /// Something needed is away.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The database is away, hung, full, locked or read-only; holds what it said.
    #[error("the database is not available: try again in a moment")]
    DatabaseUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Answer over the limit.
    #[error("the answer is too large: ask for fewer objects or fields at once")]
    ResponseTooLarge,
    /// A document that is named by its hash instead of being sent. Clients know this very text.
    #[error("PersistedQueryNotSupported")]
    PersistedQueryNotSupported,
    /// A fault of the server; its text is fixed.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A single wrong field.
    #[must_use]
    pub fn field(name: &'static str, problem: impl Into<String>) -> Self {
        let mut fields = FieldErrors::default();
        fields.add(name, problem);
        Self::Fields(fields)
    }

    /// A conflict without details.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into(), details: None }
    }

    /// A fault of the server, with what happened for the log.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The database cannot be used, with what happened for the log.
    #[must_use]
    pub fn database_unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::DatabaseUnavailable(cause.into())
    }

    /// The kind of failure.
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

    /// Whether it says that a report came after the server had given up waiting for it.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        matches!(self, Self::ConflictBecause { reason: ConflictReason::Lease, .. })
    }

    /// When asking again may help, if it is known or can be guessed.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) => Some(*wait),
            Self::Unavailable(_) | Self::DatabaseUnavailable(_) => Some(UNAVAILABLE_FOR),
            _ => None,
        }
    }

    /// The same in whole seconds, rounded up so that asking then is never too early.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let wait = self.retry_after()?;
        Some(u64::try_from(wait.as_millis().div_ceil(1000).max(1)).unwrap_or(u64::MAX))
    }

    /// What a program may want to know beside the sentence.
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

/// Wrong fields by name, each with all that is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl FieldErrors {
    /// Notes that `name` is wrong.
    pub fn add(&mut self, name: impl Into<String>, problem: impl Into<String>) {
        self.0.entry(name.into()).or_default().push(problem.into());
    }

    /// The same problems, with those of the field `from` under the name `to`.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        if let Some(problems) = self.0.remove(from) {
            self.0.entry(to.to_owned()).or_default().extend(problems);
        }
        self
    }

    /// Whether nothing is wrong.
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
