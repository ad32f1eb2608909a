//! The envelope: builds the JSON around every success and every failure of the API.

use std::any::Any;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    error::{Code, Error},
    transport::{self, http_status},
};

/// What a handler returns.
pub(super) type Answer<T> = Result<Reply<T>, Failure>;

/// What a handler returns if its client may ask for an answer without a body.
pub(super) type PreferredAnswer<T> = Result<Preferred<T>, Failure>;

/// The header that names the preferences of the client which an answer follows.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Envelope of a successful answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Success<T> {
    /// Always `true`.
    #[schema(example = true)]
    success: bool,
    /// Requested data.
    data: T,
}

/// Confirmation of a deletion.
#[derive(Serialize, ToSchema)]
pub(super) struct DeletedData {
    /// Always `true`.
    #[schema(example = true)]
    pub(super) deleted: bool,
}

/// A successful answer: its status and data.
#[derive(Debug)]
pub(super) struct Reply<T>(StatusCode, T);

impl<T> Reply<T> {
    /// An answer with the status 200.
    pub(super) const fn ok(data: T) -> Self {
        Self(StatusCode::OK, data)
    }

    /// An answer with the status 201.
    pub(super) const fn created(data: T) -> Self {
        Self(StatusCode::CREATED, data)
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        json(self.0, &Success { success: true, data: self.1 })
    }
}

/// A successful answer, with its data or, if the client prefers that, without a body.
#[derive(Debug)]
pub(super) enum Preferred<T> {
    Full(Reply<T>),
    Minimal,
}

impl<T> Preferred<T> {
    /// An answer with the status 200, or 204 without the data if it `is_minimal`.
    pub(super) fn new(data: T, is_minimal: bool) -> Self {
        if is_minimal { Self::Minimal } else { Self::Full(Reply::ok(data)) }
    }
}

impl<T: Serialize> IntoResponse for Preferred<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Full(reply) => reply.into_response(),
            Self::Minimal => {
                let applied = [(PREFERENCE_APPLIED, HeaderValue::from_static("return=minimal"))];
                (StatusCode::NO_CONTENT, applied).into_response()
            }
        }
    }
}

/// An error, to be sent as an answer.
#[derive(Debug)]
pub(super) struct Failure(pub(super) Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// Envelope of an error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(super) struct FailureBody {
    /// Always `false`.
    #[schema(example = false)]
    success: bool,
    /// What went wrong, in one sentence.
    #[schema(example = "transfer not found")]
    error: String,
    /// Details for programs, such as `fields`: the errors of each field.
    #[schema(required, value_type = Option<Object>)]
    details: Option<Value>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        log(&error);
        let body = FailureBody { success: false, error: error.to_string(), details: error.details() };
        let mut response = json(http_status(error.code()), &body);
        if let Some(seconds) = error.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Logs an error once, and with the chain of its causes if the server is at fault.
fn log(error: &Error) {
    match error.code() {
        Code::Internal => tracing::error!(error = error as &dyn std::error::Error, "a request failed"),
        Code::Unavailable => tracing::warn!(error = error as &dyn std::error::Error, "a request was turned away"),
        Code::Forbidden | Code::Conflict | Code::RateLimited => tracing::info!(%error, "a request was refused"),
        _ => tracing::debug!(%error, "a request was refused"),
    }
}

/// The initial capacity of an answer in bytes: a transfer with its directives fits, so it is written without growing.
const TYPICAL_SIZE: usize = 1024;
/// The initial capacity of the headers of an answer: those of the rate limit, of the cache and of the connection fit, too.
const TYPICAL_HEADERS: usize = 8;

/// An answer with a JSON body, with or without the envelope.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(TYPICAL_SIZE);
    if serde_json::to_writer(&mut bytes, body).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(TYPICAL_HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The answer to a request whose handler panicked.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Response {
    Failure(transport::panicked(panic)).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_passes_says_when_to_ask_again() {
        let wait = |error: Error| Failure(error).into_response().headers().get(header::RETRY_AFTER).cloned();
        assert_eq!(wait(Error::Unavailable("away")), Some(HeaderValue::from_static("5")));
        assert_eq!(wait(Error::RateLimited(Duration::from_millis(1_200))), Some(HeaderValue::from_static("2")));
        assert_eq!(wait(Error::RateLimited(Duration::ZERO)), Some(HeaderValue::from_static("1")));
        assert_eq!(wait(Error::MethodNotAllowed), None);
    }
}
