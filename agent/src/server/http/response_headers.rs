//! Reads the headers of a response: rate limit, time, and preferences.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::server::rate_limit_delays::RateLimit;

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The state of the rate limit; `None` if the response lacks one of its headers.
pub(super) fn rate_limit(headers: &HeaderMap) -> Option<RateLimit> {
    let small = |name| number(headers, name).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let reset = number(headers, "x-ratelimit-reset")?;
    Some(RateLimit {
        limit: small("x-ratelimit-limit")?,
        remaining: small("x-ratelimit-remaining")?,
        // A window lasts 60 s; clocks that disagree must not make it longer.
        resets_in: Duration::from_secs(reset.saturating_sub(server_time(headers)).min(60)),
    })
}

/// Whether the server followed `Prefer: return=minimal`. A 204 without this header is that of a proxy.
pub(super) fn is_minimal(headers: &HeaderMap) -> bool {
    headers.get("preference-applied").is_some_and(|applied| applied.as_bytes() == b"return=minimal")
}

/// The time of the `Date` header; `None` without a valid one.
pub(super) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = headers.get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(Into::into)
}

/// The time of the `Date` header; without a valid one, that of this machine.
fn server_time(headers: &HeaderMap) -> u64 {
    let seconds = date(headers).and_then(|date| u64::try_from(date.timestamp()).ok());
    seconds.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// The time to wait after a refusal: `Retry-After`, else the rest of the rate limit window, else one second.
pub(super) fn retry_after(headers: &HeaderMap, rate_limit: Option<RateLimit>) -> Duration {
    let wait = number(headers, RETRY_AFTER.as_str()).map(Duration::from_secs);
    wait.or(rate_limit.map(|rate_limit| rate_limit.resets_in)).unwrap_or(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{AGE, HeaderMap, HeaderValue};

    use super::{is_minimal, rate_limit, retry_after};
    use crate::server::rate_limit_delays::RateLimit;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap_or(AGE), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_window_is_measured_by_the_servers_own_clock() {
        let headers = headers(&[
            ("date", "Thu, 01 Jan 1970 00:16:40 GMT"),
            ("x-ratelimit-limit", "300"),
            ("x-ratelimit-remaining", "12"),
            ("x-ratelimit-reset", "1030"),
        ]);
        let expected = RateLimit { limit: 300, remaining: 12, resets_in: Duration::from_secs(30) };
        assert_eq!(rate_limit(&headers), Some(expected));
    }

    #[test]
    fn an_answer_is_minimal_only_if_it_says_so() {
        assert!(is_minimal(&headers(&[("preference-applied", "return=minimal")])));
        assert!(!is_minimal(&headers(&[("content-length", "0")])));
    }

    #[test]
    fn retry_after_is_obeyed_to_the_second() {
        assert_eq!(retry_after(&headers(&[("retry-after", "17")]), None), Duration::from_secs(17));
    }
}
