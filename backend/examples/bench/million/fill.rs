//! Inserts rows in bulk, as the product would have stored them: copies of the running transfers with other ids and
//! states, and the totals of series for their whole retention.

use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Sqlite, SqliteConnection};

use super::AGENTS;
use crate::place::Place;

/// The statement for SQLite. Ids count down from now, so that the rows are older than the running transfers. One of
/// every fifty transfers failed within the last day.
const SQLITE: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1), \
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
    JOIN e ON e.k = i / 50 % 5";

/// The statement for PostgreSQL, which inserts the same rows. There, durations and speeds are generated columns, and
/// the texts that lists search are stored afterwards.
const POSTGRES: &str = "WITH a AS (SELECT id, customer_id, row_number() OVER (ORDER BY id) - 1 AS k FROM agents), \
    t AS (SELECT count(*) AS agents FROM agents), \
    s (k, status) AS (VALUES (0, 'completed'), (1, 'failed'), (2, 'cancelled'), (3, 'completed'), (4, 'queued')), \
    e (k, text) AS (VALUES (0, 'quota exceeded'), (1, 'permission denied'), (2, 'connection refused'), \
    (3, 'no space left on device'), (4, 'file not found')), \
    n AS (SELECT i, CASE WHEN i % 50 = 1 THEN CAST($2 AS BIGINT) - i % 86000 \
    ELSE 1700000000 + i / 1000.0 + i % 3600 END AS ended FROM generate_series(1, CAST($1 AS BIGINT)) AS numbers (i)) \
    INSERT INTO transfers (id, customer_id, agent_id, source, destination, source_name, destination_name, protocol, \
    direction, status, progress, bytes_total, bytes_transferred, speed, created_at, started_at, completed_at, \
    error_message, attempt, revision, stalled, failed_by_lease) \
    SELECT CAST(lpad(to_hex(1700000000000 + i), 12, '0') || '7000800000' || lpad(to_hex(i), 10, '0') AS UUID), \
    a.customer_id, a.id, 'sftp://ftp.example.com/exports/orders-' || i || '.csv', '/data/in/orders-' || i || '.csv', \
    'orders-' || i || '.csv', CASE WHEN i % 1000 = 0 THEN 'rare-' ELSE 'orders-' END || i || '.csv', \
    CASE WHEN i % 10 = 0 THEN 'ftps' ELSE 'sftp' END, 'pull', s.status, 100, 1000 + i * 7919 % 1000003, 1000, 0, \
    to_timestamp(1700000000 + i / 1000.0), \
    CASE WHEN s.status <> 'queued' THEN to_timestamp(n.ended - i % 3600) END, \
    CASE WHEN s.status <> 'queued' THEN to_timestamp(n.ended) END, \
    CASE WHEN s.status = 'failed' THEN 'cannot write /data/in/orders-' || i || '.csv: ' || e.text END, \
    1, 3, i % 1000 = 4, FALSE \
    FROM n CROSS JOIN t JOIN a ON a.k = (i * 7) % (CASE WHEN i % 3 = 0 THEN 3 ELSE t.agents END) \
    JOIN s ON s.k = i % 5 JOIN e ON e.k = i / 50 % 5";

/// A connection to the database of a [`Place`].
enum Db {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Db {
    async fn connect(place: &Place) -> Self {
        if let Some(url) = &place.database_url {
            return Self::Postgres(PgConnection::connect(url).await.unwrap());
        }
        let path = place.folder.path().join("mftplus.db");
        Self::Sqlite(SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap())
    }

    async fn execute(&mut self, text: impl Into<String>, values: &[i64]) {
        let text = AssertSqlSafe(text.into());
        match self {
            Self::Sqlite(db) => {
                let mut query = sqlx::query::<Sqlite>(text);
                for value in values {
                    query = query.bind(*value);
                }
                query.execute(db).await.unwrap();
            }
            Self::Postgres(db) => {
                let mut query = sqlx::query::<Postgres>(text);
                for value in values {
                    query = query.bind(*value);
                }
                query.execute(db).await.unwrap();
            }
        }
    }

