//! The table of the numbers of transfers by status. Each change of a transfer updates it, so that a list knows its
//! total without counting.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::db::{Conn, Tx, sql};
use crate::{
    error::Result,
    ids::{AgentId, CustomerId},
    model::transfer::TransferStatus,
};

/// The set of transfers that a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Every transfer.
    All,
    /// The transfers of a customer.
    Customer(CustomerId),
    /// The transfers of an agent.
    Agent(AgentId),
}

impl Counted {
    const fn scope_id(self) -> Uuid {
        match self {
            Self::All => Uuid::nil(),
            Self::Customer(customer) => customer.0,
            Self::Agent(agent) => agent.0,
        }
    }
}

/// The changes of the counters that a transaction writes.
#[derive(Debug, Default)]
pub struct Deltas(BTreeMap<(Uuid, &'static str), i64>);

impl Deltas {
    /// Adds a change of status from `from` to `to`, or a new transfer if `from` is `None`. Writes nothing yet.
    pub fn note(&mut self, customer: CustomerId, agent: AgentId, from: Option<TransferStatus>, to: TransferStatus) {
        if from == Some(to) {
            return;
        }
        for counted in [Counted::All, Counted::Customer(customer), Counted::Agent(agent)] {
            if let Some(from) = from {
                *self.0.entry((counted.scope_id(), status_name(from))).or_default() -= 1;
            }
            *self.0.entry((counted.scope_id(), status_name(to))).or_default() += 1;
        }
    }

    /// Writes the changes in the order of their keys, so that two transactions cannot deadlock.
    pub async fn apply(self, tx: &mut Tx) -> Result<()> {
        let deltas: Vec<_> = self.0.into_iter().filter(|(_, delta)| *delta != 0).collect();
        for rows in deltas.chunks(500) {
            let mut statement = sql("INSERT INTO transfer_counts (scope_id, status, total) VALUES ");
            for (index, ((scope, status), delta)) in rows.iter().enumerate() {
                statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple([
                    (*scope).into(),
                    (*status).into(),
                    (*delta).into(),
                ]);
            }
            statement
                .push(" ON CONFLICT (scope_id, status) DO UPDATE SET total = transfer_counts.total + excluded.total")
                .execute(tx)
                .await?;
        }
        Ok(())
    }
}

/// The name of a status as the table stores it.
const fn status_name(status: TransferStatus) -> &'static str {
    match status {
        TransferStatus::Queued => "queued",
        TransferStatus::Running => "running",
        TransferStatus::Completed => "completed",
        TransferStatus::Failed => "failed",
        TransferStatus::Cancelled => "cancelled",
    }
}

/// Reads the number of transfers with this status; with `None`, of all transfers.
pub async fn total(conn: impl Into<Conn<'_>>, counted: Counted, status: Option<TransferStatus>) -> Result<u64> {
    // The cast is for PostgreSQL, where a sum of BIGINTs is NUMERIC.
    let mut statement = sql("SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM transfer_counts")
        .push_bind(" WHERE scope_id = ", counted.scope_id());
    if let Some(status) = status {
        statement = statement.push_bind(" AND status = ", status_name(status));
    }
    let (total,): (i64,) = statement.fetch_one(conn).await?;
    Ok(u64::try_from(total).unwrap_or(0))
}

/// Reads the numbers of transfers by status.
pub async fn by_status(conn: impl Into<Conn<'_>>, counted: Counted) -> Result<Vec<(String, i64)>> {
    sql("SELECT status, total FROM transfer_counts")
        .push_bind(" WHERE scope_id = ", counted.scope_id())
        .push(" ORDER BY status")
        .fetch_all(conn)
        .await
}
