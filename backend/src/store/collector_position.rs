//! The row of the table `collector`, which records how far series and samples are collected. A transaction that changes
//! the row locks it until its commit, so servers collect one after the other, and nothing is counted twice.

use super::db::{Db, Tx, row, sql};
use crate::{error::Result, ids::TransferId};

/// How far ahead of this server's clock the time of a claim is accepted, in seconds.
const TOLERANCE: i64 = 60;

row! {
    /// The state of the collector.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CollectorState {
        /// The number of the last event that was counted.
        pub event_number: i64,
        /// When the current round was claimed, in Unix seconds.
        pub claimed_at: i64,
        /// The start of the minute in which the agents were last counted, in Unix seconds.
        pub observed_minute: i64,
        /// The id of the last transfer that was sampled; sampling continues after it. `None` if it continues with the
        /// first transfer.
        pub sampled_after: Option<TransferId>,
    }
}

/// Claims the next round of the collector. Returns false if a round was claimed within the last `interval` seconds.
/// `now` is in Unix seconds.
pub async fn claim(db: &Db, now: i64, interval: i64) -> Result<bool> {
    let mut tx = db.begin().await?;
    let claimed = sql("UPDATE collector SET claimed_at = $1 WHERE id = 1 AND (claimed_at <= $2 OR claimed_at > $3)")
        .bind(now)
        .bind(now - interval)
        .bind(now + TOLERANCE)
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    Ok(claimed == 1)
}

/// Reads the state without a lock. It may change before the caller uses it, which [`advance`] and [`observe`] detect.
pub async fn state(db: &Db) -> Result<CollectorState> {
    sql("SELECT event_number, claimed_at, observed_minute, sampled_after FROM collector WHERE id = 1")
        .fetch_one(db)
        .await
}

/// Locks the row until the end of the transaction, and returns the state.
pub async fn lock(tx: &mut Tx) -> Result<CollectorState> {
    sql("UPDATE collector SET claimed_at = claimed_at WHERE id = 1 \
         RETURNING event_number, claimed_at, observed_minute, sampled_after")
    .fetch_one(tx)
    .await
}

/// Records that this transaction counts the events with numbers above `seen` up to `until`. Returns false if another
/// transaction has already counted them.
pub async fn advance(tx: &mut Tx, seen: i64, until: i64) -> Result<bool> {
    let statement = sql("UPDATE collector SET event_number = $1 WHERE id = 1 AND event_number = $2");
    Ok(statement.bind(until).bind(seen).execute(tx).await? == 1)
}

/// Records that this transaction counts the agents for this minute. Returns false if they were already counted for it.
pub async fn observe(tx: &mut Tx, minute: i64) -> Result<bool> {
    let statement = sql("UPDATE collector SET observed_minute = $1 WHERE id = 1 AND observed_minute <> $1");
    Ok(statement.bind(minute).execute(tx).await? == 1)
}

/// Stores the id of the last transfer that was sampled; `None` if sampling continues with the first transfer.
pub async fn set_sampled_after(tx: &mut Tx, last: Option<TransferId>) -> Result<()> {
    sql("UPDATE collector SET sampled_after = $1 WHERE id = 1").bind(last).execute(tx).await?;
    Ok(())
}
