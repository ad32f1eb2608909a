//! Shows where the time of reports is spent: in the stages that the server measures itself, and in threads that wait
//! for a processor. The rest of the time that agents wait is spent in the network and in the load generator, which uses
//! the same processors.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use crate::place::Server;

/// The stages; each is a part of the stage before it. For each: its name, its histogram, and a text that the labels of
/// its series contain.
const STAGES: [(&str, &str, &str); 3] = [
    ("PATCHes within the server", "mftplus_http_requests_duration_seconds", "method=\"PATCH\""),
    ("commits", "mftplus_writer_commit_duration_seconds", ""),
    ("waits for the write lock", "mftplus_write_lock_duration_seconds", ""),
];
/// Durations above this bound, in seconds, are counted as long.
const LONG: f64 = 0.1;

/// A histogram: for each upper bound in seconds, the number of values that do not exceed it.
type Histogram = Vec<(f64, u64)>;

/// The threads of a process that have the same name.
#[derive(Clone, Copy, Default)]
struct Threads {
    /// Time on a processor, in nanoseconds.
    running: u64,
    /// Time for which the threads were ready to run and waited for a processor, in nanoseconds.
    waiting: u64,
    /// How many times the threads got a processor.
    turns: u64,
}

/// The measurements since a server was started.
pub(crate) struct Stages {
    histograms: [Histogram; STAGES.len()],
    /// By the process and the name of the threads.
    threads: BTreeMap<(&'static str, String), Threads>,
}

impl Stages {
    /// Reads what a server and this process have measured so far.
    pub(super) fn of(server: &Server) -> Self {
        let metrics = metrics(server);
        let histograms = STAGES.map(|(_, name, labels)| histogram(&metrics, name, labels));
        let mut all = BTreeMap::new();
        for (owner, process) in [("server", server.child.id()), ("load", std::process::id())] {
            all.extend(threads(process).into_iter().map(|(name, threads)| ((owner, name), threads)));
        }
        Self { histograms, threads: all }
    }

    /// Prints what was measured since `before`.
    pub(crate) fn print_since(&self, before: &Self) {
        for ((name, ..), (now, before)) in STAGES.iter().zip(self.histograms.iter().zip(&before.histograms)) {
            let counts = difference(now, before);
            let all = counts.last().map_or(0, |(_, count)| *count);
            let (p50, p99) = (bound(&counts, all, 50), bound(&counts, all, 99));
            let short = counts.iter().rfind(|(bound, _)| *bound <= LONG).map_or(0, |(_, count)| *count);
            let long = all - short;
            println!(
                "  {all} {name}: p50 at most {p50:.1} ms, p99 at most {p99:.1} ms, {long} over {:.0} ms",
                LONG * 1e3
            );
        }
        for (key, now) in &self.threads {
            let (owner, name) = key;
            let before = before.threads.get(key).copied().unwrap_or_default();
            // Threads that have ended meanwhile are counted before only.
            let running = now.running.saturating_sub(before.running);
            let waiting = now.waiting.saturating_sub(before.waiting);
            let turns = now.turns.saturating_sub(before.turns).max(1);
            let (cpu, waited, each) = (seconds(running), seconds(waiting), seconds(waiting / turns) * 1e3);
            if cpu >= 0.1 {
                println!(
                    "  {owner}, {name}: {cpu:.1} s of CPU; waited {waited:.1} s for a processor, {each:.2} ms a turn"
                );
            }
        }
    }
}

/// The metrics of a server in the text format of Prometheus; empty if the server has none.
fn metrics(server: &Server) -> String {
    let mut answer = String::new();
    if let Some(address) = &server.metrics {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_string(&mut answer).unwrap();
    }
    answer
}

/// The sum of all series of a histogram whose labels contain `labels`.
fn histogram(metrics: &str, name: &str, labels: &str) -> Histogram {
    let mut buckets: Histogram = Vec::new();
    for line in metrics.lines().filter(|line| line.contains(labels)) {
        let Some(series) = line.strip_prefix(name).and_then(|rest| rest.strip_prefix("_bucket{")) else { continue };
        let bound: f64 = series.split("le=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        let count: u64 = series.rsplit(' ').next().unwrap().parse().unwrap();
        if let Some((_, counted)) = buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
            *counted += count;
        } else {
            buckets.push((bound, count));
        }
    }
    buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    buckets
}

fn difference(now: &[(f64, u64)], before: &[(f64, u64)]) -> Histogram {
    let before_at = |bound: f64| before.iter().find(|(known, _)| known.total_cmp(&bound).is_eq());
    now.iter().map(|(bound, count)| (*bound, count - before_at(*bound).map_or(0, |(_, count)| *count))).collect()
}

/// The lowest bound, in milliseconds, that `percent` of the `all` values do not exceed.
fn bound(counts: &[(f64, u64)], all: u64, percent: u64) -> f64 {
    let found = counts.iter().find(|(_, count)| count * 100 >= all * percent);
    found.map_or(0.0, |(bound, _)| bound * 1e3)
}

/// The threads of a process, grouped by their names without the numbers at the end.
fn threads(process: u32) -> BTreeMap<String, Threads> {
    let mut all = BTreeMap::<String, Threads>::new();
    for thread in fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten() {
        let read = |file: &str| fs::read_to_string(thread.path().join(file));
        // A thread may have ended meanwhile.
        let (Ok(name), Ok(times)) = (read("comm"), read("schedstat")) else { continue };
        let times: Vec<u64> = times.split_whitespace().map(|time| time.parse().unwrap()).collect();
        let name = name.trim().trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '-');
        let threads = all.entry(name.to_owned()).or_default();
        threads.running += times[0];
        threads.waiting += times[1];
        threads.turns += times[2];
    }
    all
}

fn seconds(nanoseconds: u64) -> f64 {
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64()
}
