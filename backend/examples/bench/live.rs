//! A thousand watchers: measures how soon they receive reports at several rates, the CPU cost of a delivery, and the
//! maximum rate of deliveries. Also measures the effect of different selections and of stalled watchers, and the memory
//! that five thousand idle watchers take in addition to an equal number before them.
//!
//! The server is compared with a bare axum server without any logic, which turns a report into one text and sends it to
//! every socket. Successive reports are about different transfers, so no waiting state is replaced by another one.

mod documents;
mod frames;
mod reports;
mod setup;
mod stages;
mod stretch;
mod watched_server;
mod watcher;

use std::time::Duration;

use self::watched_server::{Paced, Saturated};
pub(crate) use self::{
    reports::{Answered, SLOW, percentile},
    setup::Setup,
    watched_server::{Storm, WatchedServer},
};
use super::{
    Options,
    place::Server,
    ratios::Ratio,
    rows::{self, Asked, median},
};

/// The number of watchers.
pub(crate) const WATCHERS: usize = 1_000;
/// The number of watchers in the measurement with few watchers.
const FEW: usize = 100;
/// The number of different selections that watchers use.
const SELECTIONS: usize = 50;
/// The number of watchers that read nothing, in addition to the others.
const STALLED: usize = WATCHERS / 100;
/// The number of idle watchers whose memory is measured.
const IDLE: usize = 5_000;

/// The minimum rate of deliveries at saturation, as a fraction of the bare server's rate.
const SATURATION_ASKED: f64 = 0.6;
/// The minimum rate of deliveries with many selections, as a fraction of the rate with one selection.
const SELECTIONS_ASKED: f64 = 0.6;
/// The maximum p99 of the delays beside stalled watchers, as a multiple of the p99 without them.
const STALLED_ASKED: f64 = 1.2;
/// The maximum memory of an idle watcher, in KiB.
const IDLE_ASKED: f64 = 6.0;

/// A rate of reports, and the required ratios to the bare server at this rate.
struct Rate {
    per_second: u32,
    p99: f64,
    cpu: Option<f64>,
    /// Whether the server must deliver every state in time at this rate.
    is_below_overload: bool,
}

const RATES: [Rate; 3] = [
    Rate { per_second: 20, p99: 1.5, cpu: Some(1.3), is_below_overload: true },
    Rate { per_second: 100, p99: 1.5, cpu: None, is_below_overload: true },
    Rate { per_second: 400, p99: 1.5, cpu: Some(1.3), is_below_overload: false },
];
/// The number of reports per second beside stalled watchers.
const BESIDE_STALLED: u32 = 100;

/// The measurements of one server in one round.
struct Round {
    /// One entry for each of [`RATES`].
    paced: Vec<Paced>,
    saturated: Saturated,
    saturated_with_few: Saturated,
    /// Measured for the MFTPlus server only; `None` for the bare server.
    variants: Option<Variants>,
}

struct Variants {
    selections: Saturated,
    /// Measured without stalled watchers; `stalled` is the same with them.
    alone: Paced,
    stalled: Paced,
}

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    println!("\nLive: {WATCHERS} watchers, medians of {} rounds of {} s", options.rounds, options.seconds);
    let setup = Setup::new(options, "live");
    let measure = |server: Server, is_ours: bool| {
        let mut server = WatchedServer::new(&setup, server);
        setup.reporting.block_on(round(&mut server, options.seconds, is_ours))
    };
    let rounds: Vec<(Round, Round)> = (0..options.rounds)
        .map(|_| (measure(setup.product(options), true), measure(Server::bare_live(), false)))
        .collect();
    let mut ratios = Vec::new();
    for (index, rate) in RATES.iter().enumerate() {
        ratios.extend(paced(&rounds, index, rate));
    }
    ratios.push(saturated(&rounds, WATCHERS, Some(SATURATION_ASKED), |round| &round.saturated));
    ratios.push(saturated(&rounds, FEW, None, |round| &round.saturated_with_few));
    ratios.extend(varied(&rounds));
    let mut server = WatchedServer::new(&setup, setup.product(options));
    let memory = setup.reporting.block_on(server.memory_of_idle(IDLE));
    rows::print(
        &format!("Memory of each of {IDLE} idle watchers, beyond as many"),
        memory,
        " KiB",
        Asked::AtMost(IDLE_ASKED),
    );
    ratios
}

async fn round(server: &mut WatchedServer<'_>, seconds: u64, is_ours: bool) -> Round {
    server.watch(WATCHERS, 1).await;
    let mut paced = Vec::with_capacity(RATES.len());
    for rate in &RATES {
        let measured = server.paced(rate.per_second, seconds).await;
        if rate.is_below_overload {
            assert_eq!(measured.deliveries, measured.expected, "deliveries at {} PATCH/s", rate.per_second);
        }
        paced.push(measured);
    }
    let saturated = server.saturate(seconds).await;
    server.keep(FEW).await;
    let saturated_with_few = server.saturate(seconds).await;
    let variants = if is_ours { Some(variants(server, seconds).await) } else { None };
    Round { paced, saturated, saturated_with_few, variants }
}

