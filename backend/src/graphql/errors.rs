//! The one place where an error becomes a GraphQL error: its code in `extensions.code`, the id of the request in
//! `extensions.requestId`, wrong fields in `extensions.fields`, what else programs may want to know in `extensions.details`
//! as in REST, and nothing of what happened inside. What failed is null, as the specification has it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_graphql::{
    ErrorExtensionValues, PathSegment, QueryPathSegment, Request, Response, ServerError, ServerResult,
    ValidationResult, Value,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextRequest, NextResolve,
        NextSubscribe, NextValidation, ResolveInfo,
    },
};
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};

use super::{budget::Budget, context, nulls::Nulls, variables};
use crate::{
    error::{Code, Error},
    transport::RequestId,
};

/// The largest complexity of a subscription, whose responses are resolved on threads of the runtime.
const SUBSCRIPTION_COMPLEXITY: usize = 2_000;
/// The most errors that are reported about one document.
const MAX_PROBLEMS: usize = 100;

/// The extension that translates errors, and refuses what the library would let pass.
pub(super) struct Errors {
    /// The largest response, in bytes.
    pub(super) max_response: usize,
}

/// The extension in one operation.
struct Operation {
    nulls: Nulls,
    budget: Budget,
    max_complexity: AtomicUsize,
}

impl ExtensionFactory for Errors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Operation {
            nulls: Nulls::default(),
            budget: Budget::new(self.max_response),
            max_complexity: AtomicUsize::new(usize::MAX),
        })
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
        self.budget.narrow();
        self.max_complexity.store(SUBSCRIPTION_COMPLEXITY, Relaxed);
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

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        match next.run(ctx).await {
            Ok(result) if result.complexity > self.max_complexity.load(Relaxed) => {
                Err(vec![server_error(&Error::Invalid("the subscription is too complex".to_owned()))])
            }
            // The errors of validation would reveal the schema.
            Err(_) if !context::is_authenticated(ctx) => Err(vec![server_error(&Error::Invalid(UNFIT.to_owned()))]),
            Err(mut problems) => {
                problems.truncate(MAX_PROBLEMS);
                Err(problems)
            }
            Ok(result) => Ok(result),
        }
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        self.budget.begin();
        let response = self.nulls.complete(next.run(ctx, operation_name).await);
        if self.budget.is_spent() { Response::from_errors(vec![failed(Error::ResponseTooLarge)]) } else { response }
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if self.budget.is_spent() {
            return Ok(Some(Value::Null));
        }
        let (place, ty) = (info.path_node, info.return_type);
        let is_leaf = info.field.selection_set.node.items.is_empty();
        let outcome = match context::may_see(ctx, &info) {
            Ok(()) => next.run(ctx, info).await,
            Err(error) => Err(error),
        };
        match &outcome {
            // The items of a list of leaves are charged with the list.
            Ok(Some(value)) if is_leaf && matches!(place.segment, QueryPathSegment::Name(_)) => {
                self.budget.charge_leaf(value);
            }
            Ok(Some(value)) if !is_leaf => self.budget.charge_names(value),
            Err(error) => self.budget.charge_error(&error.message, error.path.iter().map(length)),
            Ok(_) => {}
        }
        // A value that was resolved before the budget was spent is dropped.
        if self.budget.is_spent() {
            return Ok(Some(Value::Null));
        }
        self.nulls.settle(place, ty, outcome)
    }
}

/// The error for an invalid document without a token, which reveals nothing of the schema.
const UNFIT: &str = "the document does not fit the schema: send a token to be told why";

fn length(segment: &PathSegment) -> usize {
    match segment {
        PathSegment::Field(name) => name.len(),
        PathSegment::Index(_) => 1,
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
    } else if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
        // An error of the request: it could not be parsed, or is not valid for the schema.
        identify(error.extensions.get_or_insert_default(), Code::Invalid);
    }
    error.source = None;
}

/// An error of ours that is translated with the others of its response.
fn failed(error: Error) -> ServerError {
    ServerError { source: Some(Arc::new(error)), ..ServerError::new("", None) }
}

/// The error for a document that cannot be parsed.
pub(super) fn wrong_document(mut error: ServerError) -> ServerError {
    translate(&mut error);
    error
}

/// The error of the control plane behind it, which loaders and streams share.
fn ours(error: &ServerError) -> Option<&Error> {
    error.source::<Error>().or_else(|| error.source::<Arc<Error>>().map(AsRef::as_ref))
}

/// An error that does not come from a resolver, in the same form.
pub(super) fn server_error(error: &Error) -> ServerError {
    log(error);
    let (message, extensions) = public(error);
    ServerError { extensions: Some(extensions), ..ServerError::new(message, None) }
}

/// A value as JSON.
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
