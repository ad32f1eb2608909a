//! The duration of reads in a database with a million transfers, compared with bounds: 15 ms for a page with one filter
//! and one order, 150 ms with several filters. Also measures how fast exports are written.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, SecondsFormat};

use super::{
    load::{self, Line},
    rows::{Asked, print},
};

/// The maximum duration of reading a page with one filter and one order, in milliseconds.
pub(crate) const PAGE: f64 = 15.0;
/// The maximum duration of reading a page with several filters, in milliseconds.
pub(crate) const COMBINED: f64 = 150.0;
/// How many times each page is read; the median counts.
const TIMES: usize = 5;
/// A pause after which the server computes attention items anew. It keeps computed items for less than this, unless
/// computing them takes 200 ms.
const KEPT: Duration = Duration::from_secs(4);

/// The number of rows of an export without a filter, which is the maximum of an export.
const EXPORTED: u32 = 1_000_000;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The fields by which transfers are sorted.
const SORTS: [&str; 5] = ["createdAt", "completedAt", "size", "duration", "speed"];

/// The ids of the objects that are read.
pub(crate) struct Objects {
    pub(crate) agent: String,
    pub(crate) customer: String,
    pub(crate) transfer: String,
}

/// Paths of one kind.
struct Group {
    title: String,
    paths: Vec<String>,
    most: f64,
    is_for_customers: bool,
}

/// Measures reads of an administrator and of a customer's user. `admin` and `customer` are their access tokens.
pub(crate) fn run(address: &str, admin: &str, customer: &str, objects: &Objects) {
    println!("  Slowest reads of an administrator and a customer, medians of {TIMES}:");
    let (mut line, tokens) = (Line::open(address), [admin, customer]);
    for Group { title, paths, most, is_for_customers } in groups(objects) {
        let tokens = if is_for_customers { &tokens[..] } else { &tokens[..1] };
        let measured = tokens.iter().flat_map(|token| paths.iter().map(move |path| (token, path)));
        let measured = measured.map(|(token, path)| (median(&mut line, token, path, TIMES), path));
        print_slowest(&title, measured, most);
    }
    let exports = ["", "?sort=-size", "?q=orders", "?stalled=true", "?status=failed"]
        .map(|query| format!("/api/transfers{query}"));
    for (title, accept) in [("first rows of an export as CSV", "text/csv"), ("as NDJSON", "application/x-ndjson")] {
        let measured = exports.iter().map(|path| {
            let times = (0..TIMES).map(|_| load::first_rows(address, path, admin, accept));
            (middle(times.collect()), path)
        });
        print_slowest(title, measured, PAGE);
    }
    for (title, query, accept) in [
        ("an export as CSV", "", "text/csv"),
        ("an export as NDJSON", "", "application/x-ndjson"),
        ("an export as NDJSON with `sort`", "?sort=-size", "application/x-ndjson"),
    ] {
        let (rows, time) = load::export(address, &format!("/api/transfers{query}"), admin, accept);
        assert_eq!(rows, EXPORTED + u32::from(accept == "text/csv"), "{title} is complete");
        print(&format!("  {title}"), f64::from(rows) / time.as_secs_f64(), " rows/s", Asked::Nothing);
    }
    let path = "/api/attention".to_owned();
    for (title, pause) in [("attention, read anew", KEPT), ("attention, as it was kept", Duration::ZERO)] {
        let measured = tokens.map(|token| {
            let times = (0..TIMES).map(|_| {
                thread::sleep(pause);
                median(&mut line, token, &path, 1)
            });
            (middle(times.collect()), &path)
        });
        print_slowest(title, measured, PAGE);
    }
}

