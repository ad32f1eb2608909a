//! Health: readiness of the parts of the server.

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use super::ControlPlane;
use crate::{model::Instant, store};

/// How long the database may take to answer before it counts as failing.
const TIMEOUT: Duration = Duration::from_secs(2);

/// State of the parts of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "one for each part")]
pub struct Readiness {
    /// Whether the database answers.
    pub database: bool,
    /// Whether the last attempt to store reports succeeded.
    pub writer: bool,
    /// Whether the write-ahead log of SQLite is shorter than 1 GiB. Always `true` with PostgreSQL.
    pub log: bool,
    /// Whether messages of other servers arrive through Redis. Always `true` without Redis.
    pub bus: bool,
    /// Whether the server accepts work. `false` while it shuts down.
    pub accepting: bool,
}

impl Readiness {
    /// Whether the server can answer requests. It can without Redis, whose messages are only hints.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        self.database && self.writer && self.accepting
    }

    /// Whether the server can answer requests and all other parts work, too.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.is_ready() && self.log && self.bus
    }
}

impl ControlPlane {
    /// Checks all parts of the server. Waits at most two seconds for the database.
    pub async fn readiness(&self) -> Readiness {
        let answer = timeout(TIMEOUT, store::events::head(&self.db)).await;
        Readiness {
            database: matches!(answer, Ok(Ok(_))),
            writer: self.write_availability.is_working(),
            log: !self.db.is_wal_too_long(),
            bus: self.bus.is_connected(),
            accepting: !self.stop.is_cancelled(),
        }
    }

    /// Returns the current time, and the number of whole seconds since the server started.
    #[must_use]
    pub fn uptime(&self) -> (Instant, i64) {
        (self.now().into(), self.clock.monotonic().since(self.started).num_seconds())
    }
}
