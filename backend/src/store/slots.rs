//! The table of the slot history: the outcome of each slot of a schedule.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    db::{
        Conn, Db, EnumText, MOST_VALUES, Sql, Tx, sql,
        table::{table, values},
    },
    pagination,
    schedules::ScheduledKind,
};
use crate::{
    error::Result,
    ids::{JobId, PipelineId, RunId, SlotId},
    model::{
        Page, PageRequest, Total,
        job::{JobSlot, JobSlotFilter, Outcome},
        pipeline::PipelineSlot,
    },
};

/// What a pending slot waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Pending {
    /// The slot waits for an earlier run to end.
    Queued,
    /// The slot waits for the agent to start its run.
    Sent,
}

/// A slot as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRow {
    /// The id of the slot, which begins with the milliseconds of `scheduled_for`.
    pub id: SlotId,
    /// The job or pipeline of the schedule.
    pub owner_id: Uuid,
    /// The scheduled time. For a range of slots, the scheduled time of the last slot.
    pub scheduled_for: DateTime<Utc>,
    /// The outcome. A pending slot is stored as `ran`, as servers of earlier versions read and write it.
    pub outcome: EnumText<Outcome>,
    /// Why the slot did not run, or what a pending slot waits for.
    pub reason: Option<String>,
    /// The run of the slot; `None` if there is no run, or not yet.
    pub run_id: Option<RunId>,
    /// What a pending slot waits for; `None` if the slot is not pending.
    pub pending: Option<EnumText<Pending>>,
    /// The first scheduled time of a range of slots; `None` for a single slot.
    pub range_from: Option<DateTime<Utc>>,
    /// The number of slots in a range; `None` for a single slot.
    pub range_count: Option<i64>,
}

table! {
    slots: SlotRow {
        id, owner_id, scheduled_for, outcome: EnumText(outcome), reason, run_id, pending, range_from, range_count,
    }
    from "slots" prefix "";
    // Parameters of `insert_all`, not fields of the row.
    others { owner_kind, decided_at }

    /// Written when the slot is decided.
    const CREATED { id: Uuid, owner_id: Uuid, scheduled_for: Instant, range_from: Instant, range_count: Integer }

    /// Written when the slot is decided, and again when a pending slot gets its outcome.
    const DECIDED { outcome: EnumText, reason: Text, run_id: Uuid, pending: Text }
}

impl SlotRow {
    /// Returns the outcome as clients see it: `pending` while the slot waits for its run.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        if self.pending.is_some() { Outcome::Pending } else { self.outcome.0 }
    }

    /// Converts the row to the slot of a job as clients see it.
    #[must_use]
    pub fn view(&self) -> JobSlot {
        JobSlot {
            id: self.id,
            job_id: JobId(self.owner_id),
            scheduled_for: self.scheduled_for.into(),
            outcome: self.outcome(),
            reason: self.reason.clone(),
            run_id: self.run_id,
            from: self.range_from.map(Into::into),
            to: self.range_from.map(|_| self.scheduled_for.into()),
            count: self.range_count,
        }
    }

    /// Converts the row to the slot of a pipeline as clients see it.
    #[must_use]
    pub fn pipeline_view(&self) -> PipelineSlot {
        let JobSlot { id, job_id, scheduled_for, outcome, reason, run_id, from, to, count } = self.view();
        PipelineSlot { id, pipeline_id: PipelineId(job_id.0), scheduled_for, outcome, reason, run_id, from, to, count }
    }
}

