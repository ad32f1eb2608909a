//! The effect of a million transfers: list pages at any depth and other reads, and the cost of a PATCH, compared with ten
//! thousand.

mod fill;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Options,
    bounds::{self, COMBINED, Objects, PAGE, median, print_slowest},
    load::{self, Line},
    place::{self, Engine, Place, Reporter, Server},
    ratios::Ratio,
};

const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
const AGENTS: usize = 2_000;

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    let ratio = on("SQLite", &Engine::Sqlite, options);
    let has_ratios = options.check || options.record;
    // Only the ratio of SQLite is recorded: filling PostgreSQL for five runs takes too long.
    if let Some(url) = options.postgres.clone().filter(|_| !has_ratios) {
        on("PostgreSQL", &Engine::Postgres(url), options);
    }
    vec![Ratio::of_durations(format!("SQLite, PATCH beside {MANY} transfers, beside {FEW}"), ratio)]
}

/// Measures on one engine. Returns the cost of a PATCH with many stored transfers, as a multiple of its cost with few.
fn on(name: &str, engine: &Engine, options: &Options) -> f64 {
    println!("\nA million transfers on {name}");
    let mut costs = Vec::new();
    for count in [FEW, MANY] {
        let place = Place::fresh(engine, "million");
        let reporters = Arc::new(place::agents(&place, AGENTS));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let start = Instant::now();
        runtime.block_on(fill::fill(&place, count));
        println!("  {count} transfers stored in {:.1?}", start.elapsed());
        let server = Server::product(&options.server, &place, "user=1000000,agent=1000000");
        let length = Duration::from_secs(options.seconds);
        let mut stretches: Vec<_> =
            (0..options.rounds).map(|_| load::patches(&server.address, &reporters, 1, length).p50).collect();
        stretches.sort_unstable();
        let p50 = stretches[stretches.len() / 2];
        println!("  PATCH beside {count}: p50 {p50:.1?}");
        costs.push(p50.as_secs_f64());
        if count == MANY {
            pages(&place, &server, &reporters, options);
        }
    }
    let ratio = costs[1] / costs[0];
    println!("  PATCH beside {MANY} costs {ratio:.2}x of that beside {FEW}");
    ratio
}

fn pages(place: &Place, server: &Server, reporters: &[Reporter], options: &Options) {
    let binary = &options.server;
    let run = |args: &[&str]| {
        let flags = [&place.flags()[..]].concat();
        let output = std::process::Command::new(binary).args(args).args(flags).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let admin = run(&["token", "admin@localhost"]);
    run(&["user", "add", "bench@example.com", "--role", "customer", "--customer", "Bench"]);
    let customer = run(&["token", "bench@example.com"]);
    let mut line = Line::open(&server.address);
    let first: serde_json::Value = {
        assert_eq!(line.get(&format!("/api/transfers/{}", reporters[0].transfer), &admin), 200);
        serde_json::from_str(&line.body()).unwrap()
    };
    let agent = first["data"]["transfer"]["agentId"].as_str().unwrap().to_owned();
    let tokens = [admin.as_str(), &customer];
    println!("  Slowest pages of an administrator and a customer:");
    print_slowest(
        "one published filter, any page, median of 11",
        published(&mut line, tokens, &[String::new(), "&status=completed".to_owned(), format!("&agentId={agent}")]),
        PAGE,
    );
    let both = [format!("&agentId={agent}&status=failed")];
    print_slowest("both published filters, any page, median of 11", published(&mut line, tokens, &both), COMBINED);
    let single = [
        "&protocol=ftps",
        "&protocol=local",
        "&direction=pull",
        "&search=rare-",
        "&search=orders-99",
        "&search=nothing",
        "&createdBefore=2023-11-14T22:20:00Z",
    ];
    let single = single.map(str::to_owned);
    print_slowest("one additive filter, pages 1 to 100, median of 5", additive(&mut line, tokens, &single), PAGE);
    let several = [
        "&createdAfter=2023-11-14T22:25:00Z&protocol=ftps&status=completed".to_owned(),
        format!("&agentId={agent}&search=rare-"),
    ];
    print_slowest("several filters, pages 1 to 100, median of 5", additive(&mut line, tokens, &several), COMBINED);
    let owner = first["data"]["transfer"]["customerId"].as_str().unwrap().to_owned();
    let objects = Objects { agent, customer: owner, transfer: reporters[0].transfer.clone() };
    bounds::run(&server.address, &admin, &customer, &objects);
}

/// Reads pages at several depths with these filters, whose totals the server maintains. Returns the duration of each
/// path.
fn published(line: &mut Line, tokens: [&str; 2], filters: &[String]) -> Vec<(Duration, String)> {
    let mut measured = Vec::new();
    for (token, filter) in tokens.iter().flat_map(|token| filters.iter().map(move |filter| (token, filter))) {
        let pages = total(line, token, filter).div_ceil(20).max(1);
        for page in [1, 2, pages / 4, pages / 2, pages / 2 + 1, pages * 3 / 4, pages].map(|page| page.max(1)) {
            let path = format!("/api/transfers?page={page}{filter}");
            measured.push((median(line, token, &path, 11), path));
        }
    }
    measured
}

/// Reads some of the first 100 pages with these filters. Returns the duration of each path.
fn additive(line: &mut Line, tokens: [&str; 2], filters: &[String]) -> Vec<(Duration, String)> {
    let mut measured = Vec::new();
    for (token, filter) in tokens.iter().flat_map(|token| filters.iter().map(move |filter| (token, filter))) {
        for page in [1, 50, 100] {
            let path = format!("/api/transfers?page={page}{filter}");
            measured.push((median(line, token, &path, 5), path));
        }
    }
    measured
}

fn total(line: &mut Line, token: &str, filter: &str) -> u64 {
    assert_eq!(line.get(&format!("/api/transfers?limit=1{filter}"), token), 200, "{}", line.body());
    let body: serde_json::Value = serde_json::from_str(&line.body()).unwrap();
    body["data"]["pagination"]["total"].as_u64().unwrap()
}
