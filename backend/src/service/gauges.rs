//! Sets the gauges of the metrics that are not updated as events happen.

use strum::VariantNames;

use super::{ControlPlane, failure_isolation::attempt};
use crate::{error::Result, model::agent::AgentStatus, store};

impl ControlPlane {
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
