//! What every request goes through: whose address it is from, how its body arrives, and the headers of the rate limit.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Api, envelope::Failure};
use crate::{
    limits::Verdict,
    transport::{client_address, read_body},
};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

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

/// The middleware.
pub(super) async fn edge(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let address = client_address(&parts, &api.trusted_proxies);
    let limited = Limited::default();
    parts.extensions.insert(ClientAddress(address));
    parts.extensions.insert(limited.clone());
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(error) => return Failure(error).into_response(),
    };
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if let Some(verdict) = limited.0.get() {
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(verdict.limit));
        headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
        // The second in which the window ends, or the one after: asking then is never too early.
        headers.insert(RESET, HeaderValue::from((verdict.resets_at.timestamp_millis() + 999) / 1000));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
