//! Transfers that failed or are stalled.

use chrono::{DateTime, Utc};

use super::{MOST_PARTS, of_customer, shared_by_customers};
use crate::{
    error::Result,
    ids::{CustomerId, TransferId},
    model::transfer::Protocol,
    store::db::{Db, EnumText, Sql, row, sql},
};

row! {
    /// A transfer that has failed or is stalled.
    #[derive(Clone, Debug)]
    pub struct UnhealthyTransfer {
        /// The transfer.
        pub id: TransferId,
        /// The customer of the transfer's agent.
        pub customer_id: CustomerId,
        /// The host name of the agent.
        pub agent_hostname: String,
        /// The protocol of the copy.
        pub protocol: EnumText<Protocol>,
        /// The location to copy from.
        pub source: String,
        /// The location to copy to.
        pub destination: String,
        /// The code of the failure, if the agent sent one.
        pub error_code: Option<String>,
        /// The beginning of the error message.
        pub error_message: Option<String>,
        /// For a failed transfer, the time of the failure; for a stalled one, the time of its last progress.
        pub since: DateTime<Utc>,
    }
}

const TRANSFERS: &str = "SELECT t.id, t.customer_id, a.hostname AS agent_hostname, t.protocol, t.source, t.destination, \
    t.error_code, t.error_message, t.since FROM (";
const COLUMNS: &str = "SELECT id, customer_id, agent_id, protocol, source, destination, error_code, \
    SUBSTR(error_message, 1, 500) AS error_message, ";
const OF_AGENTS: &str = ") AS t JOIN agents a ON a.id = t.agent_id";

/// Reads the transfers that failed after `since` and were not retried, latest failure first; at most `limit`. With a
/// customer, only those of the customer.
pub async fn failed_transfers(
    db: &Db,
    customer: Option<CustomerId>,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<UnhealthyTransfer>> {
    let statement = failed(sql(TRANSFERS), customer, since, limit);
    // A join does not keep the order.
    let statement = statement.push(OF_AGENTS).push(" ORDER BY t.since DESC, t.id DESC");
    Ok(statement.fetch_readable::<UnhealthyTransfer>(db).await?.into_iter().flatten().collect())
}

/// Reads the transfers of these customers that failed after `since` and were not retried, in no particular order. Of
/// each customer, the latest failures are returned, at most `each`.
pub async fn failed_transfers_of_each(
    db: &Db,
    customers: &[CustomerId],
    since: DateTime<Utc>,
    each: i64,
) -> Result<Vec<UnhealthyTransfer>> {
    let mut found = Vec::new();
    for customers in customers.chunks(MOST_PARTS) {
        let mut statement = sql(TRANSFERS);
        for (index, customer) in customers.iter().enumerate() {
            let lead = if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" };
            statement = failed(statement.push(lead), Some(*customer), since, each).push(") AS part");
        }
        let rows = statement.push(OF_AGENTS).fetch_readable::<UnhealthyTransfer>(db).await?;
        found.extend(rows.into_iter().flatten());
    }
    Ok(found)
}

/// Adds the selection of the latest failures, at most `limit`.
fn failed(statement: Sql, customer: Option<CustomerId>, since: DateTime<Utc>, limit: i64) -> Sql {
    let statement = statement
        .push(COLUMNS)
        .push("completed_at AS since FROM transfers WHERE COALESCE(status, status) = 'failed'")
        .push_bind(" AND completed_at > ", since);
    of_customer(statement, customer).push_bind(" ORDER BY completed_at DESC LIMIT ", limit)
}

/// Reads the stalled transfers, oldest first: at most `limit`, with equal shares for customers.
pub async fn stalled_transfers(db: &Db, customer: Option<CustomerId>, limit: i64) -> Result<Vec<UnhealthyTransfer>> {
    let statement = sql(TRANSFERS)
        .push(COLUMNS)
        .push("COALESCE(progressed_at, started_at, created_at) AS since FROM transfers WHERE id IN (");
    let stalled = |statement: Sql| {
        let statement = statement.push("SELECT id, customer_id FROM transfers WHERE stalled");
        match customer {
            Some(customer) => statement.push_bind(" AND COALESCE(customer_id, customer_id) = ", customer),
            None => statement,
        }
    };
    let statement = shared_by_customers(statement, stalled, limit).push(")").push(OF_AGENTS).push(" ORDER BY t.id");
    Ok(statement.fetch_readable::<UnhealthyTransfer>(db).await?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        agents::{self, AgentRow},
        customers,
        db::Tx,
        scratch_database::Scratch,
        test_rows::{agent, at, id, second_customer, transfer, transfer_ended},
        transfers::insert,
    };

    fn ids(rows: &[UnhealthyTransfer]) -> Vec<TransferId> {
        let mut ids: Vec<TransferId> = rows.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Stores a second customer with an agent.
    async fn second_agent(tx: &mut Tx) -> AgentRow {
        let other = agent(second_customer(tx).await, id(4));
        agents::insert(tx, &other).await.unwrap();
        other
    }

    #[tokio::test]
    async fn stalled_transfers_of_one_customer_leave_room_for_those_of_others() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        let other = second_agent(&mut tx).await;
        for (number, agent) in [(11, &scratch.agent), (12, &scratch.agent), (13, &scratch.agent), (14, &other)] {
            insert(&mut tx, &transfer(number, agent), "a.csv", "b.csv").await.unwrap();
        }
        tx.commit().await.unwrap();
        let stalled = async |customer, limit| ids(&stalled_transfers(&scratch.db, customer, limit).await.unwrap());
        assert_eq!(stalled(None, 2).await, [11, 14].map(id::<TransferId>));
        assert_eq!(stalled(None, 3).await, [11, 12, 14].map(id::<TransferId>));
        assert_eq!(stalled(Some(scratch.agent.customer_id), 2).await, [11, 12].map(id::<TransferId>));
    }

    #[tokio::test]
    async fn the_latest_failures_of_each_customer_are_found_whatever_others_have() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        let other = second_agent(&mut tx).await;
        for (number, agent) in [(11_u8, &other), (12, &scratch.agent), (13, &scratch.agent), (14, &scratch.agent)] {
            let mut row = transfer_ended(&transfer(number.into(), agent));
            row.state.completed_at = Some(at(number.into()));
            insert(&mut tx, &row, "a.csv", "b.csv").await.unwrap();
        }
        tx.commit().await.unwrap();
        let latest = failed_transfers(&scratch.db, None, at(0), 3).await.unwrap();
        assert_eq!(ids(&latest), [12, 13, 14].map(id::<TransferId>), "the other customer is left out");
        let both = customers::newest(&scratch.db, 2).await.unwrap();
        assert_eq!(both, [other.customer_id, scratch.agent.customer_id]);
        let of_each = failed_transfers_of_each(&scratch.db, &both, at(0), 2).await.unwrap();
        assert_eq!(ids(&of_each), [11, 13, 14].map(id::<TransferId>));
        let later = failed_transfers_of_each(&scratch.db, &both, at(13), 2).await.unwrap();
        assert_eq!(ids(&later), [14].map(id::<TransferId>));
    }
}
