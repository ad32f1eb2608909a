//! SQLite's write-ahead log. It can be reused only when no reader needs its beginning any more, so it grows without
//! bound while a reader does not finish. Reads of this server end after [`super::DatabaseLimits::statement`]; if
//! another program keeps reading, a warning is logged.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use sqlx::Sqlite;
use tokio::time::timeout;

use super::{DatabaseLimits, Db, PooledConnection};
use crate::error::Result;

/// A warning is logged after this number of consecutive checks that find the log in use by a reader. The checks are
/// some seconds apart, so no reader of this server can be the cause then.
const CHECKS: u32 = 7;
/// The maximum number of pages that are copied while nothing can be written.
const MAX_REST: i64 = 1_000;

const LOOK: &str = "PRAGMA wal_checkpoint(NOOP)";
const COPY: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// The write-ahead log file of a SQLite database, and its state at the last check.
#[derive(Debug)]
pub struct Wal {
    path: PathBuf,
    bytes: AtomicU64,
    /// The number of consecutive checks that found the log in use by a reader.
    held: AtomicU32,
}

impl Wal {
    /// Returns the write-ahead log of the database file at this path.
    pub(in crate::store) fn beside(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), bytes: AtomicU64::new(0), held: AtomicU32::new(0) }
    }

    async fn measure(&self) -> u64 {
        let bytes = tokio::fs::metadata(&self.path).await.map_or(0, |file| file.len());
        self.bytes.store(bytes, Relaxed);
        bytes
    }

    /// Records that a check found the log in use by a reader. Logs a warning once, after [`CHECKS`] checks or if the
    /// log is too long.
    fn note_held(&self, bytes: u64, limits: &DatabaseLimits) {
        let checks = self.held.fetch_add(1, Relaxed) + 1;
        if checks == CHECKS || (checks < CHECKS && bytes >= limits.wal_limit) {
            self.held.fetch_max(CHECKS, Relaxed);
            tracing::warn!(
                bytes,
                path = %self.path.display(),
                "another program keeps reading the database: the write-ahead log grows until that program stops"
            );
        }
    }

    fn note_free(&self) {
        if self.held.swap(0, Relaxed) >= CHECKS {
            tracing::info!("the write-ahead log can be reused again");
        }
    }
}

impl Db {
    /// Whether the database is a SQLite file with a write-ahead log.
    #[must_use]
    pub const fn has_wal(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// Whether SQLite's write-ahead log was longer than [`DatabaseLimits::wal_limit`] at the last check; false on PostgreSQL.
    #[must_use]
    pub fn is_wal_too_long(&self) -> bool {
        match self {
            Self::Sqlite { wal, limits, .. } => wal.bytes.load(Relaxed) >= limits.wal_limit,
            Self::Postgres { .. } => false,
        }
    }

    /// Truncates SQLite's write-ahead log if it is longer than [`DatabaseLimits::wal_kept`] and no reader needs it.
    /// Returns the resulting length in bytes; 0 on PostgreSQL.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::DatabaseUnavailable`] if the file cannot be used.
    pub async fn shorten_wal(&self) -> Result<u64> {
        let Self::Sqlite { checkpointer, wal, limits, .. } = self else { return Ok(0) };
        let bytes = wal.measure().await;
        if bytes <= limits.wal_kept {
            wal.note_free();
            return Ok(bytes);
        }
        // On a connection of its own: copying a long log takes time, and other writes must not wait for it.
        let mut connection = PooledConnection::acquire(checkpointer, limits.statement).await?;
        if checkpoint(&mut connection, COPY).await?.is_complete() {
            let write_lock = self.write_lock().await?;
            checkpoint(&mut connection, TRUNCATE).await?;
            drop(write_lock);
        }
        let bytes = wal.measure().await;
        if bytes > limits.wal_kept {
            wal.note_held(bytes, limits);
        } else {
            wal.note_free();
        }
        Ok(bytes)
    }

    /// Copies SQLite's write-ahead log into the database file if it has at least [`DatabaseLimits::wal_copied`] pages.
    /// Writers need not wait for it, while they would have to wait for a commit that copies the log. Does nothing on
    /// PostgreSQL.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::DatabaseUnavailable`] if the file cannot be used.
    pub async fn checkpoint_wal(&self) -> Result<()> {
        let Self::Sqlite { checkpointer, limits, .. } = self else { return Ok(()) };
        let mut connection = PooledConnection::acquire(checkpointer, limits.statement).await?;
        let log = checkpoint(&mut connection, LOOK).await?;
        if log.pages < limits.wal_copied || log.is_complete() {
            return Ok(());
        }
        checkpoint(&mut connection, COPY).await?;
        // What was written meanwhile is left. Once nothing is, the next commit begins the log anew.
        let log = checkpoint(&mut connection, LOOK).await?;
        if (1..=MAX_REST).contains(&log.rest) {
            let write_lock = self.write_lock().await?;
            checkpoint(&mut connection, COPY).await?;
            drop(write_lock);
        }
        Ok(())
    }
}

/// The log when a checkpoint began, and how far it is copied.
#[derive(Clone, Copy, Debug)]
struct Log {
    pages: i64,
    /// The pages that were not copied into the database file.
    rest: i64,
    is_busy: bool,
}

impl Log {
    const fn is_complete(self) -> bool {
        !self.is_busy && self.rest == 0
    }
}

/// Runs a checkpoint statement, which copies the log into the database file as far as readers allow. Pages written
/// meanwhile are not counted.
async fn checkpoint(connection: &mut PooledConnection<Sqlite>, statement: &'static str) -> Result<Log> {
    let limit = connection.limit();
    let outcome = timeout(limit, sqlx::query_as(statement).fetch_one(connection.connection()?)).await;
    let (busy, pages, copied): (i64, i64, i64) = connection.finish(outcome)?;
    Ok(Log { pages, rest: pages - copied, is_busy: busy != 0 })
}
