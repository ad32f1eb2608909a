//! The transactional path. A batch is handled in these steps: read the rows, apply the reports, write the changed rows,
//! commit, and answer the callers.

use std::mem;

use chrono::{DateTime, Utc};

use super::{
    CommittedBatch, Dirty, Loaded, Op, Rows, Texts, WriterTask, commit_record::CommitRecord,
    connection::WriterConnection,
};
use crate::{
    actor::Actor,
    error::{Code, Error, Result},
    ids::{AgentId, CustomerId, TransferId},
    model::{
        agent::{Agent, AgentStatus, Heartbeat},
        event::{Change, Event, Kind, Object},
        transfer::{Advance, Transfer, TransferStatus, UpdateTransfer},
    },
    store::{agents::AgentRow, db::Tx, directives, events, transfer_counts::Deltas, transfers::TransferRow},
};

/// The reports of one commit, with the outcome of each.
pub(super) struct Batch {
    ops: Vec<Op>,
    outcomes: Vec<Outcome>,
    rows: Vec<TransferRow>,
    /// The changes of an attempt whose COMMIT was sent and not answered.
    doubtful: Option<CommittedBatch>,
}

enum Outcome {
    Transfer(Result<Box<Transfer>>),
    Heartbeat(Result<(Agent, i64)>),
}

/// The rows of a batch, and the changes that are not written yet.
#[derive(Default)]
struct BatchState {
    agents: Rows<AgentId, Option<(AgentRow, bool)>>,
    transfers: Rows<TransferId, Option<Loaded>>,
    changes: Vec<Change>,
    /// Heartbeats and progress, of which only the latest of each object is published.
    unpublished_agents: Rows<AgentId, Change>,
    unpublished_transfers: Rows<TransferId, Change>,
    deltas: Deltas,
    settled: Vec<(AgentId, TransferId, DateTime<Utc>)>,
}

impl Batch {
    pub(super) const fn new(ops: Vec<Op>) -> Self {
        Self { ops, outcomes: Vec::new(), rows: Vec::new(), doubtful: None }
    }

    /// Commits the batch. May be called again after a failure; if an earlier attempt was committed, nothing is applied
    /// again. Returns the connection if this call has committed.
    async fn commit(
        &mut self,
        mut tx: Tx,
        texts: &mut Texts,
        numbered: bool,
        commit_record: &CommitRecord,
    ) -> Result<(CommittedBatch, Option<WriterConnection>)> {
        if !commit_record.write(&mut tx).await? {
            // The outcomes and rows are those of the attempt that was committed.
            let committed = self.doubtful.take();
            return Ok((committed.ok_or_else(|| Error::internal("a batch was committed by another writer"))?, None));
        }
        self.doubtful = None;
        let mut work = self.load(&mut tx, texts).await?;
        self.outcomes = self.ops.iter().map(|op| work.apply(op)).collect();
        work.write(&mut tx, texts).await?;
        let (changes, rows) = work.into_changes();
        let events = if numbered || changes.changes.iter().any(|change| change.kind.is_logged()) {
            events::record(&mut tx, changes.changes).await?
        } else {
            changes.changes.into_iter().map(|change| Event::new(change, None)).collect()
        };
        self.rows = rows;
        self.doubtful = Some(CommittedBatch { events, directives: changes.directives });
        let connection = WriterConnection::commit(tx).await?;
        Ok((self.doubtful.take().unwrap_or_default(), Some(connection)))
    }

