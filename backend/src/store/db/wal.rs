//! SQLite's write-ahead log. It can be reused only when no reader needs its beginning any more, so a reader that never ends
//! lets it grow without bound. Readers of this server end after [`super::DatabaseLimits::statement`]; for readers of other programs a
//! warning is logged.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::time::timeout;

use super::{DatabaseLimits, Db, failure::timed_out};
use crate::error::Result;

/// The number of consecutive checks that find the log in use by a reader before a warning is logged. They are some
/// seconds apart, so after this many no reader of this server can be the cause.
const CHECKS: u32 = 7;
/// How long truncating the log may keep writers waiting.
const TRUNCATE_TIMEOUT: Duration = Duration::from_millis(200);

/// The file of the log, and its state at the last check.
#[derive(Debug)]
pub struct Wal {
    path: PathBuf,
    bytes: AtomicU64,
    /// The number of consecutive checks that found the log in use by a reader.
    held: AtomicU32,
}

impl Wal {
    /// The write-ahead log of this database.
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

    /// Records that a reader needs the log, and logs a warning once.
    fn note_held(&self, bytes: u64, limits: &DatabaseLimits) {
        let checks = self.held.fetch_add(1, Relaxed) + 1;
        if checks == CHECKS || (checks < CHECKS && bytes >= limits.wal_limit) {
            self.held.fetch_max(CHECKS, Relaxed);
            tracing::warn!(
                bytes,
                path = %self.path.display(),
                "another program reads the database and does not end: until it does, the write-ahead log grows"
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
    /// Whether SQLite's write-ahead log was longer than [`DatabaseLimits::wal_limit`] at the last check; false on PostgreSQL.
    #[must_use]
    pub fn is_wal_too_long(&self) -> bool {
        match self {
            Self::Sqlite { wal, limits, .. } => wal.bytes.load(Relaxed) >= limits.wal_limit,
            Self::Postgres { .. } => false,
        }
    }

    /// Truncates SQLite's write-ahead log if it is longer than [`DatabaseLimits::wal_kept`] and no reader needs it. Returns its length in
    /// bytes afterwards; 0 on PostgreSQL.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::DatabaseUnavailable`] if the file cannot be used.
    pub async fn shorten_wal(&self) -> Result<u64> {
        let Self::Sqlite { writer, wal, limits, .. } = self else { return Ok(0) };
        let bytes = wal.measure().await;
        if bytes <= limits.wal_kept {
            wal.note_free();
            return Ok(bytes);
        }
        // On a connection of its own: copying a long log takes time, and other writes must not wait for it.
        let options = (*writer.connect_options()).clone().busy_timeout(TRUNCATE_TIMEOUT);
        let mut connection = timeout(limits.acquire, options.connect()).await.map_err(|_| timed_out())??;
        let is_copied = timeout(limits.statement, checkpoint(&mut connection, "PRAGMA wal_checkpoint(PASSIVE)"));
        if is_copied.await.map_err(|_| timed_out())?? {
            let write_lock = self.write_lock().await?;
            let truncated = timeout(limits.statement, checkpoint(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)"));
            truncated.await.map_err(|_| timed_out())??;
            drop(write_lock);
        }
        connection.close().await?;
        let bytes = wal.measure().await;
        if bytes > limits.wal_kept {
            wal.note_held(bytes, limits);
        } else {
            wal.note_free();
        }
        Ok(bytes)
    }
}

/// Copies the log into the database file, as far as readers allow; true if all of it was copied.
async fn checkpoint(connection: &mut SqliteConnection, statement: &'static str) -> sqlx::Result<bool> {
    let (busy, pages, copied): (i64, i64, i64) = sqlx::query_as(statement).fetch_one(connection).await?;
    Ok(busy == 0 && pages == copied)
}
