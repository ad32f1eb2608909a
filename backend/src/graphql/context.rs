//! The context of a request: its caller, loaders and the control plane.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::{
    Context, PathSegment, Request, ServerResult,
    dataloader::DataLoader,
    extensions::{ExtensionContext, ResolveInfo},
};
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::loaders::Loader;
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    rate_limits::Class,
    service::ControlPlane,
};

pub(super) const UNAUTHENTICATED: Error =
    Error::Unauthenticated("send a token as `Authorization: Bearer …`; without a token, only `login` is allowed");

/// The caller of a request.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The signed-in user, if there is one.
    pub(super) actor: Option<Actor>,
    /// The client's address, in the form that is the key of rate limits.
    pub(super) address: String,
}

/// The state of one request.
struct RequestState {
    caller: Caller,
    loader: Option<DataLoader<Loader>>,
    has_signed_in: AtomicBool,
}

impl Caller {
    /// Attaches this caller and new loaders to a request, so that callers share no loader. Each load is a task of the
    /// current runtime, wherever the request is executed.
    pub(super) fn prepare(&self, request: Request, cp: &Arc<ControlPlane>, tasks: &TaskTracker) -> Request {
        let (tasks, runtime) = (tasks.clone(), Handle::current());
        self.prepare_with(request, cp, move |load| drop(tasks.spawn_on(load, &runtime)))
    }

    /// As [`Self::prepare`], but `spawn` starts the loads.
    pub(super) fn prepare_with(
        &self,
        request: Request,
        cp: &Arc<ControlPlane>,
        spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static,
    ) -> Request {
        let loader = self.actor.clone().map(|actor| DataLoader::new(Loader { cp: Arc::clone(cp), actor }, spawn));
        request.data(RequestState { caller: self.clone(), loader, has_signed_in: AtomicBool::new(false) })
    }

    /// The key of the caller for limits: the id of the user, or the address of a client without a token.
    pub(super) fn name(&self) -> String {
        let session = self.actor.as_ref().and_then(Actor::session);
        session.map_or_else(|| self.address.clone(), |(user, _)| user.to_string())
    }

    /// Counts an operation against the rate limit of its user, or of the address of a client without a token. Returns
    /// `None` when rate limits are off.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] for an actor without a session.
    pub(super) async fn count(&self, cp: &ControlPlane) -> Result<Option<crate::rate_limits::Verdict>> {
        let subject = match &self.actor {
            Some(actor) => actor.session().ok_or(UNAUTHENTICATED)?.0.to_string(),
            None => self.address.clone(),
        };
        let verdict = cp.limits().count(Class::Graphql, &subject, cp.now()).await;
        Ok(verdict)
    }
}

pub(super) fn control_plane<'a>(ctx: &Context<'a>) -> Result<&'a Arc<ControlPlane>> {
    ctx.data().map_err(|_| Error::internal("no control plane in the schema"))
}

fn state<'a>(ctx: &Context<'a>) -> Result<&'a RequestState> {
    ctx.data().map_err(|_| Error::internal("no caller in the request"))
}

/// Returns the signed-in user.
///
/// # Errors
///
/// [`Error::Unauthenticated`] if no user is signed in.
pub(super) fn actor<'a>(ctx: &Context<'a>) -> Result<&'a Actor> {
    state(ctx)?.caller.actor.as_ref().ok_or(UNAUTHENTICATED)
}

/// Whether the viewer, which is the signed-in user, has a permission; `false` without a token.
pub(super) fn viewer_may(ctx: &Context<'_>, permission: Permission) -> bool {
    actor(ctx).is_ok_and(|actor| actor.may(permission))
}

/// Whether the request came with a token.
pub(super) fn is_authenticated(ctx: &ExtensionContext<'_>) -> bool {
    ctx.data::<RequestState>().is_ok_and(|state| state.caller.actor.is_some())
}

/// Checks that a field may be resolved: introspection fields require an access token.
///
/// # Errors
///
/// [`Error::Unauthenticated`] for an introspection field without a token.
pub(super) fn may_see(ctx: &ExtensionContext<'_>, info: &ResolveInfo<'_>) -> ServerResult<()> {
    if !matches!(info.name, "__schema" | "__type") || is_authenticated(ctx) {
        return Ok(());
    }
    let error = async_graphql::Error::new_with_source(UNAUTHENTICATED).into_server_error(info.field.name.pos);
    let path = info.path_node.to_string_vec().into_iter().map(PathSegment::Field);
    Err(error.with_path(path.collect()))
}

/// The key of the caller for limits.
pub(super) fn caller_name(ctx: &Context<'_>) -> Result<String> {
    Ok(state(ctx)?.caller.name())
}

/// Returns the loader of the request, which loads related objects. Fails without a token.
pub(super) fn loader<'a>(ctx: &Context<'a>) -> Result<&'a DataLoader<Loader>> {
    state(ctx)?.loader.as_ref().ok_or(UNAUTHENTICATED)
}

/// Admits one `login` per document, within the limit of the client's address, and returns the address.
pub(super) async fn may_sign_in<'a>(ctx: &Context<'a>) -> Result<&'a str> {
    let (state, cp) = (state(ctx)?, control_plane(ctx)?);
    if state.has_signed_in.swap(true, Ordering::AcqRel) {
        return Err(Error::Invalid("a document may contain `login` only once".to_owned()));
    }
    let now = cp.now();
    match cp.limits().count(Class::Login, &state.caller.address, now).await {
        Some(verdict) if verdict.exceeded => {
            Err(Error::RateLimited((verdict.resets_at - now).to_std().unwrap_or_default()))
        }
        _ => Ok(&state.caller.address),
    }
}
