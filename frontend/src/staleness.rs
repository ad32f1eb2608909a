//! The time since which the page has received no new data.

use leptos::prelude::*;

use crate::{clock::Clock, live::Feed, time::Instant};

/// The time without updates after which the page says so, in milliseconds. A connection that is back at once, as after
/// a renewal of the token, is not mentioned.
const STALE_AFTER: i64 = 2000;

/// The time since which the page has received no new data. A handle: copies share the same state.
#[derive(Clone, Copy)]
pub(crate) struct Staleness(Memo<Option<Instant>>);

impl Staleness {
    /// Follows the connection.
    pub(crate) fn follow(feed: Feed, clock: Clock) -> Self {
        Self(Memo::new(move |_| feed.lost_at().filter(|at| clock.now().0 - at.0 >= STALE_AFTER)))
    }

    /// The time since which the page has no new data; `None` while it is up to date. Reactive.
    pub(crate) fn since(self) -> Option<Instant> {
        self.0.get()
    }
}
