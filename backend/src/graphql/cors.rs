//! CORS: preflight requests, and the headers with which pages of other origins may use `/graphql`.
//!
//! The CORS layer of tower-http is not used, because it answers every OPTIONS request. Here a page of an origin that is
//! not allowed gets 403, and an OPTIONS request that is not a preflight request gets 405.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Graphql;
use crate::transport::RATE_LIMIT_HEADERS;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
/// The request headers that pages may send.
const HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, Accept, Idempotency-Key, X-Request-Id");
/// The response headers that pages may read beside those of the rate limit.
const EXPOSED: [&str; 2] = ["Retry-After", "X-Request-Id"];
/// How long a browser may cache a preflight response, in seconds. Settings only change when the server restarts.
const PREFLIGHT_LIFETIME: HeaderValue = HeaderValue::from_static("600");

/// Answers preflight requests, and adds the CORS headers to the responses of other requests. Tokens are sent as a
/// header, so credentials such as cookies are not allowed.
pub(super) async fn cors(State(graphql): State<Graphql>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_allowed = graphql.settings.origins.allows(headers, request.extensions());
    let origin = headers.get(header::ORIGIN).filter(|_| is_allowed).cloned();
    let is_preflight = request.method() == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (is_preflight, &origin) {
        (false, _) => next.run(request).await,
        (true, None) => super::http::refuse_origin(),
        (true, Some(_)) => {
            let answers = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
                (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_LIFETIME),
            ];
            (StatusCode::NO_CONTENT, answers).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = [&RATE_LIMIT_HEADERS[..], &EXPOSED[..]].concat().join(", ");
        if let Ok(exposed) = HeaderValue::try_from(exposed) {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
    response
}
