//! The headers of the rate limit in the responses of REST and GraphQL.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::rate_limits::Verdict;

/// The names of the headers: the maximum number of requests of the window, the number left in it, and the Unix second
/// of its end.
pub const RATE_LIMIT_HEADERS: [&str; 3] = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

/// [`RATE_LIMIT_HEADERS`] as a response holds them, so that no response allocates them.
const NAMES: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// Sets the headers of the rate limit in a response.
pub fn set_rate_limit(headers: &mut HeaderMap, verdict: &Verdict) {
    let [limit, remaining, reset] = NAMES;
    headers.insert(limit, HeaderValue::from(verdict.limit));
    headers.insert(remaining, HeaderValue::from(verdict.remaining));
    // The second in which the window ends, or the one after: asking then is never too early.
    headers.insert(reset, HeaderValue::from((verdict.resets_at.timestamp_millis() + 999) / 1000));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_hold_the_documented_headers() {
        assert_eq!(NAMES.map(|name| name.as_str().to_owned()), RATE_LIMIT_HEADERS.map(str::to_ascii_lowercase));
    }
}