/// Stores decided slots. A slot whose scheduled time is already stored for its job or pipeline is skipped. Returns the
/// ids of the new slots.
pub async fn insert_all(
    tx: &mut Tx,
    kind: ScheduledKind,
    slots: &[SlotRow],
    decided_at: DateTime<Utc>,
) -> Result<HashSet<SlotId>> {
    let mut stored = HashSet::with_capacity(slots.len());
    for slots in slots.chunks(MOST_VALUES) {
        let rows = slots.iter().map(|slot| {
            let columns = values(SlotRow::CREATED, slot).chain(values(SlotRow::DECIDED, slot));
            columns.chain([("owner_kind", kind.as_str().into()), ("decided_at", decided_at.into())])
        });
        let rows: Vec<(SlotId,)> = SlotRow::TABLE
            .insert_all(rows)
            .push(" ON CONFLICT (owner_id, scheduled_for) WHERE range_from IS NULL DO NOTHING RETURNING id")
            .fetch_all(&mut *tx)
            .await?;
        stored.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(stored)
}

/// Writes the outcome of a slot. If the stored `pending` is no longer `seen`, writes nothing and returns false.
pub async fn save(tx: &mut Tx, slot: &SlotRow, seen: Option<Pending>) -> Result<bool> {
    let statement = SlotRow::TABLE.update(values(SlotRow::DECIDED, slot)).push_bind(" WHERE id = ", slot.id);
    let statement = match seen {
        Some(seen) => statement.push_bind(" AND pending = ", seen.to_string()),
        None => statement.push(" AND pending IS NULL"),
    };
    Ok(statement.execute(tx).await? == 1)
}

/// Reads the slot of a job or pipeline at this scheduled time; `None` if it is not stored. Ranges of slots are not
/// searched.
pub async fn find(conn: impl Into<Conn<'_>>, owner_id: Uuid, scheduled_for: DateTime<Utc>) -> Result<Option<SlotRow>> {
    SlotRow::TABLE
        .select()
        .push_bind(" WHERE range_from IS NULL AND owner_id = ", owner_id)
        .push_bind(" AND scheduled_for = ", scheduled_for)
        .fetch_optional(conn)
        .await
}

/// Reads the slot with this id of a job or, depending on `kind`, of a pipeline; `None` if there is no such slot.
pub async fn by_id(conn: impl Into<Conn<'_>>, kind: ScheduledKind, id: SlotId) -> Result<Option<SlotRow>> {
    SlotRow::TABLE
        .select()
        .push_bind(" WHERE id = ", id)
        .push_bind(" AND owner_kind = ", kind.as_str())
        .fetch_optional(conn)
        .await
}

/// Counts the slots that wait for an earlier run, for each of these jobs or pipelines. The result has no entry for one
/// without such slots.
pub async fn queued(tx: &mut Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, usize>> {
    let mut queued = HashMap::new();
    for ids in ids.chunks(MOST_VALUES) {
        let rows: Vec<(Uuid, i64)> =
            sql("SELECT owner_id, COUNT(*) FROM slots WHERE pending = 'queued' AND owner_id IN ")
                .push_tuple(ids.iter().map(|id| (*id).into()))
                .push(" GROUP BY owner_id")
                .fetch_all(&mut *tx)
                .await?;
        queued.extend(rows.into_iter().map(|(id, count)| (id, usize::try_from(count).unwrap_or(0))));
    }
    Ok(queued)
}

/// Reads the earliest slot of a job or pipeline that waits for an earlier run; `None` if there is no such slot.
pub async fn first_queued(tx: &mut Tx, owner_id: Uuid) -> Result<Option<SlotRow>> {
    SlotRow::TABLE
        .select()
        .push_bind(" WHERE owner_id = ", owner_id)
        .push(" AND pending = 'queued' ORDER BY scheduled_for LIMIT 1")
        .fetch_optional(tx)
        .await
}

/// Reads the ids of jobs or pipelines with slots that wait for an earlier run.
pub async fn with_queued_slots(db: &Db, kind: ScheduledKind) -> Result<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = sql("SELECT DISTINCT owner_id FROM slots WHERE pending = 'queued'")
        .push_bind(" AND owner_kind = ", kind.as_str())
        .push(" ORDER BY owner_id")
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Reads the pending slots of a job or pipeline, earliest first.
pub async fn pending(tx: &mut Tx, owner_id: Uuid) -> Result<Vec<SlotRow>> {
    SlotRow::TABLE
        .select()
        .push_bind(" WHERE owner_id = ", owner_id)
        .push(" AND pending IS NOT NULL ORDER BY scheduled_for")
        .fetch_all(tx)
        .await
}

/// Reads the slots of a job or pipeline from `from` to `to`, both included, earliest first. Ranges of slots are
/// excluded.
pub async fn between(
    conn: impl Into<Conn<'_>>,
    owner_id: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<SlotRow>> {
    SlotRow::TABLE
        .select()
        .push_bind(" WHERE owner_id = ", owner_id)
        .push_bind(" AND scheduled_for >= ", from)
        .push_bind(" AND scheduled_for <= ", to)
        .push(" AND range_from IS NULL ORDER BY scheduled_for")
        .fetch_all(conn)
        .await
}

/// Reads a page of the slots of a job or pipeline, latest first.
pub async fn list(db: &Db, owner_id: Uuid, filter: &JobSlotFilter, request: PageRequest) -> Result<Page<SlotRow>> {
    let conditions = |statement: Sql| {
        let mut statement = statement.push_bind(" WHERE owner_id = ", owner_id);
        if let Some(from) = filter.from {
            statement = statement.push_bind(" AND scheduled_for >= ", from);
        }
        if let Some(until) = filter.until {
            statement = statement.push_bind(" AND scheduled_for < ", until);
        }
        if !filter.outcome.is_empty() {
            let any_of = filter.outcome.iter().filter(|outcome| **outcome != Outcome::Pending);
            // SQL has no empty list. NULL equals no value, so it stands for one.
            let any_of = any_of.map(|outcome| outcome.to_string().into()).chain([None::<String>.into()]);
            statement = statement.push(" AND (pending IS NULL AND outcome IN ").push_tuple(any_of);
            let waits = filter.outcome.contains(&Outcome::Pending);
            statement = statement.push(if waits { " OR pending IS NOT NULL)" } else { ")" });
        }
        statement
    };
    let total = if request.is_counted {
        let counted = conditions(sql("SELECT COUNT(*) FROM (SELECT 1 AS found FROM slots"));
        let bound = Total::COUNTING_STOPS_AT.cast_signed() + 1;
        let (found,): (i64,) = counted.push_bind(" LIMIT ", bound).push(") AS counted").fetch_one(db).await?;
        Total::counted(found.unsigned_abs())
    } else {
        Total::AtLeast(0)
    };
    let rows = pagination::cut(conditions(SlotRow::TABLE.select()), request).fetch_readable(db).await?;
    Ok(pagination::page_of_readable(rows, request, total))
}

/// Deletes the slot history of a job or pipeline.
pub async fn delete(tx: &mut Tx, owner_id: Uuid) -> Result<()> {
    sql("DELETE FROM slots WHERE owner_id = $1").bind(owner_id).execute(tx).await?;
    Ok(())
}
