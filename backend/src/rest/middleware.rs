//! What every request goes through: whose address it is from, what becomes of its body, and the headers of the rate limit.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Extensions, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::Api;
use crate::{
    actor::Actor,
    error::Result,
    limits::Verdict,
    transport::{self, client_address, discard_body, read_body, set_rate_limit},
};

/// Where the request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientAddress(pub(super) IpAddr);

/// Where the extractor of the caller leaves what the rate limit said.
#[derive(Clone, Debug, Default)]
pub(super) struct Limited(Arc<OnceLock<Verdict>>);

impl Limited {
    pub(super) fn note(&self, verdict: Verdict) {
        // Only the first count is the request's own.
        self.0.get_or_init(|| verdict);
    }
}

/// The body of a request, which nobody reads before its caller is known and counted.
#[derive(Clone, Debug)]
pub(super) struct Unread(Arc<Mutex<Pending>>);

#[derive(Debug)]
struct Pending {
    body: Option<Body>,
    is_authenticated: bool,
    /// What the body holds of the memory for bodies, until the request is answered.
    share: Option<OwnedSemaphorePermit>,
}

impl Unread {
    fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Pending { body: Some(body), is_authenticated: false, share: None })))
    }

    /// Notes that the caller has authenticated: the body counts with those of authenticated callers.
    pub(super) fn authenticated(&self) {
        self.pending().is_authenticated = true;
    }

    /// Reads the body; empty if it was read before.
    ///
    /// # Errors
    ///
    /// Those of [`read_body`].
    pub(super) async fn read(&self, api: &Api) -> Result<Bytes> {
        let (body, is_authenticated) = {
            let mut pending = self.pending();
            (pending.body.take(), pending.is_authenticated)
        };
        let received = read_body(body.unwrap_or_default(), &api.bodies, is_authenticated).await?;
        self.pending().share = received.share;
        Ok(received.bytes)
    }

    /// Receives what nobody has read, so that the client reads its answer.
    async fn discard(&self) {
        let body = self.pending().body.take();
        if let Some(body) = body {
            discard_body(body).await;
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that the caller of a request has authenticated.
pub(super) fn authenticated(extensions: &Extensions, actor: &Actor) {
    transport::authenticated(extensions, actor);
    if let Some(unread) = extensions.get::<Unread>() {
        unread.authenticated();
    }
}

/// The middleware.
pub(super) async fn handle(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let address = client_address(&parts, &api.trusted_proxies);
    let (limited, unread) = (Limited::default(), Unread::new(body));
    parts.extensions.insert(ClientAddress(address));
    parts.extensions.insert(limited.clone());
    parts.extensions.insert(unread.clone());
    let mut response = next.run(Request::from_parts(parts, Body::empty())).await;
    unread.discard().await;
    if let Some(verdict) = limited.0.get() {
        set_rate_limit(response.headers_mut(), verdict);
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
