//! How long the database may take, and how large its write-ahead log may grow.

use std::time::Duration;

/// The bounds; tests choose tighter ones.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Waiting for a connection, or for the right to write.
    pub acquire: Duration,
    /// One statement, and a whole reading transaction on SQLite.
    pub statement: Duration,
    /// One batch of the group-committing writer on PostgreSQL; then its connection is replaced. Without a statement for
    /// half of this, PostgreSQL ends a transaction itself, so that its locks do not outlive the batch.
    pub batch: Duration,
    /// How long SQLite waits for a lock of another program.
    pub busy: Duration,
    /// Bytes that SQLite's write-ahead log keeps when it is not needed.
    pub wal_kept: u64,
    /// Bytes of SQLite's write-ahead log beyond which something is wrong.
    pub wal_limit: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            acquire: Duration::from_secs(10),
            statement: Duration::from_secs(30),
            batch: Duration::from_secs(10),
            busy: Duration::from_secs(5),
            wal_kept: 64 << 20,
            wal_limit: 1 << 30,
        }
    }
}
