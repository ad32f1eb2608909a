//! Checkpoints of SQLite's write-ahead log (WAL): a background task copies the log into the database file, so that
//! commits need not do so.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{ControlPlane, guarded};

/// How often the length of the log is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

impl ControlPlane {
    /// Copies the log into the database file whenever it is long, until the server stops. Returns at once with
    /// PostgreSQL.
    pub async fn checkpoint_wal_when_long(&self) {
        if !self.db.has_wal() {
            return;
        }
        let mut ticks = interval(CHECK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.stop.run_until_cancelled(ticks.tick()).await.is_some() {
            guarded("copying the write-ahead log", self.db.checkpoint_wal()).await;
        }
    }
}
