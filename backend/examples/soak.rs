//! `cargo xtask soak`: checks that take too long for a test. Schedules around every clock change of every time zone; a
//! minute of random definitions, and a minute of random requests; a file of 5 GiB; the memory of the agent during ten
//! SFTP transfers; then load for a long time, after which no report may be lost and the memory may not have grown.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a soak that cannot go on must stop")]
#![expect(dead_code, reason = "shared with the benchmark")]

#[path = "../tests/definitions/expensive_texts.rs"]
mod expensive_texts;
#[path = "bench/load.rs"]
mod load;
#[path = "../tests/schedule/oracle.rs"]
mod oracle;
#[path = "bench/place.rs"]
mod place;
#[path = "../tests/definitions/random.rs"]
mod random;
#[path = "../tests/api/random_requests/request_from_bytes.rs"]
mod request_from_bytes;
#[path = "bench/transfers/setup.rs"]
mod setup;
#[path = "bench/transfers/ten_at_once.rs"]
mod ten_at_once;
#[path = "../tests/schedule/transitions.rs"]
mod transitions;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use backend::{
    actor::Actor,
    app::{Ambient, App},
    graphql,
    model::definition::Definition,
    rest,
};
use chrono_tz::TZ_VARIANTS;
use clap::Parser;
use serde_json::{Value, json};

use load::Line;
use place::{Engine, Place, Reporter, Server};
use setup::Setup;

/// The size of the large file in bytes.
const LARGE: u64 = 5 << 30;

/// Schedules in all zones, definitions of all kinds, and load for a long time on SQLite and on PostgreSQL.
#[derive(Parser)]
struct Options {
    /// PostgreSQL to load, beside SQLite
    #[arg(long)]
    postgres: Option<String>,
    /// Minutes of load on each engine; 0 for none
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// The server binary
    #[arg(long, default_value = "target/dist/mftplus")]
    server: std::path::PathBuf,
    /// The agent binary
    #[arg(long, default_value = "target/dist/mftplus-agent")]
    agent: std::path::PathBuf,
}

fn main() {
    let options = Options::parse();
    schedules();
    definitions();
    requests();
    large_file(&options);
    ten_transfers(&options);
    let mut engines = vec![("SQLite", Engine::Sqlite)];
    engines.extend(options.postgres.clone().map(|url| ("PostgreSQL", Engine::Postgres(url))));
    for (name, engine) in engines.into_iter().filter(|_| options.minutes > 0) {
        let place = Place::fresh(&engine, "soak");
        let reporters = Arc::new(place::agents(&place, 1_000));
        let server = Server::product(&options.server, &place, "off");
        println!("{name}: 64 connections for {} min", options.minutes);
        let mut level = Vec::new();
        for minute in 1..=options.minutes {
            let measured = load::patches(&server.address, &reporters, 64, Duration::from_mins(1));
            level.push(memory(server.child.id()));
            println!(
                "  minute {minute}: {:.0} PATCH/s, p99 {:.1?}, {} MiB of memory",
                measured.per_second,
                measured.p99,
                level[level.len() - 1] / 1_048_576
            );
        }
        // The first minute is not compared, because it fills caches and pools.
        if let [_, second, .., last] = level[..] {
            assert!(last < second + second / 4, "memory grew from {second} to {last} bytes");
        }
        kept(&options.server, &place, server, &reporters);
    }
}

/// Copies a sparse file of 5 GiB. A copy on this machine must stay sparse. Copied to a server and back over SFTP, FTP
/// and FTPS, it must be unchanged.
fn large_file(options: &Options) {
    let started = Instant::now();
    let setup = Setup::start(&options.server, &options.agent);
    let (source, local, pulled) =
        (setup.here().join("source"), setup.here().join("local"), setup.here().join("pulled"));
    let pushed = setup.there().join("pushed");
    let file = File::create(&source).unwrap();
    file.set_len(LARGE).unwrap();
    for at in [0, LARGE / 2 + 1, LARGE - 1_000] {
        file.write_all_at(&[7; 1_000], at).unwrap();
    }
    let shown = |path: &Path| Setup::sftp_end(path, false);
    let copy = |from: &str, to: &str, copied: &Path| {
        setup::output(Command::new("sh").args(["-c", &setup.copy("sha256", from, to)]));
        setup::output(Command::new("cmp").arg(&source).arg(copied));
    };
    let is_sparse = |copied: &Path| {
        let blocks = fs::metadata(copied).unwrap().blocks();
        assert!(blocks * 512 < LARGE / 100, "a sparse file takes {blocks} blocks after its copy");
    };
    copy(&shown(&source), &shown(&local), &local);
    is_sparse(&local);
    let mut servers = vec![("SFTP", Setup::sftp_end(&pushed, true))];
    servers.extend(setup.ftp_servers().iter().map(|server| (server.name, format!("{}:/~/pushed", server.endpoint))));
    for (_, on_server) in &servers {
        copy(&shown(&source), on_server, &pushed);
        copy(on_server, &shown(&pulled), &pulled);
        is_sparse(&pulled);
        // On the server, the file has no holes and takes its full size. The next protocol writes it again.
        fs::remove_file(&pushed).unwrap();
        fs::remove_file(&pulled).unwrap();
    }
    let names: Vec<&str> = servers.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    println!("A sparse file of 5 GiB: copied here, pushed and pulled by {names} ({:.1?})", started.elapsed());
}