    /// Whether a COMMIT was sent and not answered, so that it is not known whether the batch is stored.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.doubtful.is_some()
    }

    /// Whether `error` means that the database is available and refused this batch, which has several reports, so that
    /// none of them was written.
    pub(super) fn is_refused(&self, error: &Error) -> bool {
        self.ops.len() > 1 && !self.is_in_doubt() && error.code() != Code::Unavailable
    }

    /// Splits the reports into two halves, in their order.
    pub(super) fn halves(mut self) -> (Vec<Op>, Vec<Op>) {
        let second = self.ops.split_off(self.ops.len() / 2);
        (self.ops, second)
    }

    async fn load(&self, tx: &mut Tx, texts: &mut Texts) -> Result<BatchState> {
        let mut work = BatchState::default();
        for op in &self.ops {
            match op {
                Op::Heartbeat { agent, .. } => {
                    work.agents.insert(*agent, None);
                }
                Op::Transfer { id, .. } => {
                    work.transfers.insert(*id, None);
                }
            }
        }
        let agents: Vec<_> = work.agents.keys().copied().collect();
        let transfers: Vec<_> = work.transfers.keys().copied().collect();
        let (agents, transfers) = match tx {
            Tx::Sqlite(pooled) => {
                let tx = pooled.connection()?;
                (texts.sqlite.load_agents(tx, &agents).await?, texts.sqlite.load_transfers(tx, &transfers).await?)
            }
            Tx::Postgres(pooled) => {
                let tx = pooled.connection()?;
                (texts.postgres.load_agents(tx, &agents).await?, texts.postgres.load_transfers(tx, &transfers).await?)
            }
        };
        for row in agents {
            work.agents.insert(row.id, Some((row, false)));
        }
        for row in transfers {
            let seen = row.state.revision;
            work.transfers.insert(row.id, Some(Loaded { row, seen, dirty: None }));
        }
        Ok(work)
    }

    /// Takes the rows as they were committed; empty on a second call.
    pub(super) fn take_rows(&mut self) -> Vec<TransferRow> {
        mem::take(&mut self.rows)
    }

    /// Sends each caller the outcome of its report.
    pub(super) fn answer(self) {
        for (op, outcome) in self.ops.into_iter().zip(self.outcomes) {
            // A send fails if the caller has given up waiting.
            match (op, outcome) {
                (Op::Transfer { reply, .. }, Outcome::Transfer(outcome)) => drop(reply.send(outcome)),
                (Op::Heartbeat { reply, .. }, Outcome::Heartbeat(outcome)) => drop(reply.send(outcome)),
                (Op::Transfer { .. }, Outcome::Heartbeat(_)) | (Op::Heartbeat { .. }, Outcome::Transfer(_)) => {}
            }
        }
    }

    /// Logs the error, and answers each caller with an error which says that the batch was not committed.
    pub(super) fn fail(self, error: &Error) {
        let is_unavailable = error.code() == Code::Unavailable;
        tracing::error!(
            error = error as &(dyn std::error::Error + 'static),
            reports = self.ops.len(),
            "a batch was not committed"
        );
        let failure = || {
            if is_unavailable {
                Error::database_unavailable("the batch was not committed")
            } else {
                Error::internal("the batch was not committed")
            }
        };
        for op in self.ops {
            match op {
                Op::Transfer { reply, .. } => drop(reply.send(Err(failure()))),
                Op::Heartbeat { reply, .. } => drop(reply.send(Err(failure()))),
            }
        }
    }
}

impl WriterTask {
    /// Commits a batch in a transaction, unless an earlier attempt has committed it.
    pub(super) async fn commit_batch(&mut self, batch: &mut Batch) -> Result<CommittedBatch> {
        let tx = self.take_connection().await?.begin(&self.db).await?;
        let (committed, connection) = batch.commit(tx, &mut self.texts, self.numbered, &self.commit_record).await?;
        if let Some(connection) = connection {
            self.keep_connection(connection);
        }
        Ok(committed)
    }
}

/// The changes of a batch, to be recorded and published.
struct Changes {
    changes: Vec<Change>,
    directives: Vec<AgentId>,
}

