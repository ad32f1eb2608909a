//! What every HTTP edge does: reading off a request where it comes from, the token it brings and its body, and what a
//! panic is made into.

use std::{
    any::Any,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use ipnet::IpNet;
use tokio::time::timeout;

use crate::error::{Error, Result};

mod public_url;

pub use public_url::PublicUrl;

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The largest body that is received and thrown away, so that the client gets to read its answer.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a request without a token that needs one is told.
pub const TOKEN_MISSING: Error = Error::Unauthenticated("send a token as `Authorization: Bearer …`");

/// What a body that is no JSON is told.
pub const NOT_JSON: Error = Error::UnsupportedMediaType("send the body as JSON with `Content-Type: application/json`");

/// Refuses a body that was compressed.
///
/// # Errors
///
/// [`Error::UnsupportedMediaType`] if it was encoded in any way.
pub fn check_encoding(headers: &HeaderMap) -> Result<()> {
    let is_plain = |value: &header::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        return Ok(());
    }
    Err(Error::UnsupportedMediaType("send the body as it is, without `Content-Encoding`: no compressed body is read"))
}

/// The peer's address, or what a trusted proxy says of it: the last address in `X-Forwarded-For` that is not a proxy's.
#[must_use]
pub fn client_address(parts: &Parts, trusted: &[IpNet]) -> IpAddr {
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

/// The bearer token, if the header is there at all.
///
/// # Errors
///
/// [`Error::Unauthenticated`] if the header holds something else.
pub fn token(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(bearer);
    token.map(Some).ok_or(TOKEN_MISSING)
}

/// The token in the value of an `Authorization` header.
#[must_use]
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Whether a browser on the page that the request names as its origin may make it: one of this server's own, or of an
/// origin that the settings name. A request without an origin is not a page's.
#[must_use]
pub fn is_origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if allowed.iter().any(|one| one.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, authority)| authority);
    own.is_some_and(|own| host.is_some_and(|host| host.eq_ignore_ascii_case(own)))
}

/// What whoever asked is told when what they asked for panicked; what it said goes to the log alone.
#[must_use]
pub fn panicked(panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", said.unwrap_or("without a message")))
}

/// The body.
///
/// # Errors
///
/// [`Error::TooLarge`] above [`MAX_BODY`], [`Error::Invalid`] if it breaks off or takes longer than 30 s to arrive.
pub async fn read_body(body: Body) -> Result<Bytes> {
    read_body_within(PATIENCE, body).await
}

async fn read_body_within(patience: Duration, body: Body) -> Result<Bytes> {
    match timeout(patience, collect(body)).await {
        Ok(read) => read,
        Err(_) => Err(Error::Invalid(format!("the body did not arrive within {} s", patience.as_secs()))),
    }
}

async fn collect(body: Body) -> Result<Bytes> {
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let begun = stream::iter([Ok::<_, Infallible>("{")]).chain(stream::pending());
        let outcome = read_body_within(Duration::ZERO, Body::from_stream(begun)).await;
        assert_eq!(outcome.expect_err("no body").to_string(), "the body did not arrive within 0 s");
    }

    #[tokio::test]
    async fn a_body_that_is_there_is_read_whatever_the_patience() {
        let pieces = stream::iter(["{", "}"].map(Ok::<_, Infallible>));
        let read = read_body_within(Duration::ZERO, Body::from_stream(pieces)).await;
        assert_eq!(read.expect("a body"), "{}");
    }
}
