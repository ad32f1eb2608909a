//! Idempotency keys over HTTP: what a mutation creates or starts, a repetition with the same key does not do again.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{Context, Request};
use axum::http::HeaderMap;
use serde::{Serialize, de::DeserializeOwned};

use super::context::{actor, control_plane};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    service::{ControlPlane, IdempotencyClaim},
    transport::idempotency_key,
};

/// The idempotency key that came with a request.
struct IdempotencyKey(String);

/// Attaches the idempotency key in the headers to a request, if there is one.
pub(super) fn with_key(request: Request, headers: &HeaderMap) -> Request {
    match idempotency_key(headers) {
        Some(key) => request.data(IdempotencyKey(key)),
        None => request,
    }
}

/// Carries out a mutation once for each idempotency key, as the REST operation of the same name does; without a key, each
/// time. `said` is what the client asked for: the same key for something else is refused. With an alias the mutation is an
/// operation of its own, so that a document carries out each of its mutations once.
///
/// `permission` is the one that the mutation requires: a caller without it gets the same refusal with and without a key.
///
/// # Errors
///
/// The errors of [`ControlPlane::with_idempotency`].
pub(super) async fn once<T, F>(
    ctx: &Context<'_>,
    permission: Permission,
    operation: &'static str,
    said: &(impl Serialize + Sync),
    carry_out: impl FnOnce(Arc<ControlPlane>, Actor, Option<IdempotencyClaim>) -> F + Send,
) -> Result<T>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (cp, actor) = (control_plane(ctx)?, actor(ctx)?);
    let key = ctx.data_opt::<IdempotencyKey>().map(|key| key.0.as_str());
    let operation = aliased(ctx, operation);
    let said = serde_json::to_vec(said).map_err(Error::internal)?;
    let who = actor.clone();
    cp.with_idempotency(actor, permission, operation, key, &said, |cp, claim| carry_out(cp, who, claim)).await
}

/// The operation of a mutation with its alias in the document, whose length is bounded as that of all names.
fn aliased(ctx: &Context<'_>, operation: &'static str) -> Cow<'static, str> {
    let field = ctx.field();
    match field.alias().filter(|alias| *alias != field.name()) {
        Some(alias) => format!("{operation} as {alias}").into(),
        None => operation.into(),
    }
}
