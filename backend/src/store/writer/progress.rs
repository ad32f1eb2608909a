//! Reports that only move figures, which most do: one guarded update for all of them, outside of any transaction.
//!
//! The writer remembers the rows it wrote last. A remembered row may be outdated, since cold paths and other programs
//! write too; but each change raises the row's revision, and the update fails as a whole, by giving a row no revision,
//! unless all of them still have the remembered one. Then the reports go the long way, through [`super::batch`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::{Postgres, Sqlite, error::ErrorKind};
use tokio::time::timeout;

use super::{
    Committed, Op, WriterTask,
    batch::{self, Guarded},
};
use crate::{
    error::Result,
    ids::TransferId,
    model::{
        event::{Event, Kind},
        transfer::{Advance, Transfer},
    },
    store::{
        db::{Db, Lease, Tx, timed_out},
        transfers::TransferRow,
    },
};

/// The most rows that are remembered.
const REMEMBERED: usize = 20_000;

/// Rows as they were last written or read.
#[derive(Debug, Default)]
pub(super) struct RememberedRows(HashMap<TransferId, TransferRow>);

impl RememberedRows {
    /// Remembers a row as it was committed; one that has ended is not reported about any more.
    pub(super) fn remember(&mut self, row: TransferRow) {
        if row.state.status.has_ended() {
            self.0.remove(&row.id);
            return;
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(row.id, row);
    }
}

/// The writer's connection, kept between batches: giving it back to its pool costs a round trip. It is replaced if it is
/// dropped in the middle of a statement.
#[derive(Debug)]
pub(super) enum Line {
    /// To the file.
    Sqlite(Lease<Sqlite>),
    /// To the server.
    Postgres(Lease<Postgres>),
}

impl Line {
    /// While statements run, whose time may be over at any moment.
    const fn distrust(&mut self) {
        match self {
            Self::Sqlite(lease) => lease.distrust(),
            Self::Postgres(lease) => lease.distrust(),
        }
    }

    const fn trust(&mut self) {
        match self {
            Self::Sqlite(lease) => lease.trust(),
            Self::Postgres(lease) => lease.trust(),
        }
    }
}

/// What became of the one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// It wrote all rows.
    All,
    /// It wrote none, since a row was not as remembered.
    Nothing,
}

