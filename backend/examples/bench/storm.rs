//! Storms: high rates of reports with a thousand watchers, at given rates and at twice the rate that the server can
//! deliver. Agents must not wait for watchers, and each watcher must receive the last state of every transfer shortly
//! after a storm.

use std::time::Duration;

use super::{
    Options,
    live::{Answered, SLOW, Setup, Storm, WATCHERS, WatchedServer, percentile},
    rows::{self, Asked},
};

/// The minimum rate of the last storm, in reports per second.
const MIN_RATE: u32 = 800;
/// The minimum length of a storm in seconds. In this time, the last storm reports every transfer more than once, and
/// the collector, which runs every 10 seconds, has two rounds.
const MIN_SECONDS: u64 = 25;
/// The maximum time between the reports of two slow answers that count as one pause, because they probably have the
/// same cause.
const PAUSE: Duration = Duration::from_millis(250);
/// The maximum number of pauses that are printed.
const MAX_PAUSES: usize = 20;

/// The maximum p50 of a PATCH, in milliseconds.
const P50_ASKED: f64 = 10.0;
const P99_ASKED: f64 = 100.0;
/// The maximum number of resyncs, in percent of the deliveries.
const RESYNCS_ASKED: f64 = 1.0;

pub(crate) fn run(options: &Options) {
    println!("\nStorms on {WATCHERS} watchers");
    let setup = Setup::new(options, "storm");
    let mut server = WatchedServer::new(&setup, setup.product(options));
    let seconds = options.seconds.max(MIN_SECONDS);
    setup.reporting.block_on(server.watch(WATCHERS, 1));
    for rate in &options.storm_rates {
        measure(&setup, &mut server, *rate, seconds);
    }
    let borne = setup.reporting.block_on(server.saturate(options.seconds)).per_second / count(WATCHERS);
    println!("\n  {borne:.0} PATCH/s are delivered to all; the last storm has twice as many");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of some hundreds")]
    let rate = ((borne * 2.0).ceil() as u32).max(MIN_RATE);
    measure(&setup, &mut server, rate, seconds);
}

/// Measures a storm and prints the results.
fn measure(setup: &Setup, server: &mut WatchedServer<'_>, rate: u32, seconds: u64) {
    println!("\n  {rate} PATCH/s for {seconds} s");
    let before = server.stages();
    let storm = setup.reporting.block_on(server.storm(rate, seconds));
    server.stages().print_since(&before);
    print_pauses(&storm.slow);
    print(&storm);
}

fn print(storm: &Storm) {
    let answered = storm.times.len();
    println!("  {answered} PATCHes, {} deliveries, {} resyncs", storm.deliveries, storm.resyncs);
    let received = storm.deliveries / WATCHERS;
    println!("  each watcher received about {received} states; 1 s after the storm {} were missing", storm.unknown);
    match storm.settled {
        Some(after) => println!("  every watcher knew every last state {after:.1?} after the storm"),
        None => println!("  some watchers never knew every last state: states are lost"),
    }
    let milliseconds = |times: &[Duration], percent| percentile(times, percent).as_secs_f64() * 1e3;
    for percent in [50, 99] {
        let name = format!("Delay of the load itself before a PATCH, p{percent}");
        rows::print(&name, milliseconds(&storm.own_delays, percent), " ms", Asked::Nothing);
    }
    rows::print("PATCH p50", milliseconds(&storm.times, 50), " ms", Asked::AtMost(P50_ASKED));
    rows::print("PATCH p99", milliseconds(&storm.times, 99), " ms", Asked::AtMost(P99_ASKED));
    rows::print("The slowest PATCH", milliseconds(&storm.times, 100), " ms", Asked::Nothing);
    rows::print("PATCHes refused", count(storm.refused), "", Asked::AtMost(0.0));
    let right = format!("Watchers of {WATCHERS} that know every last state 1 s after the storm");
    rows::print(&right, count(storm.right), "", Asked::AtLeast(count(WATCHERS)));
    let lost = if storm.settled.is_some() { 0.0 } else { 1.0 };
    rows::print("Storms after which last states are lost", lost, "", Asked::AtMost(0.0));
    let resyncs = count(storm.resyncs) / count(storm.deliveries) * 100.0;
    rows::print("Resyncs among the deliveries", resyncs, " %", Asked::AtMost(RESYNCS_ASKED));
}

/// Prints when answers were slow, so that causes with a regular interval can be recognised.
fn print_pauses(slow: &[Answered]) {
    let pauses: Vec<&[Answered]> = slow.chunk_by(|one, next| next.due.saturating_sub(one.due) < PAUSE).collect();
    for pause in pauses.iter().take(MAX_PAUSES) {
        let (Some(first), Some(last), Some(slowest)) =
            (pause.first(), pause.last(), pause.iter().map(|answered| answered.time).max())
        else {
            continue;
        };
        let (begin, end) = (first.due.as_secs_f64(), last.due.as_secs_f64());
        let number = pause.len();
        println!("  due from {begin:.2} to {end:.2} s: {number} PATCHes over {SLOW:?}, the slowest {slowest:.0?}");
    }
    if pauses.len() > MAX_PAUSES {
        println!("  and {} more times", pauses.len() - MAX_PAUSES);
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
