//! What a batch leaves in the database, so that it is applied once even if the answer to its COMMIT was lost.
//!
//! Each writer has one row with the number of its last batch, which every batch raises first. A repeat that finds its own
//! number was committed. On PostgreSQL it also waits there until the earlier attempt has been decided, since that one has
//! the row locked.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    error::Result,
    store::db::{Db, Tx, sql},
};

/// The row of this writer.
#[derive(Debug)]
pub(super) struct Receipt {
    writer: Uuid,
    batch: i64,
    /// About when, so that rows of servers that are gone can be purged.
    at: DateTime<Utc>,
}

impl Receipt {
    pub(super) const fn new(writer: Uuid, at: DateTime<Utc>) -> Self {
        Self { writer, batch: 0, at }
    }

    /// Begins the next batch.
    pub(super) fn next(&mut self, at: Option<DateTime<Utc>>) {
        self.batch += 1;
        self.at = at.map_or(self.at, |at| at.max(self.at));
    }

    /// Notes that the batch is part of this transaction; false if an earlier attempt was committed.
    pub(super) async fn write(&self, tx: &mut Tx) -> Result<bool> {
        let written = sql("INSERT INTO writer_batches (writer_id, batch, committed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (writer_id) DO UPDATE SET batch = excluded.batch, committed_at = excluded.committed_at \
             WHERE writer_batches.batch < excluded.batch")
        .bind(self.writer)
        .bind(self.batch)
        .bind(self.at)
        .execute(tx)
        .await?;
        Ok(written > 0)
    }

    /// The same in a transaction of its own.
    pub(super) async fn write_alone(&self, db: &Db) -> Result<()> {
        let mut tx = db.begin_hot().await?;
        self.write(&mut tx).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_batch_leaves_one_receipt() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("mftplus.db")).await.unwrap();
        db.migrate().await.unwrap();
        let mut receipt = Receipt::new(Uuid::nil(), DateTime::UNIX_EPOCH);
        for _ in 0..2 {
            receipt.next(None);
            for is_new in [true, false, false] {
                let mut tx = db.begin_hot().await.unwrap();
                assert_eq!(receipt.write(&mut tx).await.unwrap(), is_new);
                tx.commit().await.unwrap();
            }
        }
        receipt.next(None);
        let mut tx = db.begin_hot().await.unwrap();
        assert!(receipt.write(&mut tx).await.unwrap());
        drop(tx);
        let mut tx = db.begin_hot().await.unwrap();
        assert!(receipt.write(&mut tx).await.unwrap(), "what was not committed is no receipt");
    }
}
