//! A clock that changes once a second, for ages and countdowns.

use std::time::Duration;

use leptos::prelude::*;

use crate::{browser, format, time::Instant, zone};

/// The server's clock. A handle: copies are the same clock.
#[derive(Clone, Copy)]
pub(crate) struct Clock(RwSignal<Instant>);

impl Clock {
    /// A clock that also calls `on_tick` every second.
    pub(crate) fn start(on_tick: impl Fn() + 'static) -> Self {
        let clock = Self(RwSignal::new(browser::now()));
        set_interval(
            move || {
                clock.0.set(browser::now());
                on_tick();
            },
            Duration::from_secs(1),
        );
        clock
    }

    /// The current time. Reactive: changes every second.
    pub(crate) fn now(self) -> Instant {
        self.0.get()
    }

    /// Counts how many intervals of this many seconds have passed since this call.
    pub(crate) fn every(self, seconds: i64) -> Memo<i64> {
        let begun = self.0.get_untracked();
        Memo::new(move |_| self.0.get().seconds_since(begun) / seconds)
    }

    /// How long ago an instant was, as text. Reactive.
    pub(crate) fn ago(self, instant: Instant) -> String {
        format::ago(self.now().seconds_since(instant))
    }

    /// The time since a past instant or until a future one, as text. Reactive.
    pub(crate) fn relative(self, instant: Instant) -> String {
        format::relative(self.now().seconds_since(instant))
    }

    /// A short form of an instant in the zone that the user has chosen. Reactive to the zone only.
    pub(crate) fn moment(self, instant: Instant) -> String {
        format::short_moment(instant, self.0.get_untracked(), zone::offset(instant))
    }

    /// The full form of an instant in the zone that the user has chosen. Reactive.
    pub(crate) fn full_moment(instant: Instant) -> String {
        format::moment(instant, zone::offset(instant))
    }
}