fn groups(objects: &Objects) -> Vec<Group> {
    let Objects { agent, customer, transfer } = objects;
    let pages = |queries: &[String], pages: &[u64]| -> Vec<String> {
        let paths = queries.iter().flat_map(|query| pages.iter().map(move |page| (query, page)));
        paths.map(|(query, page)| format!("/api/transfers?page={page}&{query}")).collect()
    };
    let orders: Vec<String> = SORTS.iter().flat_map(|field| both_ways(field)).collect();
    let filtered = |filter: &str| -> Vec<String> { orders.iter().map(|order| format!("{order}&{filter}")).collect() };
    let parts = ["rare-", "orders-99", "orders", "nothing", "quota"].map(|part| format!("q={part}"));
    let stalled = ["stalled=true", "stalled=false"].map(str::to_owned);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let series = |metric: &str, step: &str, seconds: u64, more: &str| {
        let (from, to) = (instant(now - seconds), instant(now));
        format!("/api/series?metric={metric}&step={step}&from={from}&to={to}{more}")
    };
    let bytes = |step: &str, days: u64, more: &str| series("bytes", step, days * DAY, more);
    // The requests of the dashboard's charts.
    let window = |step: &str, seconds: u64, zone: &str| -> Vec<String> {
        let scopes = [String::new(), format!("&customerId={customer}")];
        let metrics = ["bytes", "completed", "failed"];
        let asked = metrics.iter().flat_map(|metric| scopes.iter().map(move |scope| (metric, scope)));
        asked.map(|(metric, scope)| series(metric, step, seconds, &format!("&baseline=true{zone}{scope}"))).collect()
    };
    let combined = [
        "q=orders&status=failed&sort=-completedAt".to_owned(),
        "q=quota&protocol=ftps&sort=duration".to_owned(),
        format!("q=rare-&agentId={agent}&sort=-size"),
        "stalled=true&protocol=sftp&direction=pull&sort=size".to_owned(),
        format!("completedAfter={}&protocol=ftps&sort=-speed", instant(now - DAY)),
    ];
    let group = |title: &str, paths, most| Group { title: title.to_owned(), paths, most, is_for_customers: true };
    let sorted = SORTS.map(|field| {
        group(&format!("`sort={field}` and `sort=-{field}`"), pages(&both_ways(field), &[1, 2, 50]), PAGE)
    });
    let others = vec![
        group("`sort` and a status", pages(&filtered("status=completed"), &[1, 50]), PAGE),
        group("`sort` and an agent", pages(&filtered(&format!("agentId={agent}")), &[1, 10]), PAGE),
        group("`q`", pages(&parts, &[1, 2]), PAGE),
        group("`stalled`", pages(&stalled, &[1, 2]), PAGE),
        group("`completedAfter`", pages(&[format!("completedAfter={}", instant(now - DAY))], &[1, 50]), PAGE),
        Group {
            is_for_customers: false,
            ..group("`customerId`", pages(&[format!("customerId={customer}")], &[1, 2, 20_000]), PAGE)
        },
        group("several filters and `sort`", pages(&combined, &[1, 2]), COMBINED),
        group("series of 1 hour", window("1m", HOUR, ""), PAGE),
        group("series of 24 hours", window("1h", DAY, ""), PAGE),
        group("series of 7 days", window("1h", 7 * DAY, ""), PAGE),
        group("series of 30 days", window("1d", 30 * DAY, "&tz=Europe/Berlin"), PAGE),
        group(
            "other series",
            vec![
                bytes("1m", 1, "&baseline=true"),
                bytes("1h", 30, "&baseline=true"),
                bytes("1h", 80, ""),
                bytes("1d", 399, "&tz=Europe/Berlin"),
                bytes("1mo", 364, &format!("&tz=Europe/Berlin&customerId={customer}")),
                bytes("1h", 30, &format!("&agentId={agent}")),
                bytes("1m", 1, &format!("&customerId={customer}")),
            ],
            PAGE,
        ),
        group("samples of a transfer", vec![format!("/api/transfers/{transfer}/samples")], PAGE),
        group(
            "history of an agent",
            ["", "?step=1h"].map(|step| format!("/api/agents/{agent}/history{step}")).to_vec(),
            PAGE,
        ),
    ];
    sorted.into_iter().chain(others).collect()
}

/// The parameters of both directions of an order.
fn both_ways(field: &str) -> [String; 2] {
    [format!("sort={field}"), format!("sort=-{field}")]
}

fn instant(seconds: u64) -> String {
    let instant = DateTime::from_timestamp(seconds.cast_signed(), 0).unwrap();
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Prints the slowest of these paths with its duration, of which at most `most` milliseconds are required.
pub(crate) fn print_slowest(title: &str, measured: impl IntoIterator<Item = (Duration, impl AsRef<str>)>, most: f64) {
    let (time, path) = measured.into_iter().max_by_key(|(time, _)| *time).unwrap();
    print(&format!("  {title}: {}", path.as_ref()), time.as_secs_f64() * 1000.0, " ms", Asked::AtMost(most));
}

/// The median duration of `times` requests that read `path`.
pub(crate) fn median(line: &mut Line, token: &str, path: &str, times: usize) -> Duration {
    let read = |_| {
        let start = Instant::now();
        assert_eq!(line.get(path, token), 200, "{path}: {}", line.body());
        start.elapsed()
    };
    middle((0..times).map(read).collect())
}

fn middle(mut measured: Vec<Duration>) -> Duration {
    measured.sort_unstable();
    measured[measured.len() / 2]
}
