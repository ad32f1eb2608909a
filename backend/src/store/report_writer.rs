//! The group-committing writer of heartbeats and of reports about transfers.
//!
//! A commit costs the same for one change as for hundreds. So one task takes the queued reports without waiting for
//! more, applies each of them to its row in the order of arrival, and commits once. Callers get their answers after the
//! commit. Several reports about one transfer are written as one row, but each caller gets its own revision.
//!
//! There are two paths to the database. The fast path (`report_writer/fast_path.rs`) writes reports that only change progress
//! with one UPDATE outside of any transaction. The transactional path (`report_writer/batch.rs`) writes all other reports.
//!
//! The task takes half of a long queue: the answers to one half are sent, and the next reports of these agents arrive,
//! while the other half is being committed. With the whole queue in one batch, the processor would be idle during the
//! commit.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, timeout, timeout_at},
};
use uuid::Uuid;

use super::{
    db::{Db, is_worth_another_connection, table::Column, timed_out},
    transfers::{self, TransferRow},
};
use crate::{
    error::{Code, Error, Result},
    ids::{AgentId, TransferId},
    model::{
        agent::{Agent, Heartbeat},
        event::Event,
        transfer::{Transfer, TransferState, UpdateTransfer},
    },
};

mod batch;
mod commit_record;
mod connection;
mod discard_query_plans;
mod fast_path;
mod postgres;
mod sqlite;

/// The maximum number of reports in one commit.
const MAX_BATCH: usize = 512;
/// The number of reports up to which the whole queue is taken for one batch.
const MIN_SPLIT: usize = 16;
/// The maximum number of reports in the queue; a caller with another report waits until there is room.
const QUEUE_CAPACITY: usize = 4096;
/// How long after the last batch the writer tests whether the database can be written.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

const STOPPING: Error = Error::Unavailable("the server is shutting down: try again in a moment");

/// A report waiting for its commit.
#[derive(Debug)]
pub enum Op {
    /// A report of an agent about one of its transfers.
    Transfer {
        /// The agent that reports.
        agent: AgentId,
        /// The transfer; the report is refused if it belongs to another agent.
        id: TransferId,
        /// The fields to change.
        patch: UpdateTransfer,
        /// The time at which the server received the report.
        now: DateTime<Utc>,
        /// The channel that receives the transfer after the commit.
        reply: oneshot::Sender<Result<Box<Transfer>>>,
    },
    /// A heartbeat of an agent.
    Heartbeat {
        /// The agent that sent the heartbeat.
        agent: AgentId,
        /// Status, load and memory of the agent.
        heartbeat: Heartbeat,
        /// The client address of the request, if it is known.
        ip_address: Option<String>,
        /// The time at which the server received the heartbeat.
        now: DateTime<Utc>,
        /// The channel that receives, after the commit, the agent and the heartbeat interval in seconds that it last
        /// acknowledged.
        reply: oneshot::Sender<Result<(Agent, i64)>>,
    },
}

/// The changes of a commit, which the [`CommitListener`] receives.
#[derive(Debug, Default)]
pub struct CommittedBatch {
    /// The events of the batch, in the order of their numbers if they have any.
    pub events: Vec<Event>,
    /// The agents of which the batch has acknowledged directives.
    pub directives: Vec<AgentId>,
}

/// Callbacks of the writer.
pub struct CommitListener {
    /// Whether the event bus has subscribers. If not, the fast path creates no events.
    pub has_subscribers: Box<dyn Fn() -> bool + Send + Sync>,
    /// Called with each committed batch, before the callers get their answers.
    pub notify: Box<dyn Fn(CommittedBatch) + Send + Sync>,
    /// Called after each batch and each probe with whether the database could be written.
    pub record_outcome: Box<dyn Fn(bool) + Send + Sync>,
}

/// A handle to the task of the writer. When the last clone is dropped, the task commits the queued reports and ends.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Op>,
}