impl BatchState {
    fn apply(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Transfer { agent, id, patch, now, .. } => Outcome::Transfer(self.report(*agent, *id, patch, *now)),
            Op::Heartbeat { agent, heartbeat, ip_address, now, .. } => {
                Outcome::Heartbeat(self.heartbeat(*agent, heartbeat, ip_address.as_ref(), *now))
            }
        }
    }

    fn report(
        &mut self,
        agent: AgentId,
        id: TransferId,
        patch: &UpdateTransfer,
        now: DateTime<Utc>,
    ) -> Result<Box<Transfer>> {
        let loaded = self.transfers.get_mut(&id).and_then(Option::as_mut).filter(|loaded| loaded.row.agent_id == agent);
        let loaded = loaded.ok_or(Error::NotFound("transfer"))?;
        let row = &mut loaded.row;
        let seen = row.state.clone();
        let before = seen.status;
        let stopped = seen.cancel_requested_at.is_some();
        let advance = row.state.advance(patch, now)?;
        let view = Box::new(row.view());
        match advance {
            Advance::Unchanged if agrees_to_end(patch, &view) => self.settled.push((agent, id, now)),
            Advance::Unchanged => {}
            Advance::Progressed => {
                loaded.dirty = loaded.dirty.max(Some(Dirty::of_progress(&seen, &row.state)));
                self.unpublished_transfers.insert(id, change(Kind::TransferProgressed, agent, &view, now));
            }
            Advance::Lifecycle => {
                loaded.dirty = Some(Dirty::Whole);
                let kind = if before == view.status { Kind::TransferResumed } else { Kind::TransferStatusChanged };
                self.unpublished_transfers.remove(&id);
                self.changes.push(change(kind, agent, &view, now));
                self.deltas.note(view.customer_id, view.agent_id, Some(before), view.status);
                if is_settled(stopped, before, &view) {
                    self.settled.push((agent, id, now));
                }
            }
        }
        Ok(view)
    }

    fn heartbeat(
        &mut self,
        agent: AgentId,
        heartbeat: &Heartbeat,
        ip_address: Option<&String>,
        now: DateTime<Utc>,
    ) -> Result<(Agent, i64)> {
        let loaded = self.agents.get_mut(&agent).and_then(Option::as_mut);
        let (row, dirty) = loaded.ok_or(Error::Unauthenticated("this API key is not valid"))?;
        let before = row.status.0;
        row.status.0 = before.after_heartbeat(heartbeat.status);
        if heartbeat.status.is_some() || heartbeat.status_reason.is_some() || row.status.0 != before {
            row.status_reason = heartbeat.status_reason.clone().filter(|reason| !reason.is_empty());
        }
        if row.status.0 != before {
            row.status_since = Some(now);
        }
        row.offline_since = match row.status.0 {
            AgentStatus::Offline => row.offline_since.or(Some(now)),
            _ => None,
        };
        row.last_heartbeat = row.last_heartbeat.max(now);
        row.load = heartbeat.load.or(row.load);
        row.memory = heartbeat.memory.or(row.memory);
        if let Some(ip_address) = ip_address {
            row.ip_address = Some(ip_address.clone());
        }
        row.revision += 1;
        *dirty = true;
        let interval = row.heartbeat_interval;
        let view = Agent::from(row.clone());
        let kind = if before == view.status { Kind::AgentHeard } else { Kind::AgentStatusChanged };
        let change = Change {
            kind,
            at: now.into(),
            actor: by(agent, view.customer_id),
            object: Object::Agent(view.clone()),
            logged: None,
        };
        if kind.is_logged() {
            self.unpublished_agents.remove(&agent);
            self.changes.push(change);
        } else {
            self.unpublished_agents.insert(agent, change);
        }
        Ok((view, interval))
    }

    async fn write(&mut self, tx: &mut Tx, texts: &mut Texts) -> Result<()> {
        let agents: Vec<&AgentRow> =
            self.agents.values().flatten().filter(|(_, dirty)| *dirty).map(|(row, _)| row).collect();
        let dirty = self.transfers.values().flatten().filter(|loaded| loaded.dirty.is_some());
        let (whole, progress): (Vec<&Loaded>, Vec<&Loaded>) =
            dirty.partition(|loaded| loaded.dirty == Some(Dirty::Whole));
        match tx {
            Tx::Sqlite(pooled) => {
                let tx = pooled.connection()?;
                texts.sqlite.save_agents(tx, &agents).await?;
                texts.sqlite.save_progress(tx, &guarded(&progress)).await?;
                texts.sqlite.save_whole(tx, &whole).await?;
            }
            Tx::Postgres(pooled) => {
                let tx = pooled.connection()?;
                texts.postgres.save_agents(tx, &agents).await?;
                texts.postgres.save_progress(tx, &guarded(&progress)).await?;
                texts.postgres.save_whole(tx, &whole).await?;
            }
        }
        for (agent, transfer, now) in &self.settled {
            directives::settle_transfer(tx, *agent, *transfer, *now).await?;
        }
        mem::take(&mut self.deltas).apply(tx).await
    }

    fn into_changes(self) -> (Changes, Vec<TransferRow>) {
        let mut changes = self.changes;
        changes.extend(self.unpublished_agents.into_values());
        changes.extend(self.unpublished_transfers.into_values());
        let directives = self.settled.into_iter().map(|(agent, ..)| agent).collect();
        let rows = self.transfers.into_values().flatten().map(|loaded| loaded.row).collect();
        (Changes { changes, directives }, rows)
    }
}

/// Whether the report fulfils the open directives about this transfer: the transfer has ended as requested, or its new
/// attempt runs.
const fn is_settled(stopped: bool, before: TransferStatus, view: &Transfer) -> bool {
    let retried =
        matches!((before, view.status), (TransferStatus::Queued, TransferStatus::Running)) && view.attempt > 1;
    view.status.has_ended() && (stopped || view.attempt > 1) || retried
}

/// Whether the report repeats the final status of a transfer with a cancel request, so that the agent has acted on the
/// directive.
pub(super) fn agrees_to_end(patch: &UpdateTransfer, view: &Transfer) -> bool {
    view.cancel_requested_at.is_some() && view.status.has_ended() && patch.status == Some(view.status)
}

/// A transfer whose progress is about to be written.
#[derive(Debug)]
pub(super) struct Guarded<'a> {
    pub(super) row: &'a TransferRow,
    /// The revision that the stored row must have, or nothing is written.
    pub(super) seen: i64,
    /// The columns to write, at most those of [`Dirty::Details`].
    pub(super) dirty: Dirty,
}

/// Combines rows with the revisions that they had when they were read. The rows are locked, so the stored revisions are
/// still the same.
pub(super) fn guarded<'a>(rows: &[&'a Loaded]) -> Vec<Guarded<'a>> {
    let guarded = |loaded: &&'a Loaded| {
        let dirty = loaded.dirty.map_or(Dirty::Progress, |dirty| dirty.min(Dirty::Details));
        Guarded { row: &loaded.row, seen: loaded.seen, dirty }
    };
    rows.iter().map(guarded).collect()
}

pub(super) fn change(kind: Kind, agent: AgentId, view: &Transfer, now: DateTime<Utc>) -> Change {
    Change {
        kind,
        at: now.into(),
        actor: by(agent, view.customer_id),
        object: Object::Transfer(view.clone()),
        logged: None,
    }
}

fn by(agent: AgentId, customer: CustomerId) -> String {
    Actor::Agent { agent, customer, key: None }.to_string()
}
