//! The record of the last committed batch, so that a batch is applied once even if the answer to its COMMIT was lost.
//!
//! Each writer has one row in `writer_batches` with the number of its last batch, and every batch increases it first.
//! If a repeated batch finds its own number, the earlier attempt was committed. On PostgreSQL that attempt holds a lock
//! on the row, so the repeated one waits until it is committed or rolled back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    error::Result,
    store::db::{Db, Tx, sql},
};

/// The row of this writer in `writer_batches`.
#[derive(Debug)]
pub(super) struct CommitRecord {
    writer: Uuid,
    batch: i64,
    /// The latest time of a report, so that rows of servers that no longer run can be purged.
    at: DateTime<Utc>,
}

impl CommitRecord {
    pub(super) const fn new(writer: Uuid, at: DateTime<Utc>) -> Self {
        Self { writer, batch: 0, at }
    }

    /// Increases the number for the next batch. `at` is the latest time of its reports.
    pub(super) fn next(&mut self, at: Option<DateTime<Utc>>) {
        self.batch += 1;
        self.at = at.map_or(self.at, |at| at.max(self.at));
    }

    /// Writes the number of the batch in its transaction. Returns false if an earlier attempt at this batch was
    /// committed.
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

    /// Calls [`CommitRecord::write`] in a transaction of its own.
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
    async fn a_commit_record_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("mftplus.db")).await.unwrap();
        db.migrate().await.unwrap();
        let mut commit_record = CommitRecord::new(Uuid::nil(), DateTime::UNIX_EPOCH);
        for _ in 0..2 {
            commit_record.next(None);
            for is_new in [true, false, false] {
                let mut tx = db.begin_hot().await.unwrap();
                assert_eq!(commit_record.write(&mut tx).await.unwrap(), is_new);
                tx.commit().await.unwrap();
            }
        }
        commit_record.next(None);
        let mut tx = db.begin_hot().await.unwrap();
        assert!(commit_record.write(&mut tx).await.unwrap());
        drop(tx);
        let mut tx = db.begin_hot().await.unwrap();
        assert!(
            commit_record.write(&mut tx).await.unwrap(),
            "the number of a batch that was not committed is not stored"
        );
    }
}
