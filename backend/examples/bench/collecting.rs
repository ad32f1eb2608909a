//! The effect of collecting series and samples on the rate of PATCH requests: the same load is measured while the
//! collector works, and while it does nothing, because another server seems to have claimed all rounds.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{
    Options,
    load::{self, Measured},
    place::{self, Engine, Place, Reporter, Server},
    ratios::Ratio,
    rows,
};

const AGENTS: usize = 4_000;
const CONNECTIONS: usize = 32;
/// The length of a measured stretch. It includes two rounds of the collector, which begin every 10 seconds.
const LENGTH: Duration = Duration::from_secs(20);
/// How far a claim is dated ahead, in seconds: one less than the maximum that a server accepts. The server begins no
/// round until that time.
const CLAIM_AHEAD: i64 = 59;
/// The maximum of [`cost`].
const MOST: f64 = 1.05;

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    let mut engines = vec![("SQLite", Engine::Sqlite)];
    engines.extend(options.postgres.clone().map(|url| ("PostgreSQL", Engine::Postgres(url))));
    engines.into_iter().map(|(name, engine)| on(name, &engine, options)).collect()
}

fn on(name: &str, engine: &Engine, options: &Options) -> Ratio {
    println!(
        "\nSeries and samples on {name}: {AGENTS} agents, {CONNECTIONS} connections, medians of {} rounds of {} s",
        options.rounds,
        LENGTH.as_secs()
    );
    let place = Place::fresh(engine, "collecting");
    let reporters = Arc::new(place::agents(&place, AGENTS));
    let mut stretches: Vec<(Measured, Measured)> = (0..options.rounds)
        .map(|_| {
            let ahead = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed() + CLAIM_AHEAD;
            let without = stretch(&place, &reporters, ahead, options);
            (without, stretch(&place, &reporters, 0, options))
        })
        .collect();
    stretches.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    let middle = &stretches[stretches.len() / 2];
    for (what, measured) in [("without", &middle.0), ("with", &middle.1)] {
        let Measured { per_second, p50, p99, .. } = measured;
        println!("  {what} series and samples: {per_second:.0} PATCHes/s, p50 {p50:.1?}, p99 {p99:.1?}");
    }
    rows::durations(format!("{name}, PATCH with series and samples, beside one without"), cost(middle), Some(MOST))
}

/// The cost of a PATCH with series and samples, as a multiple of its cost without them.
fn cost((without, with): &(Measured, Measured)) -> f64 {
    without.per_second / with.per_second
}

/// Measures a stretch on a new server process, after setting the time of the last claim to `claimed_at`, in Unix
/// seconds.
fn stretch(place: &Place, reporters: &Arc<Vec<Reporter>>, claimed_at: i64, options: &Options) -> Measured {
    tokio::runtime::Runtime::new().unwrap().block_on(claim(place, claimed_at));
    let server = Server::product(&options.server, place, "agent=1000000");
    load::patches(&server.address, reporters, CONNECTIONS, LENGTH)
}

async fn claim(place: &Place, at: i64) {
    let text = "UPDATE collector SET claimed_at = $1";
    if let Some(url) = &place.database_url {
        let mut db = PgConnection::connect(url).await.unwrap();
        sqlx::query(text).bind(at).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    } else {
        let path = place.folder.path().join("mftplus.db");
        let mut db = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        sqlx::query(text).bind(at).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    }
}
