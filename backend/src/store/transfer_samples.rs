//! The table of the samples of transfers. A row has the samples of one transfer and the bytes that were already counted
//! of it for series. Only the collector writes the table, in transactions that lock the row of `collector`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::db::{Db, MOST_VALUES, Tx, row, sql, unreadable};
use crate::{
    actor::Scope,
    error::{Error, Result},
    ids::{AgentId, CustomerId, RunId, TransferId},
    model::transfer::{SampledTransfer, Samples},
};

/// The maximum number of rows of one statement.
const ROWS_AT_A_TIME: usize = 250;

row! {
    struct SampledRow {
        transfer_id: TransferId,
        attempt: i64,
        bytes: i64,
        stalled: bool,
        samples: Vec<u8>,
    }
}

/// A running transfer that has changed since it was last sampled.
#[derive(Clone, Debug)]
pub struct ChangedTransfer {
    /// The id of the transfer.
    pub id: TransferId,
    /// The customer of the transfer.
    pub customer_id: CustomerId,
    /// The agent of the transfer.
    pub agent_id: AgentId,
    /// The job run of the transfer, if it has one.
    pub job_run_id: Option<RunId>,
    /// The number of bytes transferred in the current attempt.
    pub bytes_transferred: i64,
    /// The last reported speed, in bytes per second.
    pub speed: f64,
    /// Whether the transfer is stalled.
    pub stalled: bool,
    /// The time of the last progress.
    pub progressed_at: Option<DateTime<Utc>>,
    /// The samples and the counted bytes that are stored for the transfer.
    pub sampled: SampledTransfer,
}

row! {
    struct ChangedRow {
        id: TransferId,
        customer_id: CustomerId,
        agent_id: AgentId,
        job_run_id: Option<RunId>,
        bytes_transferred: i64,
        speed: f64,
        stalled: bool,
        progressed_at: Option<DateTime<Utc>>,
        attempt: i64,
        bytes: i64,
        was_stalled: bool,
        samples: Vec<u8>,
    }
}

impl From<ChangedRow> for ChangedTransfer {
    fn from(row: ChangedRow) -> Self {
        let sampled = SampledTransfer {
            attempt: row.attempt,
            bytes: row.bytes,
            stalled: row.was_stalled,
            samples: read(row.id, &row.samples),
        };
        Self {
            id: row.id,
            customer_id: row.customer_id,
            agent_id: row.agent_id,
            job_run_id: row.job_run_id,
            bytes_transferred: row.bytes_transferred,
            speed: row.speed,
            stalled: row.stalled,
            progressed_at: row.progressed_at,
            sampled,
        }
    }
}

/// Reads stored samples. If they cannot be read, that is logged, and the transfer has none.
fn read(id: TransferId, samples: &[u8]) -> Samples {
    Samples::from_bytes(samples).unwrap_or_else(|| {
        unreadable(&Error::internal(format!("the samples of transfer {id} are damaged or have another form")));
        Samples::default()
    })
}

/// Reads the stored samples and counted bytes of these transfers. Accepts at most 500 ids.
pub async fn find(tx: &mut Tx, ids: &[TransferId]) -> Result<BTreeMap<TransferId, SampledTransfer>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<SampledRow> =
        sql("SELECT transfer_id, attempt, bytes, stalled, samples FROM transfer_samples WHERE transfer_id IN ")
            .push_tuple(ids.iter().map(|id| (*id).into()))
            .fetch_all(tx)
            .await?;
    let found = rows.into_iter().map(|row| {
        let known = SampledTransfer {
            attempt: row.attempt,
            bytes: row.bytes,
            stalled: row.stalled,
            samples: read(row.transfer_id, &row.samples),
        };
        (row.transfer_id, known)
    });
    Ok(found.collect())
}

/// Reads the samples of those of these transfers that are within the scope, in no particular order.
pub async fn list(db: &Db, scope: Scope, ids: &[TransferId]) -> Result<Vec<(TransferId, Samples)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT s.transfer_id, s.samples FROM transfer_samples s \
             JOIN transfers t ON t.id = s.transfer_id WHERE s.transfer_id IN ");
        let statement = statement.push_tuple(ids.iter().map(|id| (*id).into()));
        let statement = match scope {
            Scope::All => statement,
            Scope::Customer(customer) => statement.push_bind(" AND t.customer_id = ", customer),
            Scope::Agent(agent) => statement.push_bind(" AND t.agent_id = ", agent),
        };
        let rows: Vec<(TransferId, Vec<u8>)> = statement.fetch_all(db).await?;
        found.extend(rows.into_iter().map(|(id, samples)| (id, read(id, &samples))));
    }
    Ok(found)
}

/// Reads the running transfers whose bytes or stalled state has changed since the last sample, ordered by id and with
/// ids greater than `after`; at most `limit`. A transfer is included only once its row of samples is of the current
/// attempt, which the collector creates when it counts the start of the attempt. The stored samples may change before
/// the caller uses them; see [`super::collector_position::lock`].
pub async fn changed(db: &Db, after: Option<TransferId>, limit: i64) -> Result<Vec<ChangedTransfer>> {
    let mut statement = sql("SELECT t.id, t.customer_id, t.agent_id, t.job_run_id, t.bytes_transferred, t.speed, \
         t.stalled, t.progressed_at, s.attempt, s.bytes, s.stalled AS was_stalled, s.samples \
         FROM transfers t JOIN transfer_samples s ON s.transfer_id = t.id AND s.attempt = t.attempt \
         WHERE t.status = 'running' AND (t.bytes_transferred <> s.bytes OR t.stalled <> s.stalled)");
    if let Some(after) = after {
        statement = statement.push_bind(" AND t.id > ", after);
    }
    let rows: Vec<ChangedRow> = statement.push_bind(" ORDER BY t.id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(ChangedTransfer::from).collect())
}

/// Stores the samples and the counted bytes of these transfers. `now` is the time of sampling.
pub async fn save(tx: &mut Tx, sampled: &[(TransferId, SampledTransfer)], now: DateTime<Utc>) -> Result<()> {
    for rows in sampled.chunks(ROWS_AT_A_TIME) {
        let mut statement =
            sql("INSERT INTO transfer_samples (transfer_id, attempt, bytes, stalled, sampled_at, samples) VALUES ");
        for (index, (id, sampled)) in rows.iter().enumerate() {
            statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple([
                (*id).into(),
                sampled.attempt.into(),
                sampled.bytes.into(),
                sampled.stalled.into(),
                now.timestamp().into(),
                sampled.samples.to_bytes().into(),
            ]);
        }
        statement
            .push(
                " ON CONFLICT (transfer_id) DO UPDATE SET attempt = excluded.attempt, bytes = excluded.bytes, \
                 stalled = excluded.stalled, sampled_at = excluded.sampled_at, samples = excluded.samples",
            )
            .execute(tx)
            .await?;
    }
    Ok(())
}
