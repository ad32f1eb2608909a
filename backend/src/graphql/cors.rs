//! What browsers ask before a page of another origin may use `/graphql`, and what they want to see in the answer.
//!
//! tower-http's layer answers every OPTIONS, whoever asks; here a page that may not ask is 403 then too, and OPTIONS that
//! is no browser's question stays 405.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Graphql;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
/// What a page may send beside what every page may.
const HEADERS: HeaderValue = HeaderValue::from_static("Authorization, Content-Type, Accept, X-Request-Id");
/// What a page may read of an answer beside its body.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, X-Request-Id");
/// How long a browser may remember, in seconds: a setting only changes when the server starts anew.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// The middleware. A token is sent as a header, so no cookie is ever asked for, and no credentials are allowed.
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
                (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
            ];
            (StatusCode::NO_CONTENT, answers).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}
