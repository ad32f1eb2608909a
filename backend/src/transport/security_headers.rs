//! Headers that protect pages in a browser.

use axum::http::{HeaderMap, HeaderValue, header};

/// Adds the headers that every page and its parts have, with the page's content security policy.
pub fn protect(headers: &mut HeaderMap, policy: &'static str) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}
