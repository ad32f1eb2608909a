//! Reports that only move figures, which most do: one guarded update for all of them, outside of any transaction.
//!
//! The writer remembers the rows it wrote last. A remembered row may be outdated, since cold paths and other programs
//! write too; but each change raises the row's revision, and the update fails as a whole, by giving a row no revision,
//! unless all of them still have the remembered one. Then the reports go the long way, through [`super::batch`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use sqlx::{Postgres, Sqlite, error::ErrorKind, pool::PoolConnection};
use tokio::sync::Mutex;

use super::{Committed, Op, WriterTask, batch, postgres};
use crate::{
    error::Result,
    ids::TransferId,
    model::{
        event::{Event, Kind},
        transfer::{Advance, Transfer},
    },
    store::{db::Db, transfers::TransferRow},
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

/// A transfer whose figures are about to be written.
#[derive(Debug)]
pub(super) struct Guarded<'a> {
    pub(super) row: &'a TransferRow,
    /// The revision the stored row must still have.
    pub(super) seen: i64,
}

/// The writer's connection, kept between batches: giving it back to its pool costs a round trip.
#[derive(Debug)]
pub(super) enum Line {
    /// To the file, with the right to write to it.
    Sqlite(PoolConnection<Sqlite>, Arc<Mutex<()>>),
    /// To the server.
    Postgres(PoolConnection<Postgres>),
}

impl WriterTask {
    /// Carries out the reports that only move figures; gives back those that need a transaction.
    pub(super) async fn figures(&mut self, ops: Vec<Op>) -> Vec<Op> {
        if let Err(error) = self.recall(&ops).await {
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
        let is_written = self.write(&seen).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "figures are written the long way");
            false
        });
        if !is_written {
            for id in seen.keys() {
                self.rows.0.remove(id);
            }
            return moved.into_iter().map(|(op, _)| op).chain(rest).collect();
        }
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
            Line::Sqlite(line, _) => self.texts.load_transfers(line, &missing).await?,
            Line::Postgres(line) => postgres::load_transfers(line, &missing).await?,
        };
        self.line = Some(line);
        for row in rows {
            self.rows.remember(row);
        }
        Ok(())
    }

    /// The connection, out of its place: one that fails is not put back, but given to its pool, which looks after it.
    async fn take_line(&mut self) -> Result<Line> {
        if let Some(line) = self.line.take() {
            return Ok(line);
        }
        Ok(match &self.db {
            Db::Sqlite { hot, turn, .. } => Line::Sqlite(hot.acquire().await?, Arc::clone(turn)),
            Db::Postgres { hot, .. } => Line::Postgres(hot.acquire().await?),
        })
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

    /// Writes the remembered figures of these transfers, if all the stored rows are as they had been seen; whether they
    /// were.
    async fn write(&mut self, seen: &BTreeMap<TransferId, i64>) -> Result<bool> {
        let mut line = self.take_line().await?;
        let guarded = seen.iter().filter_map(|(id, seen)| Some(Guarded { row: self.rows.0.get(id)?, seen: *seen }));
        let guarded: Vec<Guarded<'_>> = guarded.collect();
        let written = match &mut line {
            Line::Sqlite(line, turn) => {
                let _turn = turn.lock().await;
                self.texts.save_figures(line, &guarded).await
            }
            Line::Postgres(line) => postgres::save_figures(line, &guarded).await,
        };
        let is_written = match written {
            Ok(()) => true,
            Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::NotNullViolation => false,
            Err(error) => return Err(error.into()),
        };
        self.line = Some(line);
        Ok(is_written)
    }
}
