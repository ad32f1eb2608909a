//! Durable reports per second at 1, 32 and 256 connections, and the latency of a single connection, once each agent has
//! reported. What the first report of an agent costs after a start, which reads its key, is printed beside them.

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
/// The most that a lone PATCH may take, beside the bare handler's.
const LONE_ASKED: f64 = 1.2;

/// What one server did in one stretch.
struct Stretch {
    /// The first report of each agent.
    first: Reports,
    /// The reports after them.
    next: Reports,
}

/// Reports, with the seconds of CPU of the server for each.
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

/// Measures on one engine, where `asked` is the least part of the bare handler's speed at many connections.
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
            // A new process has fresh windows of the rate limit: what is measured is the work, not the refusal.
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

/// As many agents as the limit of 300 requests a minute requires for the whole stretch, with a margin for first reports.
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
