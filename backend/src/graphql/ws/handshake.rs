//! The opening handshake (RFC 6455, section 4.2).

use axum::{
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
        },
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::protocol::PROTOCOL;

/// The version of the WebSocket protocol.
const VERSION: &str = "13";

/// A request that can be upgraded.
pub(super) struct Handshake {
    /// The connection, once the response is sent.
    pub(super) upgrade: OnUpgrade,
    /// Whether the client offers the subprotocol `graphql-transport-ws`.
    pub(super) is_ours: bool,
    accept: HeaderValue,
}

impl Handshake {
    /// Checks whether a request can be upgraded.
    ///
    /// # Errors
    ///
    /// The status of the response to a request that cannot be upgraded.
    pub(super) fn of(parts: &mut Parts) -> Result<Self, StatusCode> {
        if parts.method != Method::GET {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let headers = &parts.headers;
        let is_wanted = list(headers, &CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"))
            && is(headers, &UPGRADE, "websocket")
            && is(headers, &SEC_WEBSOCKET_VERSION, VERSION);
        let Some(key) = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_wanted) else {
            return Err(StatusCode::BAD_REQUEST);
        };
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| StatusCode::BAD_REQUEST)?;
        let is_ours = offers_ours(headers);
        // hyper gives none to a request that it cannot upgrade.
        let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(StatusCode::UPGRADE_REQUIRED)?;
        Ok(Self { upgrade, is_ours, accept })
    }

    /// The response that switches the protocol.
    pub(super) fn response(&self) -> Response {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if self.is_ours {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        }
        response
    }
}

/// Whether the client offers the subprotocol `graphql-transport-ws` in any line of the header.
pub(super) fn offers_ours(headers: &HeaderMap) -> bool {
    list(headers, &SEC_WEBSOCKET_PROTOCOL).any(|offered| offered == PROTOCOL)
}

/// Whether the value of a header is this word.
fn is(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers.get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(word.as_bytes()))
}

/// The elements of a header that is a list.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use rstest::rstest;

    use super::*;

    /// The request of section 1.3 of RFC 6455, with one header changed.
    fn request(name: &'static str, value: &'static str) -> Parts {
        let mut request = Request::new(());
        let headers = request.headers_mut();
        for (name, value) in [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "chat, graphql-transport-ws"),
            ("sec-websocket-version", "13"),
            (name, value),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        // Of a request that hyper did not read: it never becomes a connection.
        let upgrade = hyper::upgrade::on(Request::new(()));
        request.extensions_mut().insert(upgrade);
        request.into_parts().0
    }

    #[rstest]
    #[case("connection", "close")]
    #[case("upgrade", "h2c")]
    #[case("sec-websocket-version", "8")]
    fn a_request_for_something_else_is_refused(#[case] name: &'static str, #[case] value: &'static str) {
        assert_eq!(Handshake::of(&mut request(name, value)).err(), Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn a_request_without_a_key_or_a_connection_is_refused() {
        let mut keyless = request("host", "x");
        keyless.headers.remove(SEC_WEBSOCKET_KEY);
        assert_eq!(Handshake::of(&mut keyless).err(), Some(StatusCode::BAD_REQUEST));
        let mut posted = request("host", "x");
        posted.method = Method::POST;
        assert_eq!(Handshake::of(&mut posted).err(), Some(StatusCode::METHOD_NOT_ALLOWED));
        let mut lost = request("host", "x");
        lost.extensions.remove::<OnUpgrade>();
        assert_eq!(Handshake::of(&mut lost).err(), Some(StatusCode::UPGRADE_REQUIRED));
    }

    #[test]
    fn the_response_proves_that_the_key_was_read() {
        let response = Handshake::of(&mut request("host", "x")).expect("a handshake").response();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response.headers()[SEC_WEBSOCKET_PROTOCOL], PROTOCOL);
        let other = Handshake::of(&mut request("sec-websocket-protocol", "graphql-ws")).expect("a handshake");
        assert!(!other.is_ours && !other.response().headers().contains_key(SEC_WEBSOCKET_PROTOCOL));
    }
}
