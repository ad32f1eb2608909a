//! A minimal group commit: one task takes the waiting reports, writes them with one statement, which is one commit, and
//! then lets their handlers answer.

use std::{collections::HashMap, sync::Arc};

use backend::store::Db;
use sqlx::{
    AssertSqlSafe, PgConnection, Postgres, Sqlite, SqliteConnection, pool::PoolConnection, query::Query,
    sqlite::SqliteArguments,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};
use uuid::Uuid;

/// The maximum number of reports in one commit.
const MAX_BATCH: usize = 512;
/// If at most this many reports are in the queue, all of them are taken; otherwise half of them, so that the next
/// reports arrive during the commit.
const MIN_SPLIT: usize = 16;
/// The maximum number of reports in the queue.
const QUEUE: usize = 4096;
/// The number of values in a report.
const VALUES: usize = 4;

const UPDATE_ONE: &str = "UPDATE transfers SET progress = ?2, bytes_transferred = ?3, speed = ?4, \
    revision = revision + 1 WHERE id = ?1";

const UPDATE_ARRAYS: &str = "UPDATE transfers SET progress = v.progress, bytes_transferred = v.bytes, speed = v.speed, \
    revision = transfers.revision + 1 \
    FROM UNNEST($1::uuid[], $2::float8[], $3::bigint[], $4::float8[]) AS v (id, progress, bytes, speed) \
    WHERE transfers.id = v.id";

/// A report that waits for its commit.
#[derive(Debug)]
pub(super) struct Update {
    pub(super) id: Uuid,
    pub(super) progress: f64,
    pub(super) bytes: i64,
    pub(super) speed: f64,
    /// Receives a message after the commit.
    pub(super) committed: oneshot::Sender<()>,
}

/// The only connection that writes.
enum Writer {
    Sqlite {
        connection: PoolConnection<Sqlite>,
        /// The statement for each number of rows, which is a power of two.
        texts: HashMap<usize, Arc<str>>,
    },
    Postgres(PoolConnection<Postgres>),
}

/// Starts the task and returns the sender of its queue.
pub(super) async fn start(db: &Db) -> mpsc::Sender<Update> {
    let mut writer = match db {
        Db::Sqlite { hot, .. } => Writer::Sqlite { connection: hot.acquire().await.unwrap(), texts: HashMap::new() },
        Db::Postgres { hot, .. } => Writer::Postgres(hot.acquire().await.unwrap()),
    };
    let (sender, mut queue) = mpsc::channel(QUEUE);
    Handle::current().spawn(async move {
        let mut batch: Vec<Update> = Vec::with_capacity(MAX_BATCH);
        loop {
            let limit = (queue.len() / 2).clamp(MIN_SPLIT, MAX_BATCH);
            if queue.recv_many(&mut batch, limit).await == 0 {
                return;
            }
            match &mut writer {
                Writer::Sqlite { connection, texts } => write_rows(connection, texts, &batch).await,
                Writer::Postgres(connection) => write_arrays(connection, &batch).await,
            }
            for update in batch.drain(..) {
                let _ = update.committed.send(());
            }
        }
    });
    sender
}

/// Writes one row of values for each report. The statement is filled up to a power of two with rows that match no
/// transfer.
async fn write_rows(connection: &mut SqliteConnection, texts: &mut HashMap<usize, Arc<str>>, batch: &[Update]) {
    let size = batch.len().next_power_of_two();
    let text = Arc::clone(texts.entry(size).or_insert_with(|| update_text(size).into()));
    let mut statement: Query<'static, Sqlite, SqliteArguments> = sqlx::query(AssertSqlSafe(text));
    for update in batch {
        statement = statement.bind(update.id).bind(update.progress).bind(update.bytes).bind(update.speed);
    }
    for _ in batch.len() * VALUES..size * VALUES {
        statement = statement.bind(None::<i64>);
    }
    statement.execute(connection).await.unwrap();
}

fn update_text(size: usize) -> String {
    if size == 1 {
        return UPDATE_ONE.to_owned();
    }
    let rows = vec!["(?, ?, ?, ?)"; size].join(", ");
    format!(
        "UPDATE transfers SET progress = v.column2, bytes_transferred = v.column3, speed = v.column4, \
         revision = transfers.revision + 1 FROM (VALUES {rows}) AS v WHERE transfers.id = v.column1"
    )
}

/// Writes the reports with one array for each column.
async fn write_arrays(connection: &mut PgConnection, batch: &[Update]) {
    let ids: Vec<Uuid> = batch.iter().map(|update| update.id).collect();
    let progress: Vec<f64> = batch.iter().map(|update| update.progress).collect();
    let bytes: Vec<i64> = batch.iter().map(|update| update.bytes).collect();
    let speeds: Vec<f64> = batch.iter().map(|update| update.speed).collect();
    let statement = sqlx::query(UPDATE_ARRAYS).bind(ids).bind(progress).bind(bytes).bind(speeds);
    statement.execute(connection).await.unwrap();
}
