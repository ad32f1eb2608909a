//! What every request goes through: whose address it is from, how large its body may be, and the headers of the rate limit.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{Api, envelope::Failure};
use crate::{error::Error, limits::Verdict, transport::client_address};

/// The largest body that is read.
pub(super) const MAX_BODY: usize = 1024 * 1024;
/// The largest body that is received and thrown away, so that the client gets to read its answer.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

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
    let body = match timeout(PATIENCE, collect(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return Failure(error).into_response(),
        Err(_) => return Failure(Error::Invalid("the body did not arrive within 30 s".to_owned())).into_response(),
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

/// The body, if it is not too large.
async fn collect(body: Body) -> Result<Bytes, Error> {
    const BROKEN: &str = "the body broke off";
    let mut chunks = body.into_data_stream();
    let Some(first) = chunks.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| Error::Invalid(BROKEN.to_owned()))?;
    // A small body comes in one piece, which then needs no copy.
    let Some(second) = chunks.next().await else {
        return if first.len() > MAX_BODY { Err(Error::TooLarge) } else { Ok(first) };
    };
    let mut whole = BytesMut::from(first);
    let mut received = whole.len();
    let mut chunk = Some(second);
    while let Some(piece) = chunk {
        let piece = piece.map_err(|_| Error::Invalid(BROKEN.to_owned()))?;
        received += piece.len();
        if received > MAX_DISCARDED {
            return Err(Error::TooLarge);
        }
        if received <= MAX_BODY {
            whole.extend_from_slice(&piece);
        }
        chunk = chunks.next().await;
    }
    if received > MAX_BODY { Err(Error::TooLarge) } else { Ok(whole.freeze()) }
}
