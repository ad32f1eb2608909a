//! Durable reports per second at 1, 32 and 256 connections, and the latency of a single connection.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Options, bare, load,
    place::{self, Engine, Place, Reporter, Server},
    ratios::Ratio,
};

const AGENTS: usize = 4_000;
/// The number of agents that take turns on a single connection.
const LONE: usize = 200;

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    let mut ratios = Vec::new();
    let mut engines = vec![("SQLite", Engine::Sqlite)];
    engines.extend(options.postgres.clone().map(|url| ("PostgreSQL", Engine::Postgres(url))));
    println!(
        "Durable PATCH /api/transfers/{{id}}: {AGENTS} agents, limits on, medians of {} rounds of {} s.",
        options.rounds, options.seconds
    );
    for (name, engine) in engines {
        println!("\n{name}");
        println!(
            "  {:>11}  {:>12}  {:>12}  {:>7}  {:>10}  {:>10}",
            "connections", "MFTPlus", "bare axum", "ratio", "p50", "p99"
        );
        let length = Duration::from_secs(options.seconds);
        for &connections in &options.connections {
            let mut rounds = Vec::new();
            for round in 0..options.rounds {
                // Fresh windows for each round: what is measured is the work, not the refusal.
                let ours = {
                    let (place, reporters) = filled(&engine, &format!("ours_{connections}_{round}"));
                    let server = Server::product(&options.server, &place, "agent=300");
                    load::patches(&server.address, &of(&reporters, connections), connections, length)
                };
                let bare = {
                    let (place, reporters) = filled(&engine, &format!("bare_{connections}_{round}"));
                    let server = Server::bare(&place);
                    load::patches(&server.address, &of(&reporters, connections), connections, length)
                };
                rounds.push((ours, bare));
            }
            rounds.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
            let (ours, bare) = &rounds[rounds.len() / 2];
            let title = format!("{name}, PATCHes at {connections} connections, beside a bare handler");
            ratios.push(Ratio::of_speeds(title, ratio(&rounds[rounds.len() / 2])));
            println!(
                "  {connections:>11}  {:>10.0}/s  {:>10.0}/s  {:>6.1}x  {:>10.1?}  {:>10.1?}",
                ours.per_second,
                bare.per_second,
                ratio(&rounds[rounds.len() / 2]),
                ours.p50,
                ours.p99
            );
        }
        let ratio = lone(options, &engine);
        ratios.push(Ratio::of_durations(format!("{name}, lone PATCH, beside a raw commit"), ratio));
    }
    ratios
}

/// As many agents as the limit of 300 requests a minute requires for the whole stretch, with a margin.
fn of(reporters: &Arc<Vec<Reporter>>, connections: usize) -> Arc<Vec<Reporter>> {
    if connections == 1 { Arc::new(reporters[..LONE].to_vec()) } else { Arc::clone(reporters) }
}

fn ratio((ours, bare): &(load::Measured, load::Measured)) -> f64 {
    ours.per_second / bare.per_second
}

fn filled(engine: &Engine, name: &str) -> (Place, Arc<Vec<Reporter>>) {
    let place = Place::fresh(engine, name);
    let reporters = place::agents(&place, AGENTS);
    (place, Arc::new(reporters))
}

/// Measures a single PATCH over HTTP and one raw commit of the same row, in turns. Each result is the median of its
/// stretch. Returns the ratio.
fn lone(options: &Options, engine: &Engine) -> f64 {
    let (place, reporters) = filled(engine, "lone");
    let server = Server::product(&options.server, &place, "agent=300");
    let database = place.database_url.clone();
    let database = database.unwrap_or_else(|| place.folder.path().join("raw.db").display().to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    // On SQLite beside the server's file, since only one process may write at a time without waiting.
    if matches!(engine, Engine::Sqlite) {
        std::fs::copy(place.folder.path().join("mftplus.db"), &database).unwrap();
    }
    let db = runtime.block_on(bare::open(&database));
    let mut ratios = Vec::new();
    for _ in 0..options.rounds {
        let ours = load::patches(&server.address, &of(&reporters, 1), 1, Duration::from_secs(options.seconds));
        let id = reporters[0].transfer.parse().unwrap();
        let raw = runtime.block_on(async {
            let end = Instant::now() + Duration::from_secs(options.seconds);
            let mut times = Vec::new();
            while Instant::now() < end {
                let start = Instant::now();
                bare::commit(&db, id, 50.0, 1, 1.0).await;
                times.push(start.elapsed());
            }
            times.sort_unstable();
            times[times.len() / 2]
        });
        ratios.push((ours.p50.as_secs_f64() / raw.as_secs_f64(), ours.p50, raw));
    }
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, ours, raw) = ratios[ratios.len() / 2];
    println!("  lone PATCH {ours:.1?}, raw durable commit {raw:.1?}: {ratio:.2}x");
    ratio
}
