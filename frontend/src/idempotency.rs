//! Idempotency keys. A request that the user repeats because its answer was lost gets the key of the first request, so
//! that the server does not create or start the same thing twice.

use std::hash::{DefaultHasher, Hash, Hasher};

use leptos::prelude::*;

use crate::{
    api::{ApiError, Request},
    browser,
    session::Session,
};

/// How long the same request counts as a repetition, in milliseconds. After that, it counts as a new request.
const REPEATED_WITHIN: i64 = 5 * 60_000;

/// A request that has not succeeded so far.
struct Attempt {
    /// The [`digest`] of the request. The request itself is not kept, since it may contain a password or a long
    /// definition.
    request: u64,
    key: String,
    /// When the request was last sent, in milliseconds since 1970.
    sent_at: i64,
}

impl Attempt {
    /// Whether `request`, sent at `now`, is a repetition of this attempt.
    fn is_repeated_by(&self, request: &str, now: i64) -> bool {
        self.request == digest(request) && now - self.sent_at < REPEATED_WITHIN
    }
}

/// A hash of a request, by which a repetition is recognised in this tab.
fn digest(request: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.hash(&mut hasher);
    hasher.finish()
}

/// What the user intends to do once, with the last attempt. A handle: copies share the same attempt.
#[derive(Clone, Copy)]
pub(crate) struct Intent(StoredValue<Option<Attempt>>);

impl Intent {
    /// An intent without an attempt.
    pub(crate) fn new() -> Self {
        Self(StoredValue::new(None))
    }

    /// Sends a request and calls `done` with the outcome. Until it succeeds, the same request is sent with the same
    /// idempotency key.
    pub(crate) fn execute<T: 'static>(
        self,
        session: Session,
        request: Request<T>,
        done: impl FnOnce(Result<T, ApiError>) + 'static,
    ) {
        let key = self.key_of(&request.text);
        session.execute_once(request, key, move |outcome| {
            if outcome.is_ok() {
                self.reset();
            }
            done(outcome);
        });
    }

    /// Forgets the last attempt, so that the next request gets a new key.
    pub(crate) fn reset(self) {
        // The user may have left the page.
        self.0.try_update_value(|last| *last = None);
    }

    fn key_of(self, request: &str) -> String {
        let sent_at = browser::now().0;
        let last = self.0.try_update_value(Option::take).flatten();
        let repeated = last.filter(|last| last.is_repeated_by(request, sent_at));
        let key = repeated.map_or_else(browser::random_key, |last| last.key);
        let attempt = Attempt { request: digest(request), key: key.clone(), sent_at };
        self.0.try_update_value(|last| *last = Some(attempt));
        key
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, REPEATED_WITHIN, digest};

    #[test]
    fn the_same_request_soon_after_is_a_repetition() {
        let attempt = Attempt { request: digest("create a"), key: String::new(), sent_at: 1000 };
        assert!(attempt.is_repeated_by("create a", 1000 + REPEATED_WITHIN - 1));
        assert!(!attempt.is_repeated_by("create b", 1000));
        assert!(!attempt.is_repeated_by("create a", 1000 + REPEATED_WITHIN));
    }
}
