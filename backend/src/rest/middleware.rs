//! The middleware of every request: the client's address, the unread body, the answer to a panic, the headers of the
//! rate limit, and compression.

use std::{
    convert::Infallible,
    net::IpAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::Request,
    http::{Extensions, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::OwnedSemaphorePermit;
use tower::{Layer, Service};

use super::{ApiState, envelope::panicked};
use crate::{
    actor::Actor,
    error::Result,
    rate_limits::Verdict,
    transport::{self, ContentEncoding, client_address, compressed, discard_body, read_body, set_rate_limit},
};

/// The state of one request that its middleware and its extractors share.
#[derive(Clone, Debug)]
pub(super) struct RequestContext(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The client's address.
    address: IpAddr,
    /// The state of the rate limit, which the extractor of the caller stores for the response headers.
    verdict: OnceLock<Verdict>,
    /// The body. It is not read before the caller is authenticated and counted.
    body: Mutex<Pending>,
}

#[derive(Debug)]
struct Pending {
    body: Option<Body>,
    is_authenticated: bool,
    /// The share of the body in the memory budget for bodies, held until the request is answered.
    share: Option<OwnedSemaphorePermit>,
}

impl RequestContext {
    fn new(address: IpAddr, body: Body) -> Self {
        let body = Mutex::new(Pending { body: Some(body), is_authenticated: false, share: None });
        Self(Arc::new(Shared { address, verdict: OnceLock::new(), body }))
    }

    /// The client's address.
    pub(super) fn address(&self) -> IpAddr {
        self.0.address
    }

    /// Stores the state of the rate limit after the request was counted.
    pub(super) fn note(&self, verdict: Verdict) {
        // Only the first count is the request's own.
        self.0.verdict.get_or_init(|| verdict);
    }

    /// Records that the caller is authenticated: the body counts in the budget of authenticated callers.
    fn authenticated(&self) {
        self.pending().is_authenticated = true;
    }

    /// Reads the body; returns an empty one if it was read before.
    ///
    /// # Errors
    ///
    /// The errors of [`read_body`].
    pub(super) async fn read(&self, api: &ApiState) -> Result<Bytes> {
        let (body, is_authenticated) = {
            let mut pending = self.pending();
            (pending.body.take(), pending.is_authenticated)
        };
        let received = read_body(body.unwrap_or_default(), &api.bodies, is_authenticated).await?;
        self.pending().share = received.share;
        Ok(received.bytes)
    }

    /// Reads and drops the rest of the body, so that the client reads its answer.
    async fn discard(&self) {
        let body = self.pending().body.take();
        if let Some(body) = body {
            discard_body(body).await;
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records that the caller of a request is authenticated as this actor.
pub(super) fn authenticated(extensions: &Extensions, actor: &Actor) {
    transport::authenticated(extensions, actor);
    if let Some(context) = extensions.get::<RequestContext>() {
        context.authenticated();
    }
}

/// The middleware as a layer of tower. The layer is written by hand, because `from_fn` clones and boxes the route for
/// each request.
#[derive(Clone)]
pub(super) struct Middleware(pub(super) ApiState);

impl<S> Layer<S> for Middleware {
    type Service = Handled<S>;

    fn layer(&self, inner: S) -> Handled<S> {
        Handled { api: self.0.clone(), inner }
    }
}

/// A route with the middleware: finds the client's address, holds the body back, answers if the handler panics, adds the
/// headers of the rate limit to the answer, and compresses it.
#[derive(Clone)]
pub struct Handled<S> {
    api: ApiState,
    inner: S,
}

impl<S> Service<Request> for Handled<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let context = RequestContext::new(client_address(&parts, &self.api.trusted_proxies), body);
        let encoding = ContentEncoding::accepted(&parts.headers);
        let may_compress = may_compress(parts.uri.path());
        parts.extensions.insert(context.clone());
        let answer = self.inner.call(Request::from_parts(parts, Body::empty()));
        Box::pin(async move {
            let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
                Ok(answer) => answer?,
                Err(panic) => panicked(panic.as_ref()),
            };
            context.discard().await;
            if let Some(verdict) = context.0.verdict.get() {
                set_rate_limit(response.headers_mut(), verdict);
            }
            response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
            Ok(if may_compress { compressed(response, encoding) } else { response })
        })
    }
}

/// Whether the answers of a path may be compressed. Those about sessions are not: they hold tokens, and browsers send
/// the refresh cookie there by themselves.
fn may_compress(path: &str) -> bool {
    !path.starts_with("/api/auth/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_tokens_are_not_compressed() {
        for path in ["/api/auth/login", "/api/auth/refresh", "/api/auth/logout"] {
            assert!(!may_compress(path), "{path}");
        }
        for path in ["/api/agents", "/openapi.json", "/api/docs"] {
            assert!(may_compress(path), "{path}");
        }
    }
}
