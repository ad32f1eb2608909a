//! Reads beside a million transfers, and what they may take: a page with one filter and one order 15 ms, several filters
//! together 150 ms.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, SecondsFormat};

use super::{
    load::{self, Line},
    rows::{Asked, print},
};

/// What a page with one filter and one order may take, in milliseconds.
const PAGE: f64 = 15.0;
/// What a page with several filters may take, in milliseconds.
const COMBINED: f64 = 150.0;
/// How often each page is read.
const TIMES: usize = 5;
/// Longer than items of attention are kept, unless it takes 200 ms to find them.
const KEPT: Duration = Duration::from_secs(4);

const DAY: u64 = 86_400;

/// The ids that are asked for.
pub(crate) struct Objects {
    pub(crate) agent: String,
    pub(crate) customer: String,
    pub(crate) transfer: String,
}

/// Paths of one kind.
struct Group {
    title: &'static str,
    paths: Vec<String>,
    most: f64,
    is_for_customers: bool,
}

/// Reads as an administrator and as a user of the customer, whose tokens these are.
pub(crate) fn run(address: &str, admin: &str, customer: &str, objects: &Objects) {
    println!("  Slowest reads of an administrator and a customer, medians of {TIMES}:");
    let (mut line, tokens) = (Line::open(address), [admin, customer]);
    for Group { title, paths, most, is_for_customers } in groups(objects) {
        let tokens = if is_for_customers { &tokens[..] } else { &tokens[..1] };
        let measured = tokens.iter().flat_map(|token| paths.iter().map(move |path| (token, path)));
        let measured = measured.map(|(token, path)| (median(&mut line, token, path, TIMES), path));
        print_slowest(title, measured, most);
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
    let orders = ["createdAt", "completedAt", "size", "duration", "speed"];
    let orders: Vec<String> =
        orders.iter().flat_map(|field| [format!("sort={field}"), format!("sort=-{field}")]).collect();
    let filtered = |filter: &str| -> Vec<String> { orders.iter().map(|order| format!("{order}&{filter}")).collect() };
    let parts = ["rare-", "orders-99", "orders", "nothing", "quota"].map(|part| format!("q={part}"));
    let stalled = ["stalled=true", "stalled=false"].map(str::to_owned);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let series = |step: &str, days: u64, more: &str| {
        let (from, to) = (instant(now - days * DAY), instant(now));
        format!("/api/series?metric=bytes&step={step}&from={from}&to={to}{more}")
    };
    let combined = [
        "q=orders&status=failed&sort=-completedAt".to_owned(),
        "q=quota&protocol=ftps&sort=duration".to_owned(),
        format!("q=rare-&agentId={agent}&sort=-size"),
        "stalled=true&protocol=sftp&direction=pull&sort=size".to_owned(),
        format!("completedAfter={}&protocol=ftps&sort=-speed", instant(now - DAY)),
    ];
    let group = |title, paths, most| Group { title, paths, most, is_for_customers: true };
    vec![
        group("`sort`", pages(&orders, &[1, 2, 50]), PAGE),
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
        group(
            "series",
            vec![
                series("1m", 1, "&baseline=true"),
                series("1h", 30, "&baseline=true"),
                series("1h", 80, ""),
                series("1d", 399, "&tz=Europe/Berlin"),
                series("1mo", 364, &format!("&tz=Europe/Berlin&customerId={customer}")),
                series("1h", 30, &format!("&agentId={agent}")),
                series("1m", 1, &format!("&customerId={customer}")),
            ],
            PAGE,
        ),
        group("samples of a transfer", vec![format!("/api/transfers/{transfer}/samples")], PAGE),
        group(
            "history of an agent",
            ["", "?step=1h"].map(|step| format!("/api/agents/{agent}/history{step}")).to_vec(),
            PAGE,
        ),
    ]
}

fn instant(seconds: u64) -> String {
    let instant = DateTime::from_timestamp(seconds.cast_signed(), 0).unwrap();
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn print_slowest<'a>(title: &str, measured: impl IntoIterator<Item = (Duration, &'a String)>, most: f64) {
    let (time, path) = measured.into_iter().max_by_key(|(time, _)| *time).unwrap();
    print(&format!("  {title}: {path}"), time.as_secs_f64() * 1000.0, " ms", Asked::AtMost(most));
}

/// The median time of reading a path so many times.
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
