//! The dashboard's list of transfers over GraphQL: queries per second and their cost, compared with a bare axum handler
//! that reads the same rows and returns them as JSON.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{runtime::Builder, task::JoinSet};

use super::{
    Options, bare,
    connection::Connection,
    place::{self, Engine, Place, Server},
    ratios::Ratio,
    rows::{self, median},
    usage::cpu,
};

const AGENTS: usize = 100;
const TRANSFERS: usize = 2_000;
/// The number of connections. Each sends the next query as soon as the last one is answered.
const CONNECTIONS: usize = 8;

/// The dashboard's query (`frontend/src/api/transfers.rs`), as it is sent.
const QUERY: &str = "query ListTransfers($filter: TransferFilter, $first: Int, $page: Int) { \
    transfers(filter: $filter, first: $first, page: $page) { nodes { id agentId agentName source destination protocol \
    direction status progress bytesTotal sizeKnown bytesTransferred speed errorMessage startedAt completedAt createdAt \
    attempt checksumSha256 revision etaSeconds stalled lastProgressAt cancelRequestedAt \
    network { throughputMbps latencyMs packetLossPercent } viewerCanCancel viewerCanRetry } \
    totalCount totalIsAtLeast } }";

/// What one server did in one round.
struct Measured {
    per_second: f64,
    /// Seconds of CPU of the server for each query.
    cpu: f64,
}

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    println!("\nA list of 50 transfers on SQLite, {CONNECTIONS} connections, medians of {} rounds", options.rounds);
    let place = Place::fresh(&Engine::Sqlite, "reads");
    place::transfers(&place, AGENTS, TRANSFERS);
    let token = place::token(&options.server, &place);
    let body = json!({
        "query": QUERY, "operationName": "ListTransfers", "variables": { "filter": {}, "first": 50, "page": 1 },
    });
    let body = body.to_string();
    let query = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let get = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", bare::LIST);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        ours.push(measure(&Server::product(&options.server, &place, "graphql=1000000"), &query, options));
        bare.push(measure(&Server::bare(&place), &get, options));
    }
    for (name, rounds) in [("MFTPlus", &ours), ("bare axum", &bare)] {
        let per_second = median(rounds.iter().map(|measured| measured.per_second));
        let cpu = median(rounds.iter().map(|measured| measured.cpu)) * 1e6;
        println!("  {name:>9}: {per_second:.0} queries/s, {cpu:.0} µs of CPU for each");
    }
    let ratio =
        |value: fn(&Measured) -> f64| median(ours.iter().zip(&bare).map(|(ours, bare)| value(ours) / value(bare)));
    vec![
        rows::speeds("Lists/s over GraphQL, beside a bare handler", ratio(|measured| measured.per_second), None),
        rows::durations("CPU of a list over GraphQL, beside a bare handler", ratio(|measured| measured.cpu), None),
    ]
}

/// Sends the same request over all connections. Each sends the next one as soon as the last one is answered.
fn measure(server: &Server, request: &str, options: &Options) -> Measured {
    let length = Duration::from_secs(options.seconds);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let request: Arc<str> = request.into();
        let mut first = Connection::new(server.address.clone());
        assert_eq!(first.exchange(&request).await.unwrap(), 200, "{}", first.answer());
        assert!(first.answer().contains("\"totalCount\":2000"), "{}", first.answer());
        let (start, before) = (Instant::now(), cpu(server.child.id()));
        let mut tasks = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (mut connection, request) = (Connection::new(server.address.clone()), Arc::clone(&request));
            tasks.spawn(async move {
                let mut answers = 0_u32;
                while start.elapsed() < length {
                    assert_eq!(connection.exchange(&request).await.unwrap(), 200, "{}", connection.answer());
                    answers += 1;
                }
                answers
            });
        }
        let mut answers = 0_u32;
        while let Some(task) = tasks.join_next().await {
            answers += task.unwrap();
        }
        let (elapsed, taken) = (start.elapsed().as_secs_f64(), cpu(server.child.id()) - before);
        Measured { per_second: f64::from(answers) / elapsed, cpu: taken / f64::from(answers) }
    })
}
