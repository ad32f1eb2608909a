//! The fast path, for reports that only change progress, which most reports do. One UPDATE writes all of them, outside
//! of a transaction.
//!
//! The writer caches the rows it wrote last. A cached row may be outdated, since other code and other programs write
//! transfers too. But each change increases the revision of its row, and the UPDATE sets the revision to NULL if the
//! stored revision is not the cached one. That violates `NOT NULL`, so the engine rolls the whole statement back, and
//! the reports take the transactional path in [`super::batch`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::error::ErrorKind;
use tokio::time::timeout;

use super::{
    CommittedBatch, Dirty, Op, WriterTask,
    batch::{self, Guarded},
    connection::WriterConnection,
};
use crate::{
    error::Result,
    ids::TransferId,
    model::{
        event::{Event, Kind},
        transfer::{Advance, Transfer},
    },
    store::{
        db::{Tx, timed_out},
        transfers::TransferRow,
    },
};

/// The maximum number of rows in the cache; a full cache is cleared.
const MAX_CACHED_ROWS: usize = 20_000;

/// Transfers that have not ended, as they were last written or read by this writer.
#[derive(Debug, Default)]
pub(super) struct RowCache(HashMap<TransferId, TransferRow>);

impl RowCache {
    /// Caches a committed row. If its transfer has ended, removes it from the cache instead, because no more reports
    /// are expected.
    pub(super) fn insert(&mut self, row: TransferRow) {
        if row.state.status.has_ended() {
            self.0.remove(&row.id);
            return;
        }
        if self.0.len() >= MAX_CACHED_ROWS {
            self.0.clear();
        }
        self.0.insert(row.id, row);
    }
}

/// The revision of a cached transfer before the first of its reports in a batch, and what the batch has changed.
#[derive(Clone, Copy, Debug)]
struct Seen {
    revision: i64,
    /// What reports of the batch have changed.
    dirty: Dirty,
}

/// The outcome of the guarded UPDATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// All rows were written.
    All,
    /// No row was written, because the stored revision of a row was not the cached one.
    Conflict,
}

