//! Timeouts of the database, and limits of SQLite's write-ahead log.

use std::time::Duration;

/// Timeouts and limits of the database. The defaults are for servers; tests choose shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseLimits {
    /// How long to wait for a connection or for SQLite's write lock.
    pub acquire: Duration,
    /// The timeout of one statement, and on SQLite of a whole read-only transaction.
    pub statement: Duration,
    /// The timeout of one batch of the group-committing writer on PostgreSQL, after which its connection is replaced.
    /// PostgreSQL ends a transaction that is idle for half of this, so that its locks do not outlive the batch.
    pub batch: Duration,
    /// How long SQLite waits for a lock of another program.
    pub busy: Duration,
    /// The number of pages from which a background task copies SQLite's write-ahead log into the database file. A page
    /// that is written often is then copied once for many commits. From 8,000 pages on, a commit copies the log itself.
    pub wal_copied: i64,
    /// The length in bytes to which SQLite's write-ahead log is truncated.
    pub wal_kept: u64,
    /// The length in bytes of SQLite's write-ahead log from which the server reports itself as degraded.
    pub wal_limit: u64,
}

impl Default for DatabaseLimits {
    fn default() -> Self {
        Self {
            acquire: Duration::from_secs(10),
            statement: Duration::from_secs(30),
            batch: Duration::from_secs(10),
            busy: Duration::from_secs(5),
            wal_copied: 3_000,
            wal_kept: 64 << 20,
            wal_limit: 1 << 30,
        }
    }
}
