//! The group-committing writer: heartbeats and reports of progress.
//!
//! Committing costs the same for one change as for hundreds. So one task takes what is queued, never waiting for more,
//! applies each report to its row in the order of arrival, and commits once. Nobody is answered before the commit;
//! several reports about one transfer become one row written, and each caller still gets its own revision.
//!
//! Of a long queue it takes half: while that is made durable, nobody could be answered and the processor would idle. So
//! the answers to one half go out, and its next reports come in, while the other half is being committed.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, timeout, timeout_at},
};
use uuid::Uuid;

use super::{
    db::{Db, is_worth_another_connection, timed_out},
    transfers::TransferRow,
};
use crate::{
    error::{Code, Error, Result},
    ids::{AgentId, TransferId},
    model::{
        agent::{Agent, Heartbeat},
        event::Event,
        transfer::{Transfer, UpdateTransfer},
    },
};

mod batch;
mod postgres;
mod progress;
mod receipt;
mod sqlite;

/// The most reports in one commit.
const BATCH: usize = 512;
/// So many reports are not worth halving.
const FEW: usize = 16;
/// The most reports that wait; more have to wait outside.
const QUEUE: usize = 4096;
/// Without a batch for so long the writer tests whether it could write one.
const PROBE: Duration = Duration::from_secs(5);

const STOPPING: Error = Error::Unavailable("the server is shutting down: try again in a moment");

/// A report waiting for its commit.
#[derive(Debug)]
pub enum Op {
    /// An agent reports about a transfer of its own.
    Transfer {
        /// Who reports.
        agent: AgentId,
        /// About which transfer.
        id: TransferId,
        /// What.
        patch: UpdateTransfer,
        /// When.
        now: DateTime<Utc>,
        /// Where the outcome goes.
        reply: oneshot::Sender<Result<Box<Transfer>>>,
    },
    /// An agent shows that it is there.
    Heartbeat {
        /// Who.
        agent: AgentId,
        /// How it fares.
        heartbeat: Heartbeat,
        /// From which address.
        ip_address: Option<String>,
        /// When.
        now: DateTime<Utc>,
        /// Where the outcome goes: the agent, and the heartbeat interval it was last told, in seconds.
        reply: oneshot::Sender<Result<(Agent, i64)>>,
    },
}

/// What a commit changed, for those who are told of it.
#[derive(Debug, Default)]
pub struct Committed {
    /// What has happened.
    pub events: Vec<Event>,
    /// Agents whose directives changed.
    pub directives: Vec<AgentId>,
}

/// Who is told of each commit, before anybody is answered.
pub struct Audience {
    /// Whether anybody listens to what happens; without it events need not be made.
    pub is_listening: Box<dyn Fn() -> bool + Send + Sync>,
    /// Tells them.
    pub tell: Box<dyn Fn(Committed) + Send + Sync>,
    /// Told after each batch and each test whether the database could be written.
    pub note_outcome: Box<dyn Fn(bool) + Send + Sync>,
}

/// The way to the writer's task. When the last clone is gone, the task writes what is queued and ends.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Op>,
}

/// The task of the writer.
pub struct WriterTask {
    db: Db,
    queue: mpsc::Receiver<Op>,
    audience: Audience,
    /// Whether every change takes its number: with several servers, a lost publication shows as a gap.
    numbered: bool,
    texts: Texts,
    rows: progress::RememberedRows,
    line: Option<progress::Line>,
    /// What the last batch left in the database.
    receipt: receipt::Receipt,
    /// Whether the last batch could be written.
    is_writing: bool,
}

impl Writer {
    /// A writer and the task to spawn for it. The database knows the writer by its id; `now` is when it begins.
    #[must_use]
    pub fn new(db: Db, id: Uuid, now: DateTime<Utc>, numbered: bool, audience: Audience) -> (Self, WriterTask) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let task = WriterTask {
            db,
            queue,
            audience,
            numbered,
            texts: Texts::default(),
            rows: progress::RememberedRows::default(),
            line: None,
            receipt: receipt::Receipt::new(id, now),
            is_writing: true,
        };
        (Self { queue: sender }, task)
    }

    /// Reports about a transfer; answered when it is durable.
    ///
    /// # Errors
    ///
    /// What [`crate::model::transfer::TransferState::advance`] says, not found if it is not this agent's, or that the commit failed.
    pub async fn update_transfer(
        &self,
        agent: AgentId,
        id: TransferId,
        patch: UpdateTransfer,
        now: DateTime<Utc>,
    ) -> Result<Box<Transfer>> {
        self.queue_transfer(agent, id, patch, now).await?.await
    }

    /// Queues a report about a transfer behind all that was queued before, and gives what will be its answer.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the server is shutting down.
    pub async fn queue_transfer(
        &self,
        agent: AgentId,
        id: TransferId,
        patch: UpdateTransfer,
        now: DateTime<Utc>,
    ) -> Result<impl Future<Output = Result<Box<Transfer>>> + Send + use<>> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Op::Transfer { agent, id, patch, now, reply }).await.map_err(|_| STOPPING)?;
        Ok(async { answer.await.map_err(|_| STOPPING)? })
    }

    /// Records a heartbeat; answered when it is durable.
    ///
    /// # Errors
    ///
    /// Not found if the agent is revoked, or that the commit failed.
    pub async fn record_heartbeat(
        &self,
        agent: AgentId,
        heartbeat: Heartbeat,
        ip_address: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(Agent, i64)> {
        let (reply, answer) = oneshot::channel();
        self.send(Op::Heartbeat { agent, heartbeat, ip_address, now, reply }, answer).await
    }

    async fn send<T>(&self, op: Op, answer: oneshot::Receiver<Result<T>>) -> Result<T> {
        self.queue.send(op).await.map_err(|_| STOPPING)?;
        answer.await.map_err(|_| STOPPING)?
    }
}

