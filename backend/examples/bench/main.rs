//! `cargo xtask bench`: the cost of a durable PATCH, compared with a bare axum handler with group commit on the same
//! engine with the same settings, and what keeping series and samples adds to it; the effect of a million transfers and
//! a hundred thousand jobs; what watchers receive and what they cost, compared with a bare socket, and how long agents
//! wait in a storm of reports; the cost of a list over GraphQL; how soon an outage of many agents is noticed; the cost
//! of a fleet of a hundred thousand agents; and the cost of the agent's transfers, compared with other tools.
//!
//! The server and the bare servers are processes of their own. Both get the same load from this process, in turns, so
//! that other load of the machine affects both.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot go on must stop")]
#![expect(clippy::disallowed_types, reason = "the bare handler is axum as everybody writes it")]

mod bare;
mod bounds;
mod collecting;
mod connection;
mod fleet;
mod live;
mod load;
mod million;
mod outage;
mod place;
mod ratios;
mod reads;
mod rows;
mod schedule;
mod storm;
mod throughput;
mod transfers;
mod usage;

use clap::Parser;
use ratios::Ratio;

/// The allocator of the server. The bare servers use it, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The parts of the benchmark, in the order in which they are measured.
const PARTS: [&str; 10] =
    ["throughput", "collecting", "million", "live", "storm", "reads", "schedule", "outage", "fleet", "transfers"];

/// The parts whose ratios are recorded and checked: these do not depend on other tools.
const PARTS_WITH_RATIOS: [&str; 6] = ["throughput", "collecting", "million", "live", "reads", "schedule"];

/// Benchmarks. The results of one run are to be read as ratios.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// Only these parts
    #[arg(value_parser = PARTS)]
    parts: Vec<String>,
    /// PostgreSQL to measure on, beside SQLite
    #[arg(long)]
    postgres: Option<String>,
    /// Measure five times, and compare the median ratios with the recorded ones; 20 % slower fails
    #[arg(long, conflicts_with = "record")]
    check: bool,
    /// Measure five times, and record the median ratios in the repository
    #[arg(long)]
    record: bool,
    /// Redis that connects two servers of a fleet on PostgreSQL
    #[arg(long)]
    redis: Option<String>,
    /// Agents of the fleet; a tenth as many transfers are running
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    agents: u64,
    /// Agents of the fleet that also wait for directives, each on a connection of its own
    #[arg(long, default_value_t = 0)]
    long_polls: usize,
    /// Seconds of each measured stretch
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often each stretch is measured in a run; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Connections to measure with
    #[arg(long, value_delimiter = ',', default_value = "1,32,256")]
    connections: Vec<usize>,
    /// Rates of the storms before the one of twice what the server can deliver, in PATCH/s
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "400,800",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    storm_rates: Vec<u32>,
    /// Only this part
    #[arg(long, value_parser = PARTS)]
    only: Option<String>,
    /// The server binary
    #[arg(long, default_value = "target/dist/mftplus")]
    server: std::path::PathBuf,
    /// The agent binary, for the transfers
    #[arg(long, default_value = "target/dist/mftplus-agent")]
    agent: std::path::PathBuf,
    /// MiB of the file that is transferred
    #[arg(long, default_value_t = 1024)]
    mebibytes: usize,
    /// Serve the bare handler on this database instead (used by the benchmark itself)
    #[arg(long, hide = true)]
    bare: Option<String>,
    /// Serve the bare socket instead (used by the benchmark itself)
    #[arg(long, hide = true)]
    bare_live: bool,
}

fn main() {
    let options = Options::parse();
    if let Some(database) = &options.bare {
        tokio::runtime::Runtime::new().unwrap().block_on(bare::serve(database));
        return;
    }
    if options.bare_live {
        tokio::runtime::Runtime::new().unwrap().block_on(bare::serve_live());
        return;
    }
    if options.record {
        ratios::record(|| measure(&options));
    } else if options.check {
        ratios::check(|| measure(&options));
    } else {
        measure(&options);
    }
}

/// Measures the chosen parts and returns their ratios. If none is chosen, measures all parts, or with `--record` or
/// `--check` only [`PARTS_WITH_RATIOS`].
fn measure(options: &Options) -> Vec<Ratio> {
    let chosen: Vec<&String> = options.parts.iter().chain(&options.only).collect();
    let has_ratios = options.record || options.check;
    let wants = |part: &str| {
        if chosen.is_empty() {
            !has_ratios || PARTS_WITH_RATIOS.contains(&part)
        } else {
            chosen.iter().any(|chosen| *chosen == part)
        }
    };
    let mut ratios = Vec::new();
    if wants("throughput") {
        ratios.extend(throughput::run(options));
    }
    if wants("collecting") {
        ratios.extend(collecting::run(options));
    }
    if wants("million") {
        ratios.extend(million::run(options));
    }
    if wants("live") {
        ratios.extend(live::run(options));
    }
    if wants("storm") {
        storm::run(options);
    }
    if wants("reads") {
        ratios.extend(reads::run(options));
    }
    if wants("schedule") {
        ratios.extend(schedule::run(options));
    }
    if wants("outage") {
        outage::run(options);
    }
    if wants("fleet") {
        fleet::run(options);
    }
    if wants("transfers") {
        transfers::run(options);
    }
    ratios
}
