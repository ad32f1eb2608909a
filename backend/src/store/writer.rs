//! The group-committing writer: heartbeats and reports of progress.
//!
//! Committing costs the same for one change as for hundreds. So one task takes what is queued, never waiting for more,
//! applies each report to its row in the order of arrival, and commits once. Nobody is answered before the commit;
//! several reports about one transfer become one row written, and each caller still gets its own revision.
//!
//! Of a long queue it takes half: while that is made durable, nobody could be answered and the processor would idle. So
//! the answers to one half go out, and its next reports come in, while the other half is being committed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
};

use super::{db::Db, transfers::TransferRow};
use crate::{
    error::{Error, Result},
    ids::{AgentId, TransferId},
    model::{
        agent::{Agent, Heartbeat},
        event::Event,
        transfer::{Transfer, UpdateTransfer},
    },
};

mod batch;
mod figures;
mod postgres;
mod sqlite;

/// The most reports in one commit.
const BATCH: usize = 512;
/// So many reports are not worth halving.
const FEW: usize = 16;
/// The most reports that wait; more have to wait outside.
const QUEUE: usize = 4096;

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
    texts: sqlite::Texts,
    rows: figures::RememberedRows,
    line: Option<figures::Line>,
}

impl Writer {
    /// A writer and the task to spawn for it.
    #[must_use]
    pub fn new(db: Db, numbered: bool, audience: Audience) -> (Self, WriterTask) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let (texts, rows) = (sqlite::Texts::default(), figures::RememberedRows::default());
        (Self { queue: sender }, WriterTask { db, queue, audience, numbered, texts, rows, line: None })
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
        while self.queue.recv_many(&mut ops, FEW).await > 0 {
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
        }
    }

    /// Commits a batch; if the connection had died meanwhile, once more on a new one.
    async fn batch(&mut self, ops: Vec<Op>) {
        // There is one connection, which the transaction needs.
        self.line = None;
        let mut batch = batch::Batch::new(ops);
        let mut outcome = batch.commit(&self.db, &mut self.texts, self.numbered).await;
        if outcome.as_ref().is_err_and(is_broken_connection) {
            outcome = batch.commit(&self.db, &mut self.texts, self.numbered).await;
        }
        match outcome {
            Ok(committed) => {
                (self.audience.tell)(committed);
                batch.take_rows().into_iter().for_each(|row| self.rows.remember(row));
                batch.answer();
            }
            Err(error) => batch.fail(&error),
        }
    }
}

/// Whether the engine went away, rather than refused: repeating is safe, since reports never turn figures back.
fn is_broken_connection(error: &Error) -> bool {
    let Error::Internal(cause) = error else { return false };
    match cause.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => true,
        // 57P..: the server was told to stop; 40...: this transaction was chosen to end a deadlock.
        Some(sqlx::Error::Database(cause)) => {
            cause.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("40"))
        }
        _ => false,
    }
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
