//! Sends the reports of agents over keep-alive connections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep_until};

use super::stretch::{Stretch, next_number};
use crate::{
    connection::{Connection, request},
    place::Reporter,
};

/// The number of connections that send the next report as soon as the last one is answered.
const CLOSED_LOOP_CONNECTIONS: usize = 8;
/// The number of bytes by which a transfer advances between two reports.
const BYTES: usize = 1_000;
/// The duration from which an answer counts as slow.
pub(crate) const SLOW: Duration = Duration::from_millis(100);

/// When a report was due, and how long its answer took.
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    /// When the report was due, after the start of the stretch.
    pub(crate) due: Duration,
    /// How long the answer took, measured from `due`.
    pub(crate) time: Duration,
}

/// The outcome of the reports of a stretch.
#[derive(Default)]
pub(super) struct Reported {
    /// How long each answer took from the time at which its report was due, in ascending order.
    pub(super) times: Vec<Duration>,
    /// The answers that took longer than [`SLOW`], in the order in which their reports were due.
    pub(super) slow: Vec<Answered>,
    /// How late reports were sent although their connection was free, in ascending order. This is the delay of the load
    /// generator itself: waiting for a processor, and up to a millisecond of its timer.
    pub(super) own_delays: Vec<Duration>,
    /// The numbers of the reports that were accepted.
    pub(super) accepted: Vec<usize>,
    pub(super) refused: usize,
}

/// Sends each report of a stretch when it is due, `rate` reports per second. If the number of transfers is a multiple
/// of the number of connections, all reports of a transfer use the same connection, so that they arrive in order.
pub(super) async fn paced(
    address: &str,
    reporters: &Arc<Vec<Reporter>>,
    stretch: &Arc<Stretch>,
    rate: u32,
    connections: usize,
) -> Reported {
    let mut tasks = JoinSet::new();
    for index in 0..connections {
        let (mut connection, reporters) = (Connection::new(address.to_owned()), Arc::clone(reporters));
        let stretch = Arc::clone(stretch);
        tasks.spawn(async move {
            connection.open().await.unwrap();
            let mut reported = Reported::default();
            for number in stretch.numbers.clone().filter(|number| number % connections == index) {
                let due = stretch.due(number, rate);
                // If the connection was still waiting for an earlier answer, the delay is measured from the time at
                // which the report was due.
                let is_late = due < Instant::now();
                sleep_until(due.into()).await;
                if !is_late {
                    reported.own_delays.push(due.elapsed());
                }
                stretch.note_sent(number, if is_late { due } else { Instant::now() });
                let is_accepted = send(&mut connection, &reporters, number).await;
                let time = due.elapsed();
                reported.times.push(time);
                if time > SLOW {
                    reported.slow.push(Answered { due: stretch.since_start(due), time });
                }
                if is_accepted {
                    reported.accepted.push(number);
                } else {
                    reported.refused += 1;
                }
            }
            reported
        });
    }
    let mut all = Reported::default();
    while let Some(reported) = tasks.join_next().await {
        let reported = reported.unwrap();
        all.times.extend(reported.times);
        all.slow.extend(reported.slow);
        all.own_delays.extend(reported.own_delays);
        all.accepted.extend(reported.accepted);
        all.refused += reported.refused;
    }
    all.times.sort_unstable();
    all.slow.sort_unstable_by_key(|answered| answered.due);
    all.own_delays.sort_unstable();
    all
}

/// Sends reports until `stop` is set. Each connection sends the next report as soon as the last one is answered.
pub(super) async fn closed_loop(address: &str, reporters: &Arc<Vec<Reporter>>, stop: &Arc<AtomicBool>) {
    let mut tasks = JoinSet::new();
    for _ in 0..CLOSED_LOOP_CONNECTIONS {
        let (mut connection, reporters) = (Connection::new(address.to_owned()), Arc::clone(reporters));
        let stop = Arc::clone(stop);
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                assert!(send(&mut connection, &reporters, next_number()).await, "a report was refused");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

/// Sends the report with this number. Transfers take turns by number. Returns whether the report was accepted.
pub(super) async fn send(connection: &mut Connection, reporters: &[Reporter], number: usize) -> bool {
    let Reporter { key, transfer } = &reporters[number % reporters.len()];
    // The speed tells watchers the number.
    let body = format!("{{\"bytesTransferred\":{},\"speed\":{number}}}", number * BYTES);
    let status = connection.exchange(&request("PATCH", &format!("/api/transfers/{transfer}"), key, &body)).await;
    matches!(status, Ok(200 | 204))
}

/// The duration that `percent` of `times` do not exceed. `times` must be in ascending order.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Duration {
    times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}