impl WriterTask {
    /// Carries out the reports that only move figures; gives back those that need a transaction.
    pub(super) async fn figures(&mut self, ops: Vec<Op>) -> Vec<Op> {
        let limit = self.db.batch_limit();
        if let Err(error) = timeout(limit, self.recall(&ops)).await.unwrap_or_else(|_| Err(timed_out())) {
            tracing::warn!(error = &error as &dyn std::error::Error, "rows are read the long way");
        }
        let mut moved: Vec<(Op, Box<Transfer>)> = Vec::with_capacity(ops.len());
        let mut rest = Vec::new();
        // Revisions before the first report about each transfer.
        let mut seen: BTreeMap<TransferId, i64> = BTreeMap::new();
        let mut held_back: HashSet<TransferId> = HashSet::new();
        for op in ops {
            if let Some(view) = self.moved(&op, &mut seen, &held_back) {
                moved.push((op, view));
                continue;
            }
            // What comes after it about the same transfer must stay behind it.
            if let Op::Transfer { id, .. } = &op {
                held_back.insert(*id);
            }
            rest.push(op);
        }
        if moved.is_empty() {
            return rest;
        }
        let is_written = match timeout(limit, self.write(&seen)).await.unwrap_or_else(|_| Err(timed_out())) {
            Ok(written) => written == Written::All,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "figures are written the long way");
                match timeout(limit, self.was_written(&seen)).await.unwrap_or_else(|_| Err(timed_out())) {
                    Ok(was_written) => was_written,
                    Err(error) => {
                        // Applying them once more could count them twice.
                        self.forget(&seen);
                        self.note_failure(&error);
                        batch::Batch::new(moved.into_iter().map(|(op, _)| op).collect()).fail(&error);
                        return rest;
                    }
                }
            }
        };
        if !is_written {
            self.forget(&seen);
            return moved.into_iter().map(|(op, _)| op).chain(rest).collect();
        }
        self.note_outcome(true);
        if (self.audience.is_listening)() {
            let mut events = BTreeMap::new();
            for (op, view) in &moved {
                if let Op::Transfer { agent, now, .. } = op {
                    let change = batch::change(Kind::TransferProgressed, *agent, view, *now);
                    events.insert(view.id, Event::new(change, None));
                }
            }
            (self.audience.tell)(Committed { events: events.into_values().collect(), directives: Vec::new() });
        }
        for (op, view) in moved {
            if let Op::Transfer { reply, .. } = op {
                // Whoever is gone by now is not waiting for an answer.
                drop(reply.send(Ok(view)));
            }
        }
        rest
    }

    fn forget(&mut self, seen: &BTreeMap<TransferId, i64>) {
        for id in seen.keys() {
            self.rows.0.remove(id);
        }
    }

    /// Reads the rows that reports are about and that are not remembered.
    async fn recall(&mut self, ops: &[Op]) -> Result<()> {
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
        let mut line = self.take_line().await?;
        let rows = match &mut line {
            Line::Sqlite(lease) => self.texts.sqlite.load_transfers(lease.connection()?, &missing).await?,
            Line::Postgres(lease) => self.texts.postgres.load_transfers(lease.connection()?, &missing).await?,
        };
        line.trust();
        self.line = Some(line);
        for row in rows {
            self.rows.remember(row);
        }
        Ok(())
    }

    /// The connection, out of its place and distrusted: one that fails is not put back, but replaced.
    async fn take_line(&mut self) -> Result<Line> {
        let mut line = match (self.line.take(), &self.db) {
            (Some(line), _) => line,
            (None, Db::Sqlite { hot, bounds, .. }) => Line::Sqlite(Lease::acquire(hot, bounds.statement).await?),
            (None, Db::Postgres { hot, bounds, .. }) => Line::Postgres(Lease::acquire(hot, bounds.statement).await?),
        };
        line.distrust();
        Ok(line)
    }

    /// Applies a report to the remembered row, if that is all it takes.
    fn moved(
        &mut self,
        op: &Op,
        seen: &mut BTreeMap<TransferId, i64>,
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
                seen.entry(*id).or_insert(row.state.revision);
                row.state = state;
                Some(Box::new(row.view()))
            }
            // Whether the row is still as remembered is not known unless it is written.
            Ok(Advance::Unchanged | Advance::Lifecycle) | Err(_) => None,
        }
    }

    /// Writes the remembered figures of these transfers, if all the stored rows are as they had been seen.
    async fn write(&mut self, seen: &BTreeMap<TransferId, i64>) -> Result<Written> {
        let mut line = self.take_line().await?;
        let guarded = seen.iter().filter_map(|(id, seen)| Some(Guarded { row: self.rows.0.get(id)?, seen: *seen }));
        let guarded: Vec<Guarded<'_>> = guarded.collect();
        let written = match &mut line {
            Line::Sqlite(lease) => {
                let _turn = self.db.turn().await?;
                self.texts.sqlite.save_figures(lease.connection()?, &guarded).await
            }
            Line::Postgres(lease) => self.texts.postgres.save_figures(lease.connection()?, &guarded).await,
        };
        let written = match written {
            Ok(()) => Written::All,
            Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::NotNullViolation => Written::Nothing,
            Err(error) => return Err(error.into()),
        };
        line.trust();
        self.line = Some(line);
        Ok(written)
    }

    /// Whether a statement whose answer was lost has written its rows: it wrote all or none, so one row that is as it
    /// would have left it will do. On PostgreSQL the rows are locked, so a statement that is still at work comes first.
    async fn was_written(&mut self, seen: &BTreeMap<TransferId, i64>) -> Result<bool> {
        let ids: Vec<TransferId> = seen.keys().copied().collect();
        let mut tx = self.db.begin_hot().await?;
        let stored = match &mut tx {
            Tx::Sqlite(lease) => self.texts.sqlite.load_transfers(lease.connection()?, &ids).await?,
            Tx::Postgres(lease) => self.texts.postgres.load_transfers(lease.connection()?, &ids).await?,
        };
        tx.commit().await?;
        Ok(stored.iter().any(|row| self.rows.0.get(&row.id).is_some_and(|written| written.state == row.state)))
    }
}
