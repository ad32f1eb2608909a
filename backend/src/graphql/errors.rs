//! The one place where an error becomes a GraphQL error: its code in `extensions.code`, wrong fields in
//! `extensions.fields`, what else programs may want to know in `extensions.details` as in REST, and nothing of what
//! happened inside. What failed is null, as the specification has it.

use std::sync::Arc;

use async_graphql::{
    ErrorExtensionValues, Request, Response, ServerError, ServerResult, Value,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextRequest, NextResolve,
        NextSubscribe, ResolveInfo,
    },
};
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};

use super::{context, nulls::Nulls, variables};
use crate::error::{Code, Error};

/// The extension that translates errors, and refuses what the library would let pass.
pub(super) struct Errors;

/// The extension in one operation.
#[derive(Default)]
struct Operation {
    nulls: Nulls,
}

impl ExtensionFactory for Errors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Operation::default())
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Operation {
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

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = next.run(ctx, request).await?;
        variables::check(&mut request).map_err(|error| server_error(&error))?;
        Ok(request)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        self.nulls.complete(next.run(ctx, operation_name).await)
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let (place, ty) = (info.path_node, info.return_type);
        let outcome = match context::may_see(ctx, &info) {
            Ok(()) => next.run(ctx, info).await,
            Err(error) => Err(error),
        };
        self.nulls.settle(place, ty, outcome)
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

/// Errors, or whatever else is told of an operation, as JSON.
pub(super) fn json(value: &(impl serde::Serialize + ?Sized)) -> Bytes {
    serde_json::to_vec(value).unwrap_or_else(|_| br#"[{"message":"internal error"}]"#.to_vec()).into()
}

/// Whether a response says that its request could not be carried out at all, rather than that parts of it failed.
pub(super) fn is_request_error(response: &Response) -> bool {
    response.data == Value::Null && response.errors.iter().any(|error| error.path.is_empty())
}

fn public(error: &Error) -> (String, ErrorExtensionValues) {
    let mut extensions = ErrorExtensionValues::default();
    code(&mut extensions, error.code());
    if let Some(mut details) = error.details() {
        let (name, value) = match (error, details.get_mut("fields")) {
            (Error::Fields(_), Some(fields)) => ("fields", fields.take()),
            _ => ("details", details),
        };
        extensions.set(name, Value::from_json(value).unwrap_or_default());
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
