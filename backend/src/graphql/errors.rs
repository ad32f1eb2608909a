//! The one place where an error becomes a GraphQL error: its code in `extensions.code`, wrong fields in
//! `extensions.fields`, and nothing of what happened inside.

use std::sync::Arc;

use async_graphql::{
    ErrorExtensionValues, Response, ServerError, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextRequest, NextSubscribe},
};
use futures_util::{StreamExt, stream::BoxStream};

use crate::error::{Code, Error};

/// The extension that translates errors.
pub(super) struct Errors;

impl ExtensionFactory for Errors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Errors {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        translated(next.run(ctx).await)
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        next.run(ctx, stream).map(translated).boxed()
    }
}

fn translated(mut response: Response) -> Response {
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
        tracing::error!(message = error.message, "a resolver failed in a way it should not");
        let (message, extensions) = public(&Error::internal("unknown error of a resolver"));
        error.message = message;
        error.extensions = Some(extensions);
    } else {
        // The request itself: it was not understood, or does not fit the schema.
        code(error.extensions.get_or_insert_default(), Code::Invalid);
    }
    error.source = None;
}

/// The error of ours behind it; loaders and streams share theirs.
fn ours(error: &ServerError) -> Option<&Error> {
    error.source::<Error>().or_else(|| error.source::<Arc<Error>>().map(AsRef::as_ref))
}

/// An error that did not come from a resolver, in the same form.
pub(super) fn server_error(error: &Error) -> ServerError {
    log(error);
    let (message, extensions) = public(error);
    ServerError { extensions: Some(extensions), ..ServerError::new(message, None) }
}

/// Whether a response says that its request could not be carried out at all, rather than that parts of it failed.
pub(super) fn is_request_error(response: &Response) -> bool {
    response.data == Value::Null && response.errors.iter().any(|error| error.path.is_empty())
}

fn public(error: &Error) -> (String, ErrorExtensionValues) {
    let mut extensions = ErrorExtensionValues::default();
    code(&mut extensions, error.code());
    if let Some(serde_json::Value::Object(details)) = error.details() {
        for (name, value) in details {
            extensions.set(name, Value::from_json(value).unwrap_or_default());
        }
    }
    (error.to_string(), extensions)
}

fn code(extensions: &mut ErrorExtensionValues, code: Code) {
    extensions.set("code", <&'static str>::from(code));
}

/// Faults of the server go to the log, with what caused them.
fn log(error: &Error) {
    if error.code() == Code::Internal {
        tracing::error!(error = error as &(dyn std::error::Error + 'static), "a GraphQL operation failed");
    }
}
