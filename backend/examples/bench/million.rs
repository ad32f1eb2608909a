//! The effect of a million transfers: list pages at any depth and other reads, and the cost of a PATCH, compared with ten
//! thousand.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    Options,
    bounds::{self, Objects, median},
    load::{self, Line},
    place::{self, Engine, Place, Reporter, Server},
    ratios::Ratio,
};
use sqlx::{Connection, SqliteConnection};

const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
const AGENTS: usize = 2_000;

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    println!("\nA million transfers on SQLite");
    let mut costs = Vec::new();
    for count in [FEW, MANY] {
        let place = Place::fresh(&Engine::Sqlite, "million");
        let reporters = Arc::new(place::agents(&place, AGENTS));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let start = Instant::now();
        runtime.block_on(fill(&place, count));
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
    vec![Ratio::of_durations(format!("SQLite, PATCH beside {MANY} transfers, beside {FEW}"), ratio)]
}

/// Stores rows in bulk, as the product would have stored them: copies of the running ones with other ids and states.
async fn fill(place: &Place, count: u64) {
    let path = place.folder.path().join("mftplus.db");
    let mut db = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    // Ids count down from now, so that they are older than what runs. Of every fifty one failed within the last day.
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1), \
         a AS (SELECT id, customer_id, row_number() OVER (ORDER BY id) - 1 AS k, count(*) OVER () AS of FROM agents), \
         s (k, status) AS (VALUES (0, 'completed'), (1, 'failed'), (2, 'cancelled'), (3, 'completed'), (4, 'queued')), \
         e (k, text) AS (VALUES (0, 'quota exceeded'), (1, 'permission denied'), (2, 'connection refused'), \
         (3, 'no space left on device'), (4, 'file not found')) \
         INSERT INTO transfers (id, customer_id, agent_id, source, destination, source_name, destination_name, protocol, \
         direction, status, progress, bytes_total, bytes_transferred, speed, created_at, started_at, completed_at, \
         sort_duration, sort_speed, error_message, attempt, revision, stalled, failed_by_lease) \
         SELECT unhex(printf('%012x', 1700000000000 + i) || '7000800000' || printf('%010x', i)), a.customer_id, a.id, \
         'sftp://ftp.example.com/exports/orders-' || i || '.csv', '/data/in/orders-' || i || '.csv', \
         'orders-' || i || '.csv', CASE WHEN i % 1000 = 0 THEN 'rare-' ELSE 'orders-' END || i || '.csv', \
         CASE WHEN i % 10 = 0 THEN 'ftps' ELSE 'sftp' END, 'pull', s.status, 100, 1000 + i * 7919 % 1000003, 1000, 0, \
         strftime('%Y-%m-%dT%H:%M:%f', 1700000000 + i / 1000.0, 'unixepoch') || '+00:00', \
         CASE WHEN s.status <> 'queued' THEN \
         strftime('%Y-%m-%dT%H:%M:%f', 1700000000 + i / 1000.0, 'unixepoch') || '+00:00' END, \
         CASE WHEN s.status <> 'queued' THEN strftime('%Y-%m-%dT%H:%M:%f', \
         CASE WHEN i % 50 = 1 THEN $2 - i % 86000 ELSE 1700000000 + i / 1000.0 + i % 3600 END, 'unixepoch') || '+00:00' END, \
         CASE WHEN s.status <> 'queued' THEN i % 3600 * 1000 END, \
         CASE WHEN s.status = 'completed' THEN 1000000.0 / (i % 3600 * 1000 + 1) END, \
         CASE WHEN s.status = 'failed' THEN 'cannot write /data/in/orders-' || i || '.csv: ' || e.text END, \
         1, 3, i % 1000 = 4, 0 \
         FROM n JOIN a ON a.k = (i * 7) % (CASE WHEN i % 3 = 0 THEN 3 ELSE a.of END) JOIN s ON s.k = i % 5 \
         JOIN e ON e.k = i / 50 % 5",
    )
    .bind(count.cast_signed())
    .bind(now)
    .execute(&mut db)
    .await
    .unwrap();
    sqlx::query("DELETE FROM transfer_counts").execute(&mut db).await.unwrap();
    for scope in ["x'00000000000000000000000000000000'", "customer_id", "agent_id"] {
        let text = format!("INSERT INTO transfer_counts SELECT {scope}, status, count(*) FROM transfers GROUP BY 1, 2");
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut db).await.unwrap();
    }
    fill_series(&mut db, now).await;
    db.close().await.unwrap();
}