impl WriterTask {
    /// Writes until the last [`Writer`] is gone.
    pub async fn run(mut self) {
        let mut ops = Vec::with_capacity(BATCH);
        let mut is_busy = false;
        let mut probe_at = Instant::now() + PROBE;
        loop {
            match timeout_at(probe_at, self.queue.recv_many(&mut ops, FEW)).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(_) => {
                    self.probe().await;
                    probe_at = Instant::now() + PROBE;
                    continue;
                }
            }
            if is_busy {
                // Requests that have arrived and are still being read get on as well: this waits for nobody.
                yield_now().await;
            }
            let half = (ops.len() + self.queue.len()).div_ceil(2).min(BATCH);
            while ops.len() < half
                && let Ok(op) = self.queue.try_recv()
            {
                ops.push(op);
            }
            metrics::histogram!("mftplus_writer_batch_size")
                .record(f64::from(u32::try_from(ops.len()).unwrap_or(u32::MAX)));
            is_busy = ops.len() > 1;
            let batch = std::mem::replace(&mut ops, Vec::with_capacity(BATCH));
            // With several servers each change takes a number, and for that a transaction.
            let rest = if self.numbered { batch } else { self.figures(batch).await };
            if !rest.is_empty() {
                self.batch(rest).await;
            }
            probe_at = Instant::now() + PROBE;
        }
    }

    /// Commits a batch. If its connection failed, it is repeated once on a new one, unless the database was away
    /// already; and in any case if it is not known whether it was committed. What the database refuses is tried again in
    /// halves, so that one report that cannot be written fails alone.
    async fn batch(&mut self, ops: Vec<Op>) {
        // There is one connection, which the transaction needs.
        self.line = None;
        self.receipt.next(ops.iter().map(Op::now).max());
        let mut batch = batch::Batch::new(ops);
        let mut outcome = self.attempt(&mut batch).await;
        if let Err(error) = &outcome
            && (batch.is_in_doubt() || (self.is_writing && is_worth_another_connection(error)))
        {
            tracing::warn!(error = error as &dyn std::error::Error, "a batch is repeated on a new connection");
            outcome = self.attempt(&mut batch).await;
        }
        match outcome {
            Ok(committed) => {
                self.note_outcome(true);
                (self.audience.tell)(committed);
                batch.take_rows().into_iter().for_each(|row| self.rows.remember(row));
                batch.answer();
            }
            Err(error) if batch.is_refused(&error) => {
                let (first, second) = batch.halves();
                Box::pin(self.batch(first)).await;
                Box::pin(self.batch(second)).await;
            }
            Err(error) => {
                self.note_failure(&error);
                batch.fail(&error);
            }
        }
    }

    /// Writes the batch, if it has not been written, within the time that a batch may take.
    async fn attempt(&mut self, batch: &mut batch::Batch) -> Result<Committed> {
        let committed = batch.commit(&self.db, &mut self.texts, self.numbered, &self.receipt);
        timeout(self.db.batch_limit(), committed).await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// Writes nothing but a receipt, to know whether a batch could be written.
    async fn probe(&mut self) {
        self.line = None;
        self.receipt.next(None);
        let written = timeout(self.db.batch_limit(), self.receipt.write_alone(&self.db)).await;
        match written.unwrap_or_else(|_| Err(timed_out())) {
            Ok(()) => self.note_outcome(true),
            Err(error) => {
                if self.is_writing {
                    tracing::error!(error = &error as &dyn std::error::Error, "the database cannot be written");
                }
                self.note_failure(&error);
            }
        }
    }

    /// A database that is there and refuses one batch is a fault of ours, and does not concern the next batch.
    fn note_failure(&mut self, error: &Error) {
        if error.code() == Code::Unavailable {
            self.note_outcome(false);
        }
    }

    fn note_outcome(&mut self, is_writing: bool) {
        if is_writing && !self.is_writing {
            tracing::info!("the database can be written again");
        }
        self.is_writing = is_writing;
        (self.audience.note_outcome)(is_writing);
    }
}

impl Op {
    const fn now(&self) -> DateTime<Utc> {
        match self {
            Self::Transfer { now, .. } | Self::Heartbeat { now, .. } => *now,
        }
    }
}

/// The texts of the batch statements in the dialect of each engine.
#[derive(Debug, Default)]
struct Texts {
    sqlite: sqlite::Texts,
    postgres: postgres::Texts,
}

/// The rows of a batch by id, so that both engines lock them in the same order.
type Rows<K, V> = BTreeMap<K, V>;

/// Which columns a changed transfer needs written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dirty {
    /// Its figures.
    Figures,
    /// All that reports may change.
    Whole,
}

/// A transfer of a batch, as it will be written.
#[derive(Debug)]
struct Loaded {
    row: TransferRow,
    /// The revision it had when it was read.
    seen: i64,
    dirty: Option<Dirty>,
}

#[cfg(test)]
mod tests;
