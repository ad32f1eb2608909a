//! Health: readiness of the parts of the server, and gauges for the metrics.

use std::time::Duration;

use serde::Serialize;
use strum::VariantNames;
use tokio::time::timeout;

use super::{ControlPlane, background::attempt};
use crate::{
    error::Result,
    model::{Instant, agent::AgentStatus},
    store,
};

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
    /// Whether requests can be answered. Without Redis they can: it only carries hints.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        self.database && self.writer && self.accepting
    }

    /// Whether everything is as it should be.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.is_ready() && self.log && self.bus
    }
}

impl ControlPlane {
    /// Checks every part.
    pub async fn readiness(&self) -> Readiness {
        let answer = timeout(TIMEOUT, store::events::head(&self.db)).await;
        Readiness {
            database: matches!(answer, Ok(Ok(_))),
            writer: self.intake.is_working(),
            log: !self.db.is_wal_too_long(),
            bus: self.bus.is_connected(),
            accepting: !self.stop.is_cancelled(),
        }
    }

    /// Truncates the write-ahead log of SQLite, if it is too long.
    pub async fn shorten_log(&self) -> crate::error::Result<()> {
        self.db.shorten_wal().await.map(drop)
    }

    /// The current time, and the whole seconds since the server started.
    #[must_use]
    pub fn uptime(&self) -> (Instant, i64) {
        (self.now().into(), self.clock.monotonic().since(self.started).num_seconds())
    }

    /// Sets the gauges of transfers and agents by status, and of the connection to other servers.
    pub async fn record_metrics(&self) -> Result<()> {
        metrics::gauge!("mftplus_bus_connected").set(f64::from(u8::from(self.bus.is_connected())));
        let transfers = attempt("counting", "transfers", self.count_transfers()).await;
        let agents = attempt("counting", "agents", self.count_agents()).await;
        transfers.and(agents).map(|_| ())
    }

    async fn count_transfers(&self) -> Result<()> {
        for (status, total) in store::transfer_counts::by_status(&self.db, store::transfer_counts::Counted::All).await?
        {
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!("mftplus_transfers", "status" => status).set(total as f64);
        }
        Ok(())
    }

    async fn count_agents(&self) -> Result<()> {
        let agents = store::agents::count_by_status(&self.db).await?;
        for status in AgentStatus::VARIANTS {
            let total = agents.iter().find(|(found, _)| found == status).map_or(0, |(_, total)| *total);
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!("mftplus_agents", "status" => *status).set(total as f64);
        }
        Ok(())
    }
}