/// Stores totals for as long as they are kept: minutes for everything and the customer, hours for some agents too.
async fn fill_series(db: &mut SqliteConnection, now: i64) {
    let everything = "SELECT x'00000000000000000000000000000000' AS id UNION ALL SELECT id FROM customers";
    let agents = "UNION ALL SELECT id FROM (SELECT id FROM agents ORDER BY id LIMIT 20)";
    for (table, seconds, count, scopes) in [
        ("series_minutes", 60, 8 * 24 * 60, everything.to_owned()),
        ("series_hours", 3_600, 400 * 24, format!("{everything} {agents}")),
    ] {
        let text = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}), s AS ({scopes}) \
             INSERT OR REPLACE INTO {table} (scope_id, at, bytes, started, completed, failed, agents_online, observations) \
             SELECT s.id, ($1 / {seconds} - n.i) * {seconds}, 1000000.0, 3, 2, 1, {AGENTS}, 1 FROM n JOIN s"
        );
        sqlx::query(sqlx::AssertSqlSafe(text)).bind(now).execute(&mut *db).await.unwrap();
    }
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
    let published = [
        String::new(),
        "&status=completed".to_owned(),
        format!("&agentId={agent}"),
        format!("&agentId={agent}&status=failed"),
    ];
    let mut worst = (Duration::ZERO, String::new());
    for (who, token) in [("admin", &admin), ("customer", &customer)] {
        for filter in &published {
            let total = total(&mut line, token, filter);
            let pages = total.div_ceil(20).max(1);
            for page in [1, 2, pages / 4, pages / 2, pages / 2 + 1, pages * 3 / 4, pages].map(|page| page.max(1)) {
                let time = median(&mut line, token, &format!("/api/transfers?page={page}{filter}"), 11);
                if time > worst.0 {
                    worst = (time, format!("{who}, page {page} of {pages}, filter `{filter}`"));
                }
            }
        }
    }
    println!("  slowest page by the published filters, median of 11: {:.1?} ({})", worst.0, worst.1);
    let additive = [
        "&protocol=ftps",
        "&protocol=local",
        "&direction=pull",
        "&search=rare-",
        "&search=orders-99",
        "&search=nothing",
        "&createdBefore=2023-11-14T22:20:00Z",
        "&createdAfter=2023-11-14T22:25:00Z&protocol=ftps&status=completed",
    ];
    let mut worst = (Duration::ZERO, String::new());
    for (who, token) in [("admin", &admin), ("customer", &customer)] {
        for filter in additive.iter().map(ToString::to_string).chain([format!("&agentId={agent}&search=rare-")]) {
            for page in [1, 50, 100] {
                let time = median(&mut line, token, &format!("/api/transfers?page={page}{filter}"), 5);
                if time > worst.0 {
                    worst = (time, format!("{who}, page {page}, filter `{filter}`"));
                }
            }
        }
    }
    println!("  slowest of pages 1 to 100 by the additive filters, median of 5: {:.1?} ({})", worst.0, worst.1);
    let owner = first["data"]["transfer"]["customerId"].as_str().unwrap().to_owned();
    let objects = Objects { agent, customer: owner, transfer: reporters[0].transfer.clone() };
    bounds::run(&server.address, &admin, &customer, &objects);
}

fn total(line: &mut Line, token: &str, filter: &str) -> u64 {
    assert_eq!(line.get(&format!("/api/transfers?limit=1{filter}"), token), 200, "{}", line.body());
    let body: serde_json::Value = serde_json::from_str(&line.body()).unwrap();
    body["data"]["pagination"]["total"].as_u64().unwrap()
}
