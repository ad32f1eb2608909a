//! Headers that protect answers in a browser.

use axum::http::{HeaderMap, HeaderValue, header};

/// Adds the header that every answer has: no browser may take it for another type than it says, such as the CSV of an
/// export for a page.
pub fn forbid_sniffing(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Adds the headers that every page and its parts have besides, with the page's content security policy.
pub fn protect(headers: &mut HeaderMap, policy: &'static str) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}
