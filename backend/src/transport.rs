//! What every HTTP edge does: reading off a request where it comes from, the token it brings and its body, and what a
//! panic is made into.

use std::{
    any::Any,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use ipnet::IpNet;
use tokio::time::timeout;

use crate::error::{Error, Result};

mod origin;
mod public_url;

pub use origin::OriginPolicy;
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

/// The peer's address, or what a trusted proxy says of it: the last address in `X-Forwarded-For` that is not a proxy's,
/// with or without a port. `Forwarded` is not read: a proxy that sets one of the two headers passes the other on as the
/// client wrote it.
#[must_use]
pub fn client_address(parts: &Parts, trusted: &[IpNet]) -> IpAddr {
    let Some(peer) = trusted_peer(&parts.extensions, trusted) else { return peer(&parts.extensions) };
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let addresses: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    let mut nearest = peer;
    for text in addresses.into_iter().rev() {
        let Some(address) = forwarded_address(text.trim()) else { return nearest };
        nearest = address;
        if !is_within(nearest, trusted) {
            return nearest;
        }
    }
    nearest
}

/// Under which name a rate limit counts an address: IPv6 addresses by their /64, which one client has all to itself. An
/// IPv4 address in an IPv6 one, as of a socket for both or of NAT64, counts as what it is.
#[must_use]
pub fn rate_limit_key(address: IpAddr) -> String {
    let IpAddr::V6(long) = address.to_canonical() else { return address.to_canonical().to_string() };
    match long.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).to_string()
        }
        [a, b, c, d, ..] => format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)),
    }
}

/// The other end of the connection.
fn peer(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::from([127, 0, 0, 1]), |ConnectInfo(peer)| peer.ip().to_canonical())
}

/// The other end of the connection, if it is a proxy whose headers are believed.
fn trusted_peer(extensions: &Extensions, trusted: &[IpNet]) -> Option<IpAddr> {
    Some(peer(extensions)).filter(|peer| is_within(*peer, trusted))
}

fn is_within(address: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// An address as proxies write it: `203.0.113.7`, `203.0.113.7:51234`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:5000`.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip())),
    };
    address.map(|address| address.to_canonical())
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
