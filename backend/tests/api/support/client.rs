//! A client of the API, without a socket.

use std::net::{IpAddr, SocketAddr};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder};
use axum::{
    Router,
    body::{Body, BodyDataStream, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, Request, header},
    response::Response,
};
use bytes::Bytes;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tower::ServiceExt;

use super::openapi_check::{self, Sent};

/// The credentials of a client.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    None,
    Token(String),
    Key(String),
}

/// A client that calls the router directly.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    router: Router,
    credential: Credential,
    headers: Vec<(String, String)>,
    peer: Option<IpAddr>,
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body, decompressed if the client asked for compression.
    pub(crate) bytes: Bytes,
    /// The size of the body as it was sent.
    pub(crate) sent_size: usize,
    /// The body as JSON; null if it is not JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// The value of a header, if the answer has it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The names of the invalid fields in the answer's `details`, in alphabetical order.
    pub(crate) fn wrong_fields(&self) -> Vec<&str> {
        let fields = self.body["details"]["fields"].as_object();
        fields.map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

impl Client {
    pub(crate) fn new(router: Router, credential: Credential) -> Self {
        Self { router, credential, headers: Vec::new(), peer: None }
    }

    /// The same client with one more header on each request.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client, connecting from this address.
    pub(crate) fn from(&self, peer: &str) -> Self {
        Self { peer: Some(peer.parse().expect("an address")), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, Some(body)).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let bytes = body.map(|body| body.to_string().into_bytes());
        let content_type = bytes.as_ref().map(|_| "application/json");
        self.send_bytes(method, path, content_type, bytes.unwrap_or_default()).await
    }

    /// The body of the answer to a GET, which the server makes as it is read.
    pub(crate) async fn stream(&self, path: &str) -> BodyDataStream {
        let response = self.response("GET", path, None, Bytes::new()).await;
        assert_eq!(response.status().as_u16(), 200);
        response.into_body().into_data_stream()
    }

    pub(crate) async fn send_bytes(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Answer {
        let sent = Bytes::from(body);
        let response = self.response(method, path, content_type, sent.clone()).await;
        let (parts, body) = response.into_parts();
        let received = to_bytes(body, usize::MAX).await.expect("a body");
        let sent_size = received.len();
        let is_decoded = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept-encoding"));
        let bytes = if is_decoded { decoded(&parts.headers, received).await } else { received };
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, bytes, sent_size, body };
        openapi_check::check(&Sent { method, path, body: &sent }, &answer);
        answer
    }

    async fn response(&self, method: &str, path: &str, content_type: Option<&str>, body: Bytes) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        request = match &self.credential {
            Credential::None => request,
            Credential::Token(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            Credential::Key(key) => request.header("X-API-Key", key),
        };
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(body)).expect("a request");
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 50_000))));
        }
        self.router.clone().oneshot(request).await.expect("routers do not fail")
    }
}

/// A body without its content encoding.
async fn decoded(headers: &HeaderMap, body: Bytes) -> Bytes {
    let mut plain = Vec::new();
    let outcome = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None => return body,
        Some(b"br") => BrotliDecoder::new(&body[..]).read_to_end(&mut plain).await,
        Some(b"gzip") => GzipDecoder::new(&body[..]).read_to_end(&mut plain).await,
        Some(other) => panic!("the encoding {other:?} was not asked for"),
    };
    outcome.expect("a body in its encoding");
    plain.into()
}
