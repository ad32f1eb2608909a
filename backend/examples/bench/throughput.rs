//! Durable reports per second at 1, 32 and 256 connections, and the latency of a single connection, after each agent
//! has reported once. The cost of an agent's first report after a start, for which the server reads its key, is printed
//! separately.

use std::{sync::Arc, time::Duration};

use super::{
    Options,
    load::{self, Measured},
    place::{self, Engine, Place, Reporter, Server},
    ratios::Ratio,
    rows,
    usage::cpu,
};

const AGENTS: usize = 4_000;
/// The number of agents that take turns on a single connection.
const LONE: usize = 200;
/// The maximum duration of a PATCH on a single connection, as a multiple of that of the bare handler.
const LONE_ASKED: f64 = 1.2;

/// The measurements of one server in one stretch.
struct Stretch {
    /// The first report of each agent.
    first: Reports,
    /// The reports after the first ones.
    next: Reports,
}

/// Measured reports, with the server's CPU seconds for each report.
struct Reports {
    measured: Measured,
    cpu: f64,
}

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    println!(
        "Durable PATCH /api/transfers/{{id}}: {AGENTS} agents, limits on, medians of {} rounds of {} s after the first \
         report of each agent, beside a bare handler with group commit.",
        options.rounds, options.seconds
    );
    let mut ratios = engine("SQLite", &Engine::Sqlite, 0.75, options);
    if let Some(url) = &options.postgres {
        ratios.extend(engine("PostgreSQL", &Engine::Postgres(url.clone()), 0.6, options));
    }
    ratios
}

/// Measures on one engine. `asked` is the minimum speed at many connections, as a fraction of the bare handler's speed.
fn engine(name: &str, engine: &Engine, asked: f64, options: &Options) -> Vec<Ratio> {
    println!("\n{name}");
    println!(
        "  {:>11}  {:>12}  {:>12}  {:>10}  {:>10}  {:>12}  {:>12}",
        "connections", "MFTPlus", "bare axum", "p50", "p99", "CPU", "bare CPU"
    );
    let place = Place::fresh(engine, "throughput");
    let reporters = Arc::new(place::agents(&place, AGENTS));
    let mut ratios = Vec::new();
    for &connections in &options.connections {
        let reporters = of(&reporters, connections);
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            // A new process has new rate limit windows, so no request is refused during the measurement.
            let server = Server::product(&options.server, &place, "agent=300");
            let ours = stretch(&server, &reporters, connections, options);
            drop(server);
            let bare = stretch(&Server::bare(&place), &reporters, connections, options);
            rounds.push((ours, bare));
        }
        rounds.sort_by(|a, b| speed_ratio(a).total_cmp(&speed_ratio(b)));
        let middle = &rounds[rounds.len() / 2];
        let (ours, bare) = middle;
        print_row(&connections.to_string(), &ours.next, &bare.next);
        print_row("(first)", &ours.first, &bare.first);
        let asked = (connections > 1).then_some(asked);
        let title = format!("{name}, PATCHes at {connections} connections, beside a bare handler");
        ratios.push(rows::speeds(title, speed_ratio(middle), asked));
        if connections == 1 {
            let lone =
                rounds.iter().map(|(ours, bare)| ours.next.measured.p50.div_duration_f64(bare.next.measured.p50));
            let title = format!("{name}, lone PATCH, beside one raw durable commit over HTTP");
            ratios.push(rows::durations(title, rows::median(lone), Some(LONE_ASKED)));
        }
    }
    ratios
}

fn print_row(name: &str, ours: &Reports, bare: &Reports) {
    println!(
        "  {name:>11}  {:>10.0}/s  {:>10.0}/s  {:>10.1?}  {:>10.1?}  {:>9.1} µs  {:>9.1} µs",
        ours.measured.per_second,
        bare.measured.per_second,
        ours.measured.p50,
        ours.measured.p99,
        ours.cpu * 1e6,
        bare.cpu * 1e6
    );
}

/// The agents for this number of connections: so many that none reaches the limit of 300 requests a minute in a
/// stretch, including the first reports.
fn of(reporters: &Arc<Vec<Reporter>>, connections: usize) -> Arc<Vec<Reporter>> {
    if connections == 1 { Arc::new(reporters[..LONE].to_vec()) } else { Arc::clone(reporters) }
}

fn stretch(server: &Server, reporters: &Arc<Vec<Reporter>>, connections: usize, options: &Options) -> Stretch {
    let length = Duration::from_secs(options.seconds);
    let first = reports(server, || load::first_patches(&server.address, reporters, connections));
    let next = reports(server, || load::patches(&server.address, reporters, connections, length));
    Stretch { first, next }
}

fn reports(server: &Server, measure: impl FnOnce() -> Measured) -> Reports {
    let before = cpu(server.child.id());
    let measured = measure();
    let taken = cpu(server.child.id()) - before;
    Reports { cpu: taken / f64::from(measured.count), measured }
}

fn speed_ratio((ours, bare): &(Stretch, Stretch)) -> f64 {
    ours.next.measured.per_second / bare.next.measured.per_second
}
