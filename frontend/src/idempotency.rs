//! What the user wants done once. A request that is repeated because its answer was lost has the idempotency key of the
//! first one, so that the server does not create or start the same thing twice.

use std::hash::{DefaultHasher, Hash, Hasher};

use leptos::prelude::*;

use crate::{
    api::{ApiError, Request},
    browser,
    session::Session,
};

/// How long after a request the same request counts as its repetition, in milliseconds. Later, the user wants it again.
const REPEATED_WITHIN: i64 = 5 * 60_000;

/// A request without success so far.
struct Attempt {
    /// The [`digest`] of the request, which may hold a password or a long definition.
    request: u64,
    key: String,
    /// When it was sent last, in milliseconds.
    sent_at: i64,
}

impl Attempt {
    /// Whether a request at this time, in milliseconds, is a repetition of this one.
    fn is_repeated_by(&self, request: &str, now: i64) -> bool {
        self.request == digest(request) && now - self.sent_at < REPEATED_WITHIN
    }
}

/// A number by which a request is recognised in this tab.
fn digest(request: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.hash(&mut hasher);
    hasher.finish()
}

/// The last attempt at something that is to be done once. A handle: copies are the same intent.
#[derive(Clone, Copy)]
pub(crate) struct Intent(StoredValue<Option<Attempt>>);

impl Intent {
    /// An intent without an attempt.
    pub(crate) fn new() -> Self {
        Self(StoredValue::new(None))
    }

    /// Sends a request and calls `done` with the outcome. Until it succeeds, the same request has the same key.
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

    /// Clears the last attempt: the next request is a new intent.
    pub(crate) fn reset(self) {
        // The page may have been left.
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
