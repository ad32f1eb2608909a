//! The time zone in which the dashboard shows instants: that of the browser, or UTC. The browser stores the choice.

use std::sync::LazyLock;

use leptos::prelude::*;

use crate::{
    browser,
    time::{self, Instant},
};

/// The name under which the choice is stored.
const STORED: &str = "zone";

/// Whether instants are shown in UTC. The signal has no reactive owner, so that every text can read it.
static IS_UTC: LazyLock<ArcRwSignal<bool>> =
    LazyLock::new(|| ArcRwSignal::new(browser::stored(STORED).as_deref() == Some("utc")));

/// Whether instants are shown in UTC. Reactive.
pub(crate) fn is_utc() -> bool {
    IS_UTC.get()
}

/// Shows all instants in UTC, or in the time zone of the browser.
pub(crate) fn show_utc(is_utc: bool) {
    browser::store(STORED, is_utc.then_some("utc"));
    IS_UTC.set(is_utc);
}

/// The IANA name of the time zone in which instants are shown. Reactive.
pub(crate) fn name() -> String {
    if is_utc() { "UTC".to_owned() } else { browser::time_zone() }
}

/// How many minutes the time zone in which instants are shown is ahead of UTC at the instant `at`. Reactive.
pub(crate) fn offset(at: Instant) -> i64 {
    if is_utc() { 0 } else { browser::utc_offset(at) }
}

/// The first instant of the day that is `days_later` days after `day`, such as `2026-01-31`, in the time zone in which
/// instants are shown; `None` if `day` is not a date. Reactive.
pub(crate) fn midnight(day: &str, days_later: i64) -> Option<Instant> {
    time::midnight(day, days_later, offset)
}

/// Parses a date and time such as `2026-01-31T02:00` in the time zone in which instants are shown; `None` if it is
/// invalid. Reactive.
pub(crate) fn minute(text: &str) -> Option<Instant> {
    if is_utc() { browser::minute(&format!("{text}Z")) } else { browser::minute(text) }
}
