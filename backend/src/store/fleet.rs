//! The totals of the fleet.

use chrono::{DateTime, Utc};

use super::{
    db::{Db, Sql, sql},
    transfer_counts::{self, Counted},
};
use crate::{
    error::Result,
    ids::CustomerId,
    model::{
        agent::AgentStatus,
        fleet::{AgentCounts, TransferCounts},
        reported_value_limits::MAX_SPEED,
        transfer::TransferStatus,
    },
};

/// Numbers of agents and transfers by status, with the total speed and the recent failures.
#[derive(Clone, Copy, Debug)]
pub struct FleetTotals {
    /// The numbers of agents by status.
    pub agents: AgentCounts,
    /// The numbers of transfers by status.
    pub transfers: TransferCounts,
    /// The sum of the speeds of running transfers that are not stalled, in bytes per second.
    pub bytes_per_second: f64,
    /// The number of transfers that failed after `failures_since` and were not retried.
    pub failures: i64,
}

/// Reads the totals of one customer or, with `None`, of all customers, in one snapshot of the database.
pub async fn totals(db: &Db, customer: Option<CustomerId>, failures_since: DateTime<Utc>) -> Result<FleetTotals> {
    let mut tx = db.snapshot().await?;
    let by_status = within(sql("SELECT status, COUNT(*) FROM agents WHERE revoked_at IS NULL"), customer);
    let rows: Vec<(String, i64)> = by_status.push(" GROUP BY status").fetch_all(&mut tx).await?;
    let mut agents = AgentCounts::default();
    for (status, count) in rows {
        agents.total += count;
        match status.parse() {
            Ok(AgentStatus::Online) => agents.online = count,
            Ok(AgentStatus::Busy) => agents.busy = count,
            Ok(AgentStatus::Error) => agents.error = count,
            Ok(AgentStatus::Offline) => agents.offline = count,
            Err(_) => {}
        }
    }
    let mut transfers = TransferCounts::default();
    for (status, count) in transfer_counts::by_status(&mut tx, customer.map_or(Counted::All, Counted::Customer)).await?
    {
        transfers.total += count;
        match status.parse() {
            Ok(TransferStatus::Queued) => transfers.queued = count,
            Ok(TransferStatus::Running) => transfers.running = count,
            Ok(TransferStatus::Completed) => transfers.completed = count,
            Ok(TransferStatus::Failed) => transfers.failed = count,
            Ok(TransferStatus::Cancelled) => transfers.cancelled = count,
            Err(_) => {}
        }
    }
    // Earlier versions stored speeds above the bound, and one of them could make the sum overflow.
    let speed = sql("SELECT COALESCE(SUM(CASE WHEN speed <= $1 THEN speed ELSE $1 END), 0.0) FROM transfers \
         WHERE status = 'running' AND stalled = $2");
    let speed = speed.bind(MAX_SPEED).bind(false);
    let (bytes_per_second,): (f64,) = within(speed, customer).fetch_one(&mut tx).await?;
    let failed = sql("SELECT COUNT(*) FROM transfers WHERE status = 'failed' AND completed_at > $1");
    let (failures,): (i64,) = within(failed.bind(failures_since), customer).fetch_one(&mut tx).await?;
    Ok(FleetTotals { agents, transfers, bytes_per_second, failures })
}

fn within(statement: Sql, customer: Option<CustomerId>) -> Sql {
    match customer {
        Some(customer) => statement.push_bind(" AND customer_id = ", customer),
        None => statement,
    }
}
