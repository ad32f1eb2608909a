//! A storm: twice as many reports as the server can deliver to a thousand watchers. Agents must not wait for watchers,
//! and each watcher must know the last state of every transfer shortly after the storm.

use super::{
    Options,
    live::{Setup, WATCHERS, WatchedServer, percentile},
    rows::{self, Asked},
};

/// The minimum rate of reports.
const MIN_RATE: u32 = 800;
/// The minimum time, in which every transfer is reported more than once.
const MIN_SECONDS: u64 = 25;

/// The most that a PATCH may take, in milliseconds.
const P50_ASKED: f64 = 10.0;
const P99_ASKED: f64 = 100.0;
/// The most resyncs, in percent of the deliveries.
const RESYNCS_ASKED: f64 = 1.0;

pub(crate) fn run(options: &Options) {
    println!("\nA storm on {WATCHERS} watchers");
    let setup = Setup::new(options, "storm");
    let mut server = WatchedServer::new(&setup, setup.product(options));
    let seconds = options.seconds.max(MIN_SECONDS);
    let (rate, storm) = setup.reporting.block_on(async {
        server.watch(WATCHERS, 1).await;
        let borne = server.saturate(options.seconds).await.per_second / count(WATCHERS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of some hundreds")]
        let rate = ((borne * 2.0).ceil() as u32).max(MIN_RATE);
        println!("  {borne:.0} PATCH/s are delivered to all; the storm: {rate} PATCH/s for {seconds} s");
        (rate, server.storm(rate, seconds).await)
    });
    let answered = storm.times.len();
    println!("  {answered} PATCHes of {rate}/s, {} deliveries, {} resyncs", storm.deliveries, storm.resyncs);
    let received = storm.deliveries / WATCHERS;
    println!("  each watcher received about {received} states; 1 s after the storm {} were missing", storm.unknown);
    match storm.settled {
        Some(after) => println!("  every watcher knew every last state {after:.1?} after the storm"),
        None => println!("  some watchers never knew every last state: states are lost"),
    }
    let milliseconds = |percent| percentile(&storm.times, percent).as_secs_f64() * 1e3;
    rows::print("PATCH p50", milliseconds(50), " ms", Asked::AtMost(P50_ASKED));
    rows::print("PATCH p99", milliseconds(99), " ms", Asked::AtMost(P99_ASKED));
    rows::print("PATCHes refused", count(storm.refused), "", Asked::AtMost(0.0));
    let right = format!("Watchers of {WATCHERS} that know every last state 1 s after the storm");
    rows::print(&right, count(storm.right), "", Asked::AtLeast(count(WATCHERS)));
    let lost = if storm.settled.is_some() { 0.0 } else { 1.0 };
    rows::print("Storms after which last states are lost", lost, "", Asked::AtMost(0.0));
    let resyncs = count(storm.resyncs) / count(storm.deliveries) * 100.0;
    rows::print("Resyncs among the deliveries", resyncs, " %", Asked::AtMost(RESYNCS_ASKED));
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
