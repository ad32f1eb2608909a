//! What every request goes through: whose address it is from, how large its body may be, and the headers of the rate limit.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use ipnet::IpNet;
use tokio::time::timeout;

use super::{Api, envelope::Failure};
use crate::{error::Error, limits::Verdict};

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

/// The peer's address, or what a trusted proxy says of it: the last address in `X-Forwarded-For` that is not a proxy's.
fn client_address(parts: &axum::http::request::Parts, trusted: &[IpNet]) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from([127, 0, 0, 1]), |ConnectInfo(peer)| peer.ip().to_canonical());
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let addresses: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut nearest = peer;
    for text in addresses.into_iter().rev() {
        let Ok(address) = text.parse::<IpAddr>() else { return nearest };
        nearest = address.to_canonical();
        if !is_trusted(&nearest) {
            return nearest;
        }
    }
    nearest
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
