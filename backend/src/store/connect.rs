//! Opening the database: the engine is chosen by the URL, and the schema is brought up to date.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::db::Db;
use crate::error::{Error, Result};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");

/// Reading connections to SQLite.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL, per server.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a call waits for a connection before it is told that the database is busy.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

impl Db {
    /// Opens the SQLite file at `path`, making it if need be.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or made.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(256)
            // Pages written again and again are copied into the file once for many commits.
            .pragma("wal_autocheckpoint", "8000")
            .pragma("cache_size", "-65536")
            .pragma("mmap_size", "1073741824")
            .pragma("temp_store", "memory");
        let pool = || SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false);
        let keep = |pool: SqlitePoolOptions| pool.idle_timeout(None).max_lifetime(None);
        let writer = keep(pool()).max_connections(1).connect_with(options.clone()).await?;
        let hot = keep(pool()).max_connections(1).connect_lazy_with(options.clone());
        let readers =
            keep(pool()).max_connections(SQLITE_READERS).connect_with(options.pragma("query_only", "on")).await?;
        Ok(Self::Sqlite { readers, writer, hot, turn: Arc::default() })
    }

    /// Connects to the PostgreSQL server at `url`.
    ///
    /// # Errors
    ///
    /// If the URL is wrong or the server is away.
    pub async fn open_postgres(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)?.application_name("mftplus").statement_cache_capacity(256);
        let pool = || PgPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
        // A connection that died while idle is noticed by the writer itself, which then repeats its batch.
        let hot = pool().max_connections(1).test_before_acquire(false).connect_with(options.clone()).await?;
        let pool = pool().max_connections(POSTGRES_CONNECTIONS).connect_with(options).await?;
        Ok(Self::Postgres { pool, hot })
    }

    /// Brings the schema up to date. Safe when several servers do so at once: the migrations take a lock.
    ///
    /// # Errors
    ///
    /// If a migration fails, or the database is newer than this program.
    pub async fn migrate(&self) -> Result<()> {
        match self {
            Self::Sqlite { writer, .. } => SQLITE_MIGRATIONS.run(writer).await,
            Self::Postgres { pool, .. } => POSTGRES_MIGRATIONS.run(pool).await,
        }
        .map_err(Error::internal)
    }
}