/// The task that commits the queued reports; see [`WriterTask::run`].
pub struct WriterTask {
    db: Db,
    queue: mpsc::Receiver<Op>,
    listener: CommitListener,
    /// Whether every change gets an event number. This is so with several servers, so that a lost message is detected
    /// as a gap in the numbers. Numbers need a transaction, so the fast path is not used then.
    numbered: bool,
    texts: Texts,
    rows: fast_path::RowCache,
    /// The connection, while it is not in use.
    connection: Option<connection::WriterConnection>,
    /// The row of this writer in `writer_batches`.
    commit_record: commit_record::CommitRecord,
    /// Whether the last batch or probe could be written.
    is_writing: bool,
}

impl Writer {
    /// Creates a writer, and the task that the caller must spawn for it. `id` is the key of the writer's row in
    /// `writer_batches`, and `now` its first timestamp. With `numbered`, every change gets an event number.
    #[must_use]
    pub fn new(db: Db, id: Uuid, now: DateTime<Utc>, numbered: bool, listener: CommitListener) -> (Self, WriterTask) {
        let (sender, queue) = mpsc::channel(QUEUE_CAPACITY);
        let task = WriterTask {
            db,
            queue,
            listener,
            numbered,
            texts: Texts::default(),
            rows: fast_path::RowCache::default(),
            connection: None,
            commit_record: commit_record::CommitRecord::new(id, now),
            is_writing: true,
        };
        (Self { queue: sender }, task)
    }

    /// Applies a report about a transfer. Returns the transfer after the commit.
    ///
    /// # Errors
    ///
    /// The errors of [`crate::model::transfer::TransferState::advance`]; [`Error::NotFound`] if the transfer does not
    /// belong to this agent; [`Error::DatabaseUnavailable`] or [`Error::Internal`] if the batch was not committed.
    pub async fn update_transfer(
        &self,
        agent: AgentId,
        id: TransferId,
        patch: UpdateTransfer,
        now: DateTime<Utc>,
    ) -> Result<Box<Transfer>> {
        self.queue_transfer(agent, id, patch, now).await?.await
    }

    /// Queues a report about a transfer. The returned future resolves after the commit.
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

    /// Records a heartbeat. Returns, after the commit, the agent and the heartbeat interval in seconds that it last
    /// acknowledged.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the agent is revoked; [`Error::DatabaseUnavailable`] or [`Error::Internal`] if the batch
    /// was not committed.
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
    /// Commits batches until the last [`Writer`] is dropped and its queue is empty.
    pub async fn run(mut self) {
        let mut ops = Vec::with_capacity(MIN_SPLIT);
        let mut is_busy = false;
        let mut probe_at = Instant::now() + PROBE_INTERVAL;
        let mut plans_end = Instant::now() + discard_query_plans::LIFETIME;
        loop {
            match timeout_at(probe_at, self.queue.recv_many(&mut ops, MIN_SPLIT)).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(_) => {
                    self.probe().await;
                    probe_at = Instant::now() + PROBE_INTERVAL;
                    continue;
                }
            }
            if is_busy && ops.len() < MIN_SPLIT {
                // Lets all tasks run that can, so that requests that are being read can still join this batch. A batch that
                // is large enough does not wait for them: they have the time of its commit.
                yield_now().await;
            }
            let half = (ops.len() + self.queue.len()).div_ceil(2).min(MAX_BATCH);
            ops.reserve(half.saturating_sub(ops.len()));
            while ops.len() < half
                && let Ok(op) = self.queue.try_recv()
            {
                ops.push(op);
            }
            metrics::histogram!("mftplus_writer_batch_size")
                .record(f64::from(u32::try_from(ops.len()).unwrap_or(u32::MAX)));
            is_busy = ops.len() > 1;
            let batch = std::mem::replace(&mut ops, Vec::with_capacity(MIN_SPLIT));
            let begun = Instant::now();
            // See `numbered`: a number needs a transaction.
            let rest = if self.numbered { batch } else { self.commit_progress(batch).await };
            if !rest.is_empty() {
                self.batch(rest).await;
            }
            metrics::histogram!("mftplus_writer_commit_duration_seconds").record(begun.elapsed());
            let now = Instant::now();
            probe_at = now + PROBE_INTERVAL;
            if plans_end <= now && self.is_writing {
                self.discard_plans().await;
                plans_end = now + discard_query_plans::LIFETIME;
            }
        }
    }

    /// Commits a batch in a transaction. The attempt is repeated once on a new connection if it is not known whether it
    /// was committed, or if the connection failed and the database was available before. If the database refuses the
    /// batch, each half is committed on its own, recursively, so that one report that cannot be written does not affect
    /// the others.
    async fn batch(&mut self, ops: Vec<Op>) {
        self.commit_record.next(ops.iter().map(Op::now).max());
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
                self.record_outcome(true);
                (self.listener.notify)(committed);
                batch.take_rows().into_iter().for_each(|row| self.rows.insert(row));
                batch.answer();
            }
            Err(error) if batch.is_refused(&error) => {
                let (first, second) = batch.halves();
                Box::pin(self.batch(first)).await;
                Box::pin(self.batch(second)).await;
            }
            Err(error) => {
                self.record_failure(&error);
                batch.fail(&error);
            }
        }
    }

    /// Commits the batch within [`Db::batch_limit`], unless an earlier attempt has committed it.
    async fn attempt(&mut self, batch: &mut batch::Batch) -> Result<CommittedBatch> {
        let limit = self.db.batch_limit();
        timeout(limit, self.commit_batch(batch)).await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// Writes an empty batch, to test whether the database can be written.
    async fn probe(&mut self) {
        // The pool has one connection, which the probe needs.
        self.connection = None;
        self.commit_record.next(None);
        let written = timeout(self.db.batch_limit(), self.commit_record.write_alone(&self.db)).await;
        match written.unwrap_or_else(|_| Err(timed_out())) {
            Ok(()) => self.record_outcome(true),
            Err(error) => {
                if self.is_writing {
                    tracing::error!(error = &error as &dyn std::error::Error, "the database cannot be written");
                }
                self.record_failure(&error);
            }
        }
    }

    /// Records that a batch failed because the database was not available. Other failures are not recorded: if the
    /// available database refuses a batch, this says nothing about the next batch.
    fn record_failure(&mut self, error: &Error) {
        if error.code() == Code::Unavailable {
            self.record_outcome(false);
        }
    }

    fn record_outcome(&mut self, is_writing: bool) {
        if is_writing && !self.is_writing {
            tracing::info!("the database can be written again");
        }
        self.is_writing = is_writing;
        (self.listener.record_outcome)(is_writing);
    }
}

