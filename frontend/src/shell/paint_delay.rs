//! Measures how long progress of transfers takes from its commit on the server until this browser has painted it, and
//! shows that at the foot of each page. This code is loaded some time after the first page.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    time::Duration,
};

use leptos::prelude::*;

use crate::{api::fleet, browser, clock::Clock, format, live::Feed, session::Session, time::Instant};

/// The maximum number of delays that are kept, those of the last updates.
const KEPT: usize = 500;
/// The maximum number of transfers whose last progress is remembered.
const KNOWN: usize = 5000;
/// The number of round trips that are kept to compare the clocks, the last ones.
const ROUND_TRIPS: usize = 10;
/// The time after which the clocks are compared again, in milliseconds.
const COMPARE_AFTER: i64 = 60_000;

/// The view with the delays of the last updates. Nothing is measured on pages without running transfers.
pub(super) fn show() -> AnyView {
    let (session, feed, clock) = (expect_context::<Session>(), expect_context::<Feed>(), expect_context::<Clock>());
    let delays = StoredValue::new(Delays::default());
    feed.observe(move |result| {
        let Some((id, at)) = progress_in(result) else { return };
        let subscribed_at = feed.subscribed_at();
        if delays.try_update_value(|delays| delays.note(id, at, subscribed_at)) != Some(true) {
            return;
        }
        let end = move || {
            delays.try_update_value(|delays| delays.end_frame(browser::own_clock()));
        };
        // Runs after the browser has painted the frame.
        set_timeout(end, Duration::ZERO);
        let sent = browser::own_clock();
        if delays.try_update_value(|delays| delays.is_comparison_due(sent)) == Some(true) {
            session.execute(fleet::server_time(), move |outcome| {
                // If the request fails, the clocks are compared later.
                if let Ok(server) = outcome {
                    delays.try_update_value(|delays| delays.compare(sent, browser::own_clock(), server));
                }
            });
        }
    });
    let text = Memo::new(move |_| {
        clock.now();
        delays.with_value(Delays::text)
    });
    (move || text.get().map(|text| view! { <footer class="delays">{text}</footer> })).into_any()
}

/// The id of the transfer in a result, and when the server received its last progress; `None` if the result has no such
/// time.
fn progress_in(result: &str) -> Option<(&str, Instant)> {
    let (_, rest) = result.split_once("\"lastProgressAt\":\"")?;
    let at = Instant::parse(rest.split('"').next()?)?;
    let (_, rest) = result.split_once("\"id\":\"")?;
    Some((rest.split('"').next()?, at))
}

#[derive(Default)]
struct Delays {
    /// When the server received the last progress of each transfer, by the transfer's id.
    known: BTreeMap<String, Instant>,
    /// The times of the progress that is painted in this animation frame.
    frame: Vec<Instant>,
    /// The delays in milliseconds, the newest last.
    kept: VecDeque<i64>,
    /// For each round trip, in milliseconds: its duration, and how far the server's clock was ahead of this machine's
    /// clock in the middle of it.
    round_trips: VecDeque<(i64, i64)>,
    compared_at: Option<i64>,
}

impl Delays {
    /// Records progress of a transfer that this frame shows. Returns whether it is the first progress in the frame that
    /// counts.
    ///
    /// The first progress of a transfer does not count, and neither does progress from before `subscribed_at`: both may
    /// be old.
    fn note(&mut self, id: &str, at: Instant, subscribed_at: i64) -> bool {
        if self.known.len() >= KNOWN && !self.known.contains_key(id) {
            self.known.clear();
        }
        let before = self.known.insert(id.to_owned(), at);
        let is_new = before.is_some_and(|before| before < at);
        let is_live = self.server_ahead().is_none_or(|ahead| at.0 - ahead > subscribed_at);
        if is_new && is_live {
            self.frame.push(at);
        }
        is_new && is_live && self.frame.len() == 1
    }

    /// Records the delays of the progress in this frame, which was painted at `now`.
    fn end_frame(&mut self, now: i64) {
        let frame = mem::take(&mut self.frame);
        let Some(ahead) = self.server_ahead() else { return };
        for at in frame {
            keep(&mut self.kept, KEPT, (now + ahead - at.0).max(0));
        }
    }

    /// Whether the clocks must be compared at `now`. If so, the comparison counts as done.
    fn is_comparison_due(&mut self, now: i64) -> bool {
        let is_due = self.compared_at.is_none_or(|at| now - at >= COMPARE_AFTER);
        if is_due {
            self.compared_at = Some(now);
        }
        is_due
    }

