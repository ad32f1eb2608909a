//! The landing page for a browser that opens the endpoint. It explains the endpoint, and loads nothing from other
//! servers.

use axum::{
    http::{HeaderName, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};

const PAGE: &str = include_str!("landing_page.html");

/// The headers of the page. Its content security policy allows only its own style sheet.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

/// Whether a GET comes from a browser that opens the endpoint: it accepts `text/html` and has no document.
pub(super) fn is_wanted(parts: &Parts) -> bool {
    let mut accepted = parts.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_html =
        |range: &str| range.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"));
    let query = parts.uri.query().unwrap_or_default();
    let has_document =
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| matches!(name.as_ref(), "query" | "extensions"));
    !has_document && accepted.any(|value| value.split(',').any(is_html))
}

/// Returns the landing page.
pub(super) async fn show() -> Response {
    (HEADERS, PAGE).into_response()
}
