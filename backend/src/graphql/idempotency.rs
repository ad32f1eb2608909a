//! Idempotency keys over HTTP: a mutation that is sent again with the same key does not create or start anything a
//! second time.

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

/// Carries out a mutation once for each idempotency key, as the REST operation with the name `operation` does; without
/// a key, on every call. `said` is the input of the mutation: the same key with another input is refused. A mutation
/// with an alias counts as another operation, so that a document may use one mutation several times with one key.
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
