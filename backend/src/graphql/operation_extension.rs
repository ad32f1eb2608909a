//! The extension of the GraphQL library around each operation: it translates errors, completes nulls, finds missing
//! variables, and applies the limit of a response and the complexity of subscriptions.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_graphql::{
    PathSegment, QueryPathSegment, Request, Response, ServerError, ServerResult, ValidationResult, Value,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextRequest, NextResolve,
        NextSubscribe, NextValidation, ResolveInfo,
    },
};
use futures_util::{StreamExt, stream::BoxStream};

use super::{
    context,
    document_cache::{ValidationKey, Validations},
    errors::{failed, server_error, translated},
    failed_field_nulls::Nulls,
    required_variables,
    response_limit::ResponseLimit,
};
use crate::error::Error;

/// The maximum complexity of a subscription, whose responses are resolved on threads of the runtime.
const SUBSCRIPTION_COMPLEXITY: usize = 2_000;
/// The maximum number of errors that are reported about one document.
const MAX_PROBLEMS: usize = 100;

/// The extension that converts errors, and refuses documents that exceed limits which the library does not check.
pub(super) struct OperationExtension {
    /// The maximum size of a response, in bytes.
    pub(super) max_response: usize,
    /// The cache of successful validations.
    pub(super) validations: Validations,
}

/// The state of the extension in one operation.
struct Operation {
    nulls: Nulls,
    limit: ResponseLimit,
    /// The maximum complexity; `usize::MAX` unless the operation is a subscription.
    max_complexity: AtomicUsize,
    validations: Validations,
    /// The key of the validation, if its result may be kept.
    validation_key: OnceLock<ValidationKey>,
}

impl ExtensionFactory for OperationExtension {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Operation {
            nulls: Nulls::default(),
            limit: ResponseLimit::new(self.max_response),
            max_complexity: AtomicUsize::new(usize::MAX),
            validations: self.validations.clone(),
            validation_key: OnceLock::new(),
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
        self.limit.narrow();
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
        required_variables::check(&mut request).map_err(|error| server_error(&error))?;
        // The document of a subscription is not the one of its text: the socket has removed its own arguments.
        let is_subscription = self.max_complexity.load(Relaxed) != usize::MAX;
        if !is_subscription && let Some(key) = ValidationKey::of(&request) {
            self.validation_key.get_or_init(|| key);
        }
        Ok(request)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        // The data of the request, which holds the caller, is not there before.
        let key = self.validation_key.get().filter(|_| context::is_authenticated(ctx));
        let outcome = match key.and_then(|key| self.validations.get(key)) {
            Some(result) => Ok(result),
            None => next.run(ctx).await.inspect(|result| {
                if let Some(key) = key {
                    self.validations.keep(*key, *result);
                }
            }),
        };
        match outcome {
            Ok(result) if result.complexity > self.max_complexity.load(Relaxed) => Err(vec![server_error(
                &Error::Invalid("the subscription is too complex: select fewer fields".to_owned()),
            )]),
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
        self.limit.begin();
        let response = self.nulls.complete(next.run(ctx, operation_name).await);
        if self.limit.is_exceeded() { Response::from_errors(vec![failed(Error::ResponseTooLarge)]) } else { response }
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if self.limit.is_exceeded() {
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
                self.limit.charge_leaf(value);
            }
            Ok(Some(value)) if !is_leaf => self.limit.charge_names(value),
            Err(error) => self.limit.charge_error(&error.message, error.path.iter().map(length)),
            Ok(_) => {}
        }
        // A value that was resolved before the limit was exceeded is dropped.
        if self.limit.is_exceeded() {
            return Ok(Some(Value::Null));
        }
        self.nulls.settle(place, ty, outcome)
    }
}

/// The error for an invalid document without a token, which reveals nothing of the schema.
const UNFIT: &str = "the document does not match the schema: send a token to get the reasons";

fn length(segment: &PathSegment) -> usize {
    match segment {
        PathSegment::Field(name) => name.len(),
        PathSegment::Index(_) => 1,
    }
}