async fn variants(server: &mut WatchedServer<'_>, seconds: u64) -> Variants {
    server.watch(WATCHERS, SELECTIONS).await;
    let selections = server.saturate(seconds).await;
    server.watch(WATCHERS, 1).await;
    let (alone, stalled) = server.paced_beside_stalled(STALLED, BESIDE_STALLED, seconds).await;
    Variants { selections, alone, stalled }
}

/// Prints the measurements at a rate.
fn paced(rounds: &[(Round, Round)], index: usize, rate: &Rate) -> [Ratio; 2] {
    println!("\n  {} PATCH/s", rate.per_second);
    let ours: Vec<&Paced> = rounds.iter().map(|(ours, _)| &ours.paced[index]).collect();
    let bare: Vec<&Paced> = rounds.iter().map(|(_, bare)| &bare.paced[index]).collect();
    for (name, mut all) in [("MFTPlus", ours.clone()), ("bare axum", bare.clone())] {
        all.sort_by_key(|paced| paced.p99);
        let Paced { deliveries, expected, p50, p99, cpu } = all[all.len() / 2];
        let micros = cpu * 1e6;
        let delivered = format!("{deliveries} of {expected} deliveries, {micros:.1} µs of CPU each");
        println!("  {name:>9}: p50 {p50:.1?}, p99 {p99:.1?}, {delivered}");
    }
    let ratio = |value: fn(&Paced) -> f64| median(ours.iter().zip(&bare).map(|(ours, bare)| value(ours) / value(bare)));
    let at = format!("at {} PATCH/s, beside a bare socket", rate.per_second);
    [
        rows::durations(
            format!("p99 to {WATCHERS} watchers {at}"),
            ratio(|paced| paced.p99.as_secs_f64()),
            Some(rate.p99),
        ),
        rows::durations(format!("CPU of a delivery {at}"), ratio(|paced| paced.cpu), rate.cpu),
    ]
}

/// Prints the measurements at saturation.
fn saturated(
    rounds: &[(Round, Round)],
    watchers: usize,
    asked: Option<f64>,
    part: impl Fn(&Round) -> &Saturated,
) -> Ratio {
    println!("\n  As many PATCHes as are answered, {watchers} watchers");
    let ours = rounds.iter().map(|(ours, _)| part(ours));
    let bare = rounds.iter().map(|(_, bare)| part(bare));
    print_saturated("MFTPlus", ours.clone());
    print_saturated("bare axum", bare.clone());
    let ratio = median(ours.zip(bare).map(|(ours, bare)| ours.per_second / bare.per_second));
    rows::speeds(format!("Deliveries/s to {watchers} watchers, beside a bare socket"), ratio, asked)
}

fn print_saturated<'a>(name: &str, rounds: impl Iterator<Item = &'a Saturated> + Clone) {
    let per_second = median(rounds.clone().map(|saturated| saturated.per_second));
    let cpu = median(rounds.map(|saturated| saturated.cpu)) * 1e6;
    println!("  {name:>9}: {per_second:.0} deliveries/s, {cpu:.1} µs of CPU for each");
}

/// Prints the effect of different selections and of stalled watchers on the MFTPlus server.
fn varied(rounds: &[(Round, Round)]) -> [Ratio; 2] {
    println!("\n  {SELECTIONS} selections; {STALLED} stalled watchers in addition");
    let ours = rounds.iter().filter_map(|(ours, _)| Some((ours, ours.variants.as_ref()?)));
    print_saturated("MFTPlus", ours.clone().map(|(_, variants)| &variants.selections));
    let selections =
        median(ours.clone().map(|(round, variants)| variants.selections.per_second / round.saturated.per_second));
    let p99 = |paced: &Paced| paced.p99.as_secs_f64();
    let of =
        |p99: fn(&Variants) -> f64| Duration::from_secs_f64(median(ours.clone().map(|(_, variants)| p99(variants))));
    let alone = of(|variants| variants.alone.p99.as_secs_f64());
    let beside = of(|variants| variants.stalled.p99.as_secs_f64());
    println!("  {:>9}: p99 {alone:.1?} without stalled watchers, {beside:.1?} beside them", "MFTPlus");
    let stalled = median(ours.map(|(_, variants)| p99(&variants.stalled) / p99(&variants.alone)));
    [
        rows::speeds(
            format!("Deliveries/s with {SELECTIONS} selections, beside one"),
            selections,
            Some(SELECTIONS_ASKED),
        ),
        rows::durations(format!("p99 beside {STALLED} stalled watchers, beside none"), stalled, Some(STALLED_ASKED)),
    ]
}
