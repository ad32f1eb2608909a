//! Headers that protect responses in a browser.

use axum::http::{HeaderMap, HeaderValue, header};

/// Adds `X-Content-Type-Options: nosniff`, which every response has. It forbids a browser to treat a response as
/// another type than its `Content-Type`, such as an exported CSV file as a page.
pub fn forbid_sniffing(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Adds the headers that pages and their files have in addition: this content security policy, and a referrer policy.
pub fn protect(headers: &mut HeaderMap, policy: &'static str) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}
