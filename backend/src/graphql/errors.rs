//! Converts errors into GraphQL errors, in one place: the code is in `extensions.code`, the id of the request in
//! `extensions.requestId`, field errors in `extensions.fields`, and other details for programs in `extensions.details`,
//! as in REST. Internal causes are not included. The failed field is null, as the specification requires.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use bytes::Bytes;

use crate::{
    error::{Code, Error},
    transport::RequestId,
};

pub(super) fn translated(mut response: Response) -> Response {
    response.errors.iter_mut().for_each(translate);
    response
}

fn translate(error: &mut ServerError) {
    if let Some(ours) = ours(error) {
        let (message, extensions) = public(ours);
        log(ours);
        error.message = message;
        error.extensions = Some(extensions);
    } else if error.source.is_some() {
        tracing::error!(message = error.message, "a resolver failed with an error of an unknown type");
        let (message, extensions) = public(&Error::internal("unknown error of a resolver"));
        error.message = message;
        error.extensions = Some(extensions);
    } else if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
        // An error of the request: it could not be parsed, or is not valid for the schema.
        identify(error.extensions.get_or_insert_default(), Code::Invalid);
    }
    error.source = None;
}

/// Wraps an error of the control plane, so that [`translated`] converts it with the other errors of its response.
pub(super) fn failed(error: Error) -> ServerError {
    ServerError { source: Some(Arc::new(error)), ..ServerError::new("", None) }
}

/// Converts the error for a document that cannot be parsed.
pub(super) fn wrong_document(mut error: ServerError) -> ServerError {
    translate(&mut error);
    error
}

/// The error of the control plane in a GraphQL error. Loaders and streams share such errors.
fn ours(error: &ServerError) -> Option<&Error> {
    error.source::<Error>().or_else(|| error.source::<Arc<Error>>().map(AsRef::as_ref))
}

/// Converts an error of the control plane that does not come from a resolver, and logs it if it is internal.
pub(super) fn server_error(error: &Error) -> ServerError {
    log(error);
    let (message, extensions) = public(error);
    ServerError { extensions: Some(extensions), ..ServerError::new(message, None) }
}

/// Serializes a value as JSON; if that fails, returns a JSON array with one internal error.
pub(super) fn json(value: &(impl serde::Serialize + ?Sized)) -> Bytes {
    serde_json::to_vec(value).unwrap_or_else(|_| br#"[{"message":"internal error"}]"#.to_vec()).into()
}

/// Whether a response has a request error, so that nothing was executed, rather than field errors.
pub(super) fn is_request_error(response: &Response) -> bool {
    response.data == Value::Null && response.errors.iter().any(|error| error.path.is_empty())
}

fn public(error: &Error) -> (String, ErrorExtensionValues) {
    let mut extensions = ErrorExtensionValues::default();
    identify(&mut extensions, error.code());
    if let Some(mut details) = error.details() {
        let (name, value) = match (error, details.get_mut("fields")) {
            (Error::Fields(_), Some(fields)) => ("fields", fields.take()),
            _ => ("details", details),
        };
        extensions.set(name, Value::from_json(value).unwrap_or_default());
    }
    if let Some(seconds) = error.retry_after_seconds() {
        extensions.set("retryAfter", seconds);
    }
    (error.to_string(), extensions)
}

/// Sets the extensions of every error. A response that several sockets share belongs to no single request.
fn identify(extensions: &mut ErrorExtensionValues, code: Code) {
    extensions.set("code", code.as_str());
    if let Some(id) = RequestId::current() {
        extensions.set("requestId", id.as_str());
    }
}

/// Logs internal errors with their cause.
fn log(error: &Error) {
    if error.code() == Code::Internal {
        tracing::error!(error = error as &(dyn std::error::Error + 'static), "a GraphQL operation failed");
    }
}
