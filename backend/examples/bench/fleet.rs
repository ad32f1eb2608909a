//! A large fleet: measures how much CPU and memory the server takes, and how long agents wait for answers. Agents send
//! heartbeats every 30 seconds and report running transfers every 2 seconds, those with several in one request, while
//! users watch.

mod agents;
mod fill;
mod watchers;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::{
    Options,
    live::percentile,
    place::{Engine, Place, Server},
    rows::{self, Asked},
    usage::{cpu, resident},
};

/// The number of agents that share a connection: with a connection for each of 100,000 agents, the machine would run
/// out of ports.
const AGENTS_PER_CONNECTION: usize = 10;
/// The maximum number of connections of agents.
const MAX_CONNECTIONS: usize = 10_000;
/// The number of customers, each with a user who watches.
const CUSTOMERS: usize = 190;
/// The number of administrators who watch.
const ADMINS: usize = 10;
/// The time until every agent has sent a heartbeat, so that all keys are cached.
const WARM_UP: Duration = Duration::from_secs(35);
/// The minimum time that is measured: one heartbeat of every agent.
const MEASURED: u64 = 30;
/// The rate limits: for agents, the default. For users they are high, since users only watch.
const LIMITS: &str = "agent=300,user=1000000,graphql=1000000";

/// The number of agents for which the requirements below hold. With other numbers, results are only printed.
const AGENTS_ASKED: usize = 100_000;
/// The maximum p99 of a PATCH, in milliseconds.
const P99_ASKED: f64 = 50.0;
/// The maximum number of cores that a server may use.
const CORES_ASKED: f64 = 1.2;
/// The maximum memory that a server may use, in MiB.
const MEMORY_ASKED: f64 = 1024.0;

/// The period that is measured.
#[derive(Clone, Copy)]
struct Window {
    start: Instant,
    end: Instant,
}

/// The resources that one server process used.
struct Usage {
    cores: f64,
    bytes: u64,
}

pub(crate) fn run(options: &Options) {
    // The sockets of this process; the server raises its own limit.
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    measure(options, "SQLite, one server", &Engine::Sqlite, &[&[]]);
    if let (Some(postgres), Some(redis)) = (&options.postgres, &options.redis) {
        let flags = ["--redis-url", redis.as_str()];
        measure(options, "PostgreSQL and Redis, two servers", &Engine::Postgres(postgres.clone()), &[&flags, &flags]);
    }
}

/// Starts one server for each entry of `servers`, the flags of that server, and measures them together.
fn measure(options: &Options, title: &str, engine: &Engine, servers: &[&[&str]]) {
    let agents = usize::try_from(options.agents).unwrap();
    let connections = (agents / AGENTS_PER_CONNECTION).clamp(1, MAX_CONNECTIONS);
    println!("\nA fleet of {agents} agents on {connections} connections: {title}");
    let place = Place::fresh(engine, "fleet");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fleet = runtime.block_on(fill::fill(&place, agents, connections));
    let transfers: usize = fleet.agents.iter().map(|agent| agent.transfers.len()).sum();
    println!("  {transfers} running transfers, {CUSTOMERS} watchers of customers, {ADMINS} administrators");
    let servers: Vec<Server> =
        servers.iter().map(|flags| Server::product_with(&options.server, &place, LIMITS, flags)).collect();
    let addresses: Vec<String> = servers.iter().map(|server| server.address.clone()).collect();
    let processes: Vec<u32> = servers.iter().map(|server| server.child.id()).collect();
    let delivered = Arc::new(AtomicUsize::new(0));
    let length = Duration::from_secs(options.seconds.max(MEASURED));
    let (answers, usage, load) = runtime.block_on(async {
        let mut watching = watchers::start(&addresses, &fleet, &delivered).await;
        let begin = Instant::now();
        let window = Window { start: begin + WARM_UP, end: begin + WARM_UP + length };
        let polls = agents::poll(&addresses, &fleet.agents, options.long_polls, window.end);
        let load = agents::run(&addresses, fleet.agents, connections, begin, window);
        let (answers, (usage, load)) = tokio::join!(load, sample(&processes, &delivered, window));
        assert!(watching.try_join_next().is_none(), "a watcher was disconnected");
        drop(polls);
        (answers, usage, load)
    });
    let seconds = length.as_secs_f64();
    print("heartbeats", &answers.heartbeats, seconds);
    print("PATCHes", &answers.patches, seconds);
    println!(
        "  {:.0} reports/s, {} requests refused, {} connections opened again; {:.0} messages/s to watchers",
        rate(answers.reports, seconds),
        answers.refused,
        answers.reconnects,
        rate(delivered.load(Ordering::Relaxed), seconds),
    );
    let asked = |most| if agents == AGENTS_ASKED { Asked::AtMost(most) } else { Asked::Nothing };
    rows::print("PATCH p99", percentile(&answers.patches, 99).as_secs_f64() * 1e3, " ms", asked(P99_ASKED));
    for (number, Usage { cores, bytes }) in usage.into_iter().enumerate() {
        let server = format!("server {}", number + 1);
        rows::print(&format!("{server}: cores"), cores, "", asked(CORES_ASKED));
        let mebibytes = u32::try_from(bytes / 1024 / 1024).unwrap();
        rows::print(&format!("{server}: memory"), f64::from(mebibytes), " MiB", asked(MEMORY_ASKED));
    }
    println!("  the load itself: {load:.2} cores");
}

fn print(what: &str, sorted: &[Duration], seconds: f64) {
    let (p50, p99) = (percentile(sorted, 50), percentile(sorted, 99));
    println!("  {:.0} {what}/s: p50 {p50:.1?}, p99 {p99:.1?}", rate(sorted.len(), seconds));
}

fn rate(count: usize, seconds: f64) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / seconds
}

/// Waits for the window. Returns what each process used in it, and the number of cores that this process used. Resets
/// `delivered` at the start of the window.
async fn sample(processes: &[u32], delivered: &AtomicUsize, window: Window) -> (Vec<Usage>, f64) {
    let own = std::process::id();
    let taken = || processes.iter().map(|process| cpu(*process)).collect::<Vec<f64>>();
    sleep_until(window.start).await;
    delivered.store(0, Ordering::Relaxed);
    let (started, before, own_before) = (Instant::now(), taken(), cpu(own));
    sleep_until(window.end).await;
    let seconds = started.elapsed().as_secs_f64();
    let usage = processes.iter().zip(before.iter().zip(taken()));
    let usage =
        usage.map(|(process, (before, after))| Usage { cores: (after - before) / seconds, bytes: resident(*process) });
    (usage.collect(), (cpu(own) - own_before) / seconds)
}