    /// The id, as an SQL literal, under which the totals of all transfers are stored.
    fn everything(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "x'00000000000000000000000000000000'",
            Self::Postgres(_) => "CAST('00000000-0000-0000-0000-000000000000' AS UUID)",
        }
    }

    async fn close(self) {
        match self {
            Self::Sqlite(db) => db.close().await.unwrap(),
            Self::Postgres(db) => db.close().await.unwrap(),
        }
    }
}

/// Stores `count` transfers, and the series.
pub(super) async fn fill(place: &Place, count: u64) {
    let mut db = Db::connect(place).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let values = [count.cast_signed(), now];
    if matches!(db, Db::Sqlite(_)) {
        db.execute(SQLITE, &values).await;
    } else {
        db.execute("ALTER TABLE transfers DISABLE TRIGGER transfer_texts_created", &[]).await;
        db.execute(POSTGRES, &values).await;
        db.execute("ALTER TABLE transfers ENABLE TRIGGER transfer_texts_created", &[]).await;
        fill_texts(&mut db).await;
    }
    let everything = db.everything();
    db.execute("DELETE FROM transfer_counts", &[]).await;
    for scope in [everything, "customer_id", "agent_id"] {
        let text = format!("INSERT INTO transfer_counts SELECT {scope}, status, count(*) FROM transfers GROUP BY 1, 2");
        db.execute(text, &[]).await;
    }
    fill_series(&mut db, now).await;
    if matches!(db, Db::Postgres(_)) {
        // As in a database that has grown, the planner then has statistics, and the visibility map spares index scans a
        // look at each row.
        db.execute("VACUUM (ANALYZE)", &[]).await;
    }
    db.close().await;
}

/// Stores the texts that lists search. The index is dropped meanwhile: building it from all texts at the end takes a
/// fraction of the time.
async fn fill_texts(db: &mut Db) {
    let Db::Postgres(connection) = db else { return };
    let index = "SELECT pg_get_indexdef(CAST('transfer_texts_trigrams' AS REGCLASS))";
    let index: String = sqlx::query_scalar(index).fetch_one(connection).await.unwrap();
    db.execute("DROP INDEX transfer_texts_trigrams", &[]).await;
    let texts = "INSERT INTO transfer_texts (transfer_id, text) \
        SELECT id, lower(source || chr(10) || destination || chr(10) || COALESCE(error_message, '')) FROM transfers \
        ON CONFLICT (transfer_id) DO NOTHING";
    db.execute(texts, &[]).await;
    db.execute("SET maintenance_work_mem = '512MB'", &[]).await;
    db.execute(index, &[]).await;
}

/// Stores totals of series for their whole retention: by minute for all transfers and for the customer, by hour also
/// for some agents.
async fn fill_series(db: &mut Db, now: i64) {
    let everything = format!("SELECT {} AS id UNION ALL SELECT id FROM customers", db.everything());
    let agents = "UNION ALL SELECT id FROM (SELECT id FROM agents ORDER BY id LIMIT 20) AS these";
    for (table, seconds, count, scopes) in [
        ("series_minutes", 60, 8 * 24 * 60, everything.clone()),
        ("series_hours", 3_600, 400 * 24, format!("{everything} {agents}")),
    ] {
        let text = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}), s AS ({scopes}) \
             INSERT INTO {table} (scope_id, at, bytes, started, completed, failed, agents_online, observations) \
             SELECT s.id, (CAST($1 AS BIGINT) / {seconds} - n.i) * {seconds}, 1000000.0, 3, 2, 1, {AGENTS}, 1 \
             FROM n CROSS JOIN s WHERE TRUE ON CONFLICT (scope_id, at) DO NOTHING"
        );
        db.execute(text, &[now]).await;
    }
}