    /// Compares the clocks by a request. `sent` and `received` are times of this machine's clock, `server` is the
    /// server's time in the answer.
    fn compare(&mut self, sent: i64, received: i64, server: Instant) {
        keep(&mut self.round_trips, ROUND_TRIPS, (received - sent, server.0 - i64::midpoint(sent, received)));
    }

    /// How far the server's clock is ahead of this machine's clock in milliseconds, according to the shortest round
    /// trip; `None` before the first round trip.
    fn server_ahead(&self) -> Option<i64> {
        self.round_trips.iter().min().map(|(_, ahead)| *ahead)
    }

    fn text(&self) -> Option<String> {
        let ahead = self.server_ahead()?;
        let mut sorted: Vec<i64> = self.kept.iter().copied().collect();
        sorted.sort_unstable();
        let (median, slow) = (percentile(&sorted, 50)?, percentile(&sorted, 99)?);
        let updates = format::counted(i64::try_from(sorted.len()).unwrap_or(i64::MAX), "update");
        let clock = match ahead {
            0 => "like the server's".to_owned(),
            1.. => format!("about {ahead} ms behind the server's"),
            _ => format!("about {} ms ahead of the server's", -ahead),
        };
        Some(format!(
            "Commit to paint: {median} ms (p50), {slow} ms (p99), last {updates}. Clock of this machine: {clock}."
        ))
    }
}

/// Adds an entry, and removes the oldest if there are more than `most`.
fn keep<T>(entries: &mut VecDeque<T>, most: usize, entry: T) {
    if entries.len() == most {
        entries.pop_front();
    }
    entries.push_back(entry);
}

/// The smallest number in `sorted` that `percent` of the numbers do not exceed; `None` if there are no numbers.
fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_with_progress_are_recognised() {
        let result = |at: &str| {
            format!(
                r#"{{"data":{{"transferUpdated":{{"transfer":{{"id":"a","lastProgressAt":{at},"agentId":"b"}}}}}}}}"#
            )
        };
        let known = result(r#""1970-01-01T00:00:01.250Z""#);
        assert_eq!(progress_in(&known), Some(("a", Instant(1250))));
        assert_eq!(progress_in(&result("null")), None);
        assert_eq!(progress_in(r#"{"data":{"fleetUpdated":{"fleet":null}}}"#), None);
    }

    #[test]
    fn new_progress_counts_once_it_is_painted() {
        let mut delays = Delays::default();
        delays.compare(1000, 1020, Instant(1110));
        assert!(!delays.note("a", Instant(2100), 0), "the first may be old");
        assert!(!delays.note("a", Instant(2100), 0), "something else has changed");
        assert!(delays.note("a", Instant(2200), 0));
        assert!(!delays.note("b", Instant(2000), 0));
        assert!(!delays.note("b", Instant(2210), 0), "the frame ends for both at once");
        assert!(!delays.note("b", Instant(2220), 2120), "it may have waited for the subscription");
        delays.end_frame(2130);
        delays.end_frame(9000);
        assert_eq!(delays.kept, [30, 20]);
        assert!(delays.note("a", Instant(2300), 2120));
    }

    #[test]
    fn the_shortest_round_trip_compares_the_clocks() {
        let mut delays = Delays::default();
        assert!(delays.is_comparison_due(0));
        assert!(!delays.is_comparison_due(COMPARE_AFTER - 1));
        assert!(delays.is_comparison_due(COMPARE_AFTER));
        for (sent, received, server) in [(0, 400, 900), (1000, 1020, 1022), (2000, 2100, 2000)] {
            delays.compare(sent, received, Instant(server));
        }
        assert_eq!(delays.server_ahead(), Some(12));
        delays.kept = (1..=200).collect();
        let text = "Commit to paint: 100 ms (p50), 198 ms (p99), last 200 updates. \
                    Clock of this machine: about 12 ms behind the server's.";
        assert_eq!(delays.text().as_deref(), Some(text));
    }

    #[test]
    fn nothing_is_said_before_something_was_measured() {
        let mut delays = Delays::default();
        assert!(!delays.note("a", Instant(1), 0));
        assert!(delays.note("a", Instant(2), 0));
        delays.end_frame(3);
        assert!(delays.kept.is_empty(), "the clocks were not compared");
        delays.compare(0, 2, Instant(1));
        assert_eq!(delays.text(), None);
    }
}