impl Op {
    const fn now(&self) -> DateTime<Utc> {
        match self {
            Self::Transfer { now, .. } | Self::Heartbeat { now, .. } => *now,
        }
    }
}

/// The SQL texts of the batch statements for each engine.
#[derive(Debug, Default)]
struct Texts {
    sqlite: sqlite::Texts,
    postgres: postgres::Texts,
}

/// The rows of a batch by id, so that both engines lock them in the same order.
type Rows<K, V> = BTreeMap<K, V>;

/// Which columns of a changed transfer must be written. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Dirty {
    /// The columns of [`TransferRow::PROGRESS`].
    Progress,
    /// The columns of [`TransferRow::NETWORK`] as well.
    Network,
    /// The columns of [`TransferRow::DETAILS`] as well.
    Details,
    /// The columns of [`TransferRow::LIFECYCLE`] as well.
    Whole,
}

impl Dirty {
    /// Determines the columns that a report has changed that only changes progress.
    fn of_progress(before: &TransferState, after: &TransferState) -> Self {
        if !after.has_details_of(before) {
            Self::Details
        } else if after.progress.network != before.progress.network {
            Self::Network
        } else {
            Self::Progress
        }
    }

    /// The columns that must be written.
    fn columns(self) -> &'static [&'static [Column<TransferRow>]] {
        const COLUMNS: &[&[Column<TransferRow>]] = &transfers::CHANGED;
        let groups = match self {
            Self::Progress => 1,
            Self::Network => 2,
            Self::Details => 3,
            Self::Whole => 4,
        };
        &COLUMNS[..groups]
    }
}

/// A transfer of a batch, as it will be written.
#[derive(Debug)]
struct Loaded {
    row: TransferRow,
    /// The revision of the row when it was read.
    seen: i64,
    dirty: Option<Dirty>,
}

#[cfg(test)]
mod tests {
    mod every_column_is_written;
}
