//! What REST and GraphQL share: the client's address, the bearer token, reading of bodies ([`body`]), and the error for
//! a panic. [`connections`] limits connections, and [`ResponseBudget`] the memory of large responses.

use std::{
    any::Any,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, HeaderName, header, request::Parts},
};
use ipnet::IpNet;

use crate::{
    actor::Actor,
    error::{Error, Result},
};

pub mod body;
mod caller_semaphores;
mod compression;
pub mod connections;
mod http_status;
mod origin;
mod public_url_and_base_path;
mod rate_limit_headers;
mod request_id;
mod response_budget;
mod security_headers;
mod tls_session;

pub use body::{BodyBudget, discard_body, read_body};
pub use caller_semaphores::CallerSemaphores;
pub use compression::{ContentEncoding, FixedBody, compress, compressed};
pub use connections::{Connection, ConnectionLimits, Connections};
pub use http_status::http_status;
pub use origin::{OriginPolicy, parse_origin};
pub use public_url_and_base_path::PublicUrl;
pub use rate_limit_headers::{RATE_LIMIT_HEADERS, set_rate_limit};
pub use request_id::{RequestId, RequestIds, spawn_blocking};
pub use response_budget::{ResponseBudget, response_body};
pub use security_headers::{forbid_sniffing, protect};
pub use tls_session::TlsSession;

/// The error for a request that needs a token and has none.
pub const TOKEN_MISSING: Error = Error::Unauthenticated("send a token as `Authorization: Bearer …`");

/// The error for a body that is not JSON.
pub const NOT_JSON: Error = Error::UnsupportedMediaType("send the body as JSON with `Content-Type: application/json`");

/// Returns an error if the body of a request is compressed.
///
/// # Errors
///
/// [`Error::UnsupportedMediaType`] for any `Content-Encoding` but `identity`.
pub fn check_encoding(headers: &HeaderMap) -> Result<()> {
    let is_plain = |value: &header::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        return Ok(());
    }
    Err(Error::UnsupportedMediaType("send the body uncompressed, without `Content-Encoding`"))
}

/// Determines the address of the client. It is the address of the peer or, if the peer is a trusted proxy, the last
/// address in `X-Forwarded-For` that is not a trusted proxy's. The header `Forwarded` is ignored, because a proxy that
/// sets only `X-Forwarded-For` passes a `Forwarded` header of the client on unchanged.
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

/// Returns the name under which rate limits count an address. IPv6 addresses are counted by their /64 prefix, which
/// usually belongs to one client. An IPv4-mapped or NAT64 address counts as its IPv4 address.
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

/// The address of the peer.
fn peer(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::from([127, 0, 0, 1]), |ConnectInfo(peer)| peer.ip().to_canonical())
}

/// The address of the peer, if it is a trusted proxy.
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

/// Counts the connection of a request in the quota of its authenticated caller. Beyond the quota, the request is
/// answered and the connection is closed afterwards.
pub fn authenticated(extensions: &Extensions, actor: &Actor) {
    if let Some(connection) = extensions.get::<Arc<Connection>>() {
        connection.authenticated(actor);
    }
}

/// Reads the bearer token of a request; `None` without an `Authorization` header.
///
/// # Errors
///
/// [`Error::Unauthenticated`] if the header contains no bearer token.
pub fn token(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(bearer);
    token.map(Some).ok_or(TOKEN_MISSING)
}

/// Reads the value of the header `Idempotency-Key`; `None` without the header. A value that is not text becomes the
/// empty string, which is an invalid key.
#[must_use]
pub fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("idempotency-key")?.to_str().unwrap_or_default().to_owned())
}

/// Reads the token from the value of an `Authorization` header; `None` if its scheme is not `Bearer`.
#[must_use]
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Whether a header that lists accepted values contains `wanted`, with a weight above zero.
#[must_use]
pub fn accepts(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_wanted = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted));
        is_wanted && !parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

/// Converts a panic into an [`Error::Internal`]. The message of the panic becomes the cause, which is logged and never
/// sent to clients.
#[must_use]
pub fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", message.unwrap_or("without a message")))
}