/// Checks that the agent uses no more memory than allowed during ten concurrent SFTP transfers.
fn ten_transfers(options: &Options) {
    let peak = ten_at_once::peak_memory(&Setup::start(&options.server, &options.agent));
    assert!(peak <= ten_at_once::MOST, "ten SFTP transfers took {peak} MiB of memory");
    println!("Ten SFTP transfers at once: {peak} MiB of memory, of {} allowed", ten_at_once::MOST);
}

/// Sends one more report for each agent, then kills the server with `kill -9`. Checks that after a restart exactly the
/// acknowledged reports are stored.
fn kept(binary: &Path, place: &Place, server: Server, reporters: &[Reporter]) {
    let report = |index: usize| 900_000_000_000 + index;
    let path = |reporter: &Reporter| format!("/api/transfers/{}", reporter.transfer);
    let mut line = Line::open(&server.address);
    for (index, reporter) in reporters.iter().enumerate() {
        let body = json!({ "bytesTransferred": report(index) }).to_string();
        assert_eq!(line.request("PATCH", &path(reporter), &reporter.key, &body), 200, "{}", line.body());
    }
    drop(server);
    let token = place::token(binary, place);
    let server = Server::product(binary, place, "off");
    let mut line = Line::open(&server.address);
    for (index, reporter) in reporters.iter().enumerate() {
        assert_eq!(line.get(&path(reporter), &token), 200, "{}", line.body());
        let answer: Value = serde_json::from_str(&line.body()).unwrap();
        assert_eq!(answer["data"]["transfer"]["bytesTransferred"], report(index), "{answer}");
    }
    println!("  after kill -9 and a restart: the last report of each of {} agents is there", reporters.len());
}

/// Checks that each slot around each change of the clock in each time zone is decided once, by the contract's rule.
fn schedules() {
    let started = Instant::now();
    // Only one of the zones with the same transitions is checked.
    let zones = TZ_VARIANTS.iter().rev().map(|zone| (transitions::transitions(*zone), *zone));
    let zones: BTreeMap<_, _> = zones.collect();
    let tally = transitions::check(zones.into_iter().map(|(transitions, zone)| (zone, transitions)));
    println!(
        "Schedules: {} slots around {} transitions of {} zones, each decided once ({:.1?})",
        tally.slots,
        tally.transitions,
        tally.zones,
        started.elapsed()
    );
}

/// Checks the parser of definitions: the most expensive texts take at most 200 ms each, and a minute of random texts
/// causes no panic.
fn definitions() {
    let worst = expensive_texts::worst();
    let mut longest = Duration::ZERO;
    for (name, text) in &worst {
        expensive_texts::check(text);
        let took = parse_time(text);
        assert!(took < Duration::from_millis(200), "{name} took {took:?}");
        longest = longest.max(took);
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/definitions/good");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let good: Vec<String> = files.collect();
    println!("Definitions: the worst {} answered within {longest:.1?} each; random ones for a minute", worst.len());
    bolero::check!().with_test_time(Duration::from_mins(1)).with_max_len(2_048).for_each(|bytes: &[u8]| {
        for text in random::texts(bytes, &good) {
            expensive_texts::check(&text);
        }
    });
}

/// How long a text takes to parse: the shortest of three attempts, because other programs use the machine, too.
fn parse_time(text: &str) -> Duration {
    let once = || {
        let start = Instant::now();
        let _ = Definition::parse(text);
        start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

/// The resident memory of a process, in bytes.
fn memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Runs the HTTP server in this process and checks it with a minute of random requests.
fn requests() {
    let place = Place::fresh(&Engine::Sqlite, "requests");
    let reporters = place::agents(&place, 4);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (app, target) = runtime.block_on(async {
        let mut flags = place.flags();
        flags.extend(["--rate-limits".to_owned(), "off".to_owned()]);
        let settings = place::settings(flags);
        let app = App::start(&settings, Ambient::default()).await.unwrap();
        app.ensure_first_admin(&settings).await.unwrap();
        let token = app.cp.issue_token(&Actor::System, "admin@localhost", chrono::TimeDelta::hours(1)).await.unwrap();
        let router = rest::router(app.api(&settings)).merge(graphql::router(app.graphql(&settings)));
        let ids = reporters.iter().map(|reporter| reporter.transfer.clone()).collect();
        let keys = reporters.into_iter().map(|reporter| reporter.key).collect();
        (app, request_from_bytes::Target { router, tokens: vec![format!("Bearer {}", token.token)], keys, ids })
    });
    println!("Requests: random ones at the whole entry for a minute");
    let target = std::panic::AssertUnwindSafe(target);
    bolero::check!().with_test_time(Duration::from_mins(1)).with_max_len(2_048).for_each(|bytes: &[u8]| {
        runtime.block_on(request_from_bytes::check(&target, bytes));
    });
    drop(target);
    runtime.block_on(app.close());
}