impl WriterTask {
    /// Commits the reports that only change progress, and returns those that need a transaction.
    pub(super) async fn commit_progress(&mut self, ops: Vec<Op>) -> Vec<Op> {
        let limit = self.db.batch_limit();
        if let Err(error) = timeout(limit, self.load_missing(&ops)).await.unwrap_or_else(|_| Err(timed_out())) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "transfers could not be read ahead: reports of their progress are written in a transaction"
            );
        }
        let mut applied: Vec<(Op, Box<Transfer>)> = Vec::with_capacity(ops.len());
        let mut rest = Vec::new();
        let mut seen: BTreeMap<TransferId, Seen> = BTreeMap::new();
        let mut held_back: HashSet<TransferId> = HashSet::new();
        for op in ops {
            if let Some(view) = self.apply_progress(&op, &mut seen, &held_back) {
                applied.push((op, view));
                continue;
            }
            // Later reports about the same transfer must be applied after this one.
            if let Op::Transfer { id, .. } = &op {
                held_back.insert(*id);
            }
            rest.push(op);
        }
        if applied.is_empty() {
            return rest;
        }
        let is_written = match timeout(limit, self.write(&seen)).await.unwrap_or_else(|_| Err(timed_out())) {
            Ok(written) => written == Written::All,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a write of progress reports failed: the server reads the rows and repeats the write if needed"
                );
                match timeout(limit, self.was_written(&seen)).await.unwrap_or_else(|_| Err(timed_out())) {
                    Ok(was_written) => was_written,
                    Err(error) => {
                        // It is not known whether they were applied, so they are not applied again.
                        self.invalidate(&seen);
                        self.record_failure(&error);
                        batch::Batch::new(applied.into_iter().map(|(op, _)| op).collect()).fail(&error);
                        return rest;
                    }
                }
            }
        };
        if !is_written {
            self.invalidate(&seen);
            return applied.into_iter().map(|(op, _)| op).chain(rest).collect();
        }
        self.record_outcome(true);
        if (self.listener.has_subscribers)() {
            let mut events = BTreeMap::new();
            for (op, view) in &applied {
                if let Op::Transfer { agent, now, .. } = op {
                    let change = batch::change(Kind::TransferProgressed, *agent, view, *now);
                    events.insert(view.id, Event::new(change, None));
                }
            }
            (self.listener.notify)(CommittedBatch { events: events.into_values().collect(), directives: Vec::new() });
        }
        for (op, view) in applied {
            if let Op::Transfer { reply, .. } = op {
                // A send fails if the caller has given up waiting.
                drop(reply.send(Ok(view)));
            }
        }
        rest
    }

    fn invalidate(&mut self, seen: &BTreeMap<TransferId, Seen>) {
        for id in seen.keys() {
            self.rows.0.remove(id);
        }
    }

    /// Reads the transfers of these reports that are not cached, and caches them.
    async fn load_missing(&mut self, ops: &[Op]) -> Result<()> {
        let missing: BTreeSet<TransferId> = ops
            .iter()
            .filter_map(|op| match op {
                Op::Transfer { id, .. } => Some(*id),
                Op::Heartbeat { .. } => None,
            })
            .filter(|id| !self.rows.0.contains_key(id))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<TransferId> = missing.into_iter().collect();
        let mut connection = self.take_connection().await?;
        let rows = match &mut connection {
            WriterConnection::Sqlite(pooled) => {
                self.texts.sqlite.load_transfers(pooled.connection()?, &missing).await?
            }
            WriterConnection::Postgres(pooled) => {
                self.texts.postgres.read_transfers(pooled.connection()?, &missing).await?
            }
        };
        self.keep_connection(connection);
        for row in rows {
            self.rows.insert(row);
        }
        Ok(())
    }

    /// Applies a report to its cached row, and returns the transfer. Returns `None`, without a change, if the report
    /// needs the transactional path.
    fn apply_progress(
        &mut self,
        op: &Op,
        seen: &mut BTreeMap<TransferId, Seen>,
        held_back: &HashSet<TransferId>,
    ) -> Option<Box<Transfer>> {
        let Op::Transfer { agent, id, patch, now, .. } = op else { return None };
        if held_back.contains(id) {
            return None;
        }
        let row = self.rows.0.get_mut(id).filter(|row| row.agent_id == *agent)?;
        let mut state = row.state.clone();
        match state.advance(patch, *now) {
            Ok(Advance::Progressed) => {
                let seen = seen.entry(*id).or_insert(Seen { revision: row.state.revision, dirty: Dirty::Progress });
                seen.dirty = seen.dirty.max(Dirty::of_progress(&row.state, &state));
                row.state = state;
                Some(Box::new(row.view()))
            }
            // Only a write shows whether the cached row is current, so these need a transaction.
            Ok(Advance::Unchanged | Advance::Lifecycle) | Err(_) => None,
        }
    }

    /// Writes the cached progress of these transfers, if all stored rows have the revisions in `seen`.
    async fn write(&mut self, seen: &BTreeMap<TransferId, Seen>) -> Result<Written> {
        let mut connection = self.take_connection().await?;
        let guarded = seen.iter().filter_map(|(id, seen)| {
            let Seen { revision, dirty } = *seen;
            Some(Guarded { row: self.rows.0.get(id)?, seen: revision, dirty })
        });
        let guarded: Vec<Guarded<'_>> = guarded.collect();
        let written = match &mut connection {
            WriterConnection::Sqlite(pooled) => {
                let _write_lock = self.db.write_lock().await?;
                self.texts.sqlite.save_progress(pooled.connection()?, &guarded).await
            }
            WriterConnection::Postgres(pooled) => {
                self.texts.postgres.save_progress(pooled.connection()?, &guarded).await
            }
        };
        let written = match written {
            Ok(()) => Written::All,
            Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::NotNullViolation => Written::Conflict,
            Err(error) => return Err(error.into()),
        };
        self.keep_connection(connection);
        Ok(written)
    }

    /// Whether an UPDATE whose answer was lost has written its rows. It has written all rows or no row, so one row with
    /// the new state is enough. On PostgreSQL this locks the rows, so it waits for an UPDATE that is still running.
    async fn was_written(&mut self, seen: &BTreeMap<TransferId, Seen>) -> Result<bool> {
        let ids: Vec<TransferId> = seen.keys().copied().collect();
        let mut tx = self.db.begin_hot().await?;
        let stored = match &mut tx {
            Tx::Sqlite(pooled) => self.texts.sqlite.load_transfers(pooled.connection()?, &ids).await?,
            Tx::Postgres(pooled) => self.texts.postgres.load_transfers(pooled.connection()?, &ids).await?,
        };
        tx.commit().await?;
        Ok(stored.iter().any(|row| self.rows.0.get(&row.id).is_some_and(|written| written.state == row.state)))
    }
}
