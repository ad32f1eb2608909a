//! SQLite's write-ahead log. It can be reused only when no reader needs its beginning any more, so a reader that never
//! ends lets it grow without bound. Ours end after [`super::Bounds::statement`]; those of other programs are reported.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::time::timeout;

use super::{Bounds, Db, failure::timed_out};
use crate::error::Result;

/// After so many looks at a log that could not be reused, each some seconds after the one before, no reader of this server
/// can be the reason.
const LOOKS: u32 = 7;
/// How long cutting the log may keep writers waiting.
const BRIEFLY: Duration = Duration::from_millis(200);

/// The file beside the database, as it was last seen.
#[derive(Debug)]
pub struct Wal {
    path: PathBuf,
    bytes: AtomicU64,
    /// How many looks in a row found it held by a reader.
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

    /// Notes that a reader needs the log, and says so once.
    fn note_held(&self, bytes: u64, bounds: &Bounds) {
        let looks = self.held.fetch_add(1, Relaxed) + 1;
        if looks == LOOKS || (looks < LOOKS && bytes >= bounds.wal_limit) {
            self.held.fetch_max(LOOKS, Relaxed);
            tracing::warn!(
                bytes,
                path = %self.path.display(),
                "another program reads the database and does not end: until it does, the write-ahead log grows"
            );
        }
    }

    fn note_free(&self) {
        if self.held.swap(0, Relaxed) >= LOOKS {
            tracing::info!("the write-ahead log can be reused again");
        }
    }
}

impl Db {
    /// Whether SQLite's write-ahead log was longer than it should ever become when it was last looked at.
    #[must_use]
    pub fn is_wal_too_long(&self) -> bool {
        match self {
            Self::Sqlite { wal, bounds, .. } => wal.bytes.load(Relaxed) >= bounds.wal_limit,
            Self::Postgres { .. } => false,
        }
    }

    /// Cuts SQLite's write-ahead log if it is longer than what is kept and no reader needs it; its bytes afterwards.
    ///
    /// # Errors
    ///
    /// If the file cannot be used.
    pub async fn shorten_wal(&self) -> Result<u64> {
        let Self::Sqlite { writer, wal, bounds, .. } = self else { return Ok(0) };
        let bytes = wal.measure().await;
        if bytes <= bounds.wal_kept {
            wal.note_free();
            return Ok(bytes);
        }
        // A connection of its own: copying much may take long, and cold writes do not wait for it.
        let options = (*writer.connect_options()).clone().busy_timeout(BRIEFLY);
        let mut connection = timeout(bounds.acquire, options.connect()).await.map_err(|_| timed_out())??;
        let is_copied = timeout(bounds.statement, checkpoint(&mut connection, "PRAGMA wal_checkpoint(PASSIVE)"));
        if is_copied.await.map_err(|_| timed_out())?? {
            let turn = self.turn().await?;
            let cut = timeout(bounds.statement, checkpoint(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)"));
            cut.await.map_err(|_| timed_out())??;
            drop(turn);
        }
        connection.close().await?;
        let bytes = wal.measure().await;
        if bytes > bounds.wal_kept {
            wal.note_held(bytes, bounds);
        } else {
            wal.note_free();
        }
        Ok(bytes)
    }
}

/// Copies the log into the file, as far as readers allow; whether all of it was copied.
async fn checkpoint(connection: &mut SqliteConnection, statement: &'static str) -> sqlx::Result<bool> {
    let (busy, pages, copied): (i64, i64, i64) = sqlx::query_as(statement).fetch_one(connection).await?;
    Ok(busy == 0 && pages == copied)
}
