//! The headers of the rate limit, for the answers of REST and GraphQL.

use axum::http::{HeaderMap, HeaderValue};

use crate::limits::Verdict;

/// The names of the headers: requests that a window holds, requests left in it, and the Unix second of its end.
pub const RATE_LIMIT_HEADERS: [&str; 3] = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

/// Sets the headers of the rate limit.
pub fn set_rate_limit(headers: &mut HeaderMap, verdict: &Verdict) {
    let [limit, remaining, reset] = RATE_LIMIT_HEADERS;
    headers.insert(limit, HeaderValue::from(verdict.limit));
    headers.insert(remaining, HeaderValue::from(verdict.remaining));
    // The second in which the window ends, or the one after: asking then is never too early.
    headers.insert(reset, HeaderValue::from((verdict.resets_at.timestamp_millis() + 999) / 1000));
}
