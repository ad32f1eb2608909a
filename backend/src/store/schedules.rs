//! The table of schedules, with their next slots. A transaction claims a schedule before it decides its slots, so that
//! each slot is decided once.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::db::{
    Conn, Db, EnumText, MOST_VALUES, Tx, sql,
    table::{table, values},
};
use crate::{
    error::Result,
    model::schedule::{CatchUp, Overlap},
};

/// The kind of a schedule: whether it belongs to a job or to a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScheduledKind {
    /// A job.
    Job,
    /// A pipeline.
    Pipeline,
}

impl ScheduledKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Pipeline => "pipeline",
        }
    }

    /// Returns the kind with this name; `None` for a kind that only a later version of the server knows.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Job, Self::Pipeline].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A schedule as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    /// The id of the job or pipeline.
    pub owner_id: Uuid,
    /// The cron expression.
    pub schedule: String,
    /// The IANA time zone of the cron expression.
    pub timezone: String,
    /// The overlap policy.
    pub overlap: EnumText<Overlap>,
    /// The catch-up policy.
    pub catch_up: EnumText<CatchUp>,
    /// The first slot whose outcome is not decided; `None` if there is no next slot.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The version of the schedule; increases with each change and each claim.
    pub version: i64,
}

table! {
    schedules: ScheduleRow {
        owner_id, schedule, timezone, overlap: EnumText(overlap), catch_up: EnumText(catch_up), next_run_at, version,
    }
    from "schedules" prefix "";
    others { owner_kind }

    /// Written when the schedule is created. Each change and each claim increases the version.
    const CREATED { owner_id: Uuid, version: Integer }

    /// Written by every change.
    const CHANGED { schedule: Text, timezone: Text, overlap: EnumText, catch_up: EnumText, next_run_at: Instant }
}

/// Takes the scheduler lock until the end of the transaction. This must be the first statement of each transaction that
/// decides slots or starts their runs, because two such transactions at once could start runs that must not overlap.
pub async fn lock_scheduler(tx: &mut Tx) -> Result<()> {
    sql("UPDATE scheduler SET turn = turn + 1 WHERE id = 1").execute(tx).await?;
    Ok(())
}

/// Reads the ids of jobs or pipelines with a due slot, in ascending order and greater than `after`; at most `limit`.
pub async fn with_due_slots(
    db: &Db,
    kind: ScheduledKind,
    now: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    planned(db, kind, " AND next_run_at <= ", now, after, limit).await
}

/// Reads the ids of jobs or pipelines whose next slot is later than `now`, in ascending order and greater than `after`;
/// at most `limit`.
pub async fn with_planned_slots(
    db: &Db,
    kind: ScheduledKind,
    now: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    planned(db, kind, " AND next_run_at > ", now, after, limit).await
}

async fn planned(
    db: &Db,
    kind: ScheduledKind,
    comparison: &'static str,
    now: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let mut statement = sql("SELECT owner_id FROM schedules")
        .push_bind(" WHERE owner_kind = ", kind.as_str())
        .push_bind(comparison, now);
    if let Some(after) = after {
        statement = statement.push_bind(" AND owner_id > ", after);
    }
    let rows: Vec<(Uuid,)> = statement.push_bind(" ORDER BY owner_id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Reads the schedules of those of these jobs or pipelines that have a due slot, earliest slot first. Accepts at most
/// 500 ids.
pub async fn due(conn: impl Into<Conn<'_>>, ids: &[Uuid], now: DateTime<Utc>) -> Result<Vec<ScheduleRow>> {
    ScheduleRow::TABLE
        .select()
        .push(" WHERE owner_id IN ")
        .push_tuple(ids.iter().map(|id| (*id).into()))
        .push_bind(" AND next_run_at <= ", now)
        .push(" ORDER BY next_run_at, owner_id")
        .fetch_all(conn)
        .await
}

/// Reads the schedules of these jobs or pipelines, ordered by id. Accepts at most 500 ids.
pub async fn find_all(conn: impl Into<Conn<'_>>, ids: &[Uuid]) -> Result<Vec<ScheduleRow>> {
    let statement = ScheduleRow::TABLE.select().push(" WHERE owner_id IN ");
    let statement = statement.push_tuple(ids.iter().map(|id| (*id).into()));
    statement.push(" ORDER BY owner_id").fetch_all(conn).await
}

/// Reads the schedule of a job or pipeline; `None` if it has no schedule.
pub async fn find(conn: impl Into<Conn<'_>>, id: Uuid) -> Result<Option<ScheduleRow>> {
    ScheduleRow::TABLE.select().push_bind(" WHERE owner_id = ", id).fetch_optional(conn).await
}

/// Reads the time of the earliest next slot of all jobs or all pipelines; `None` if there is no next slot.
pub async fn next_due(db: &Db, kind: ScheduledKind) -> Result<Option<DateTime<Utc>>> {
    let row: Option<(DateTime<Utc>,)> = sql("SELECT next_run_at FROM schedules")
        .push_bind(" WHERE owner_kind = ", kind.as_str())
        .push(" AND next_run_at IS NOT NULL ORDER BY next_run_at LIMIT 1")
        .fetch_optional(db)
        .await?;
    Ok(row.map(|(at,)| at))
}

/// Stores a new schedule.
pub async fn insert(tx: &mut Tx, kind: ScheduledKind, row: &ScheduleRow) -> Result<()> {
    let columns = values(ScheduleRow::CREATED, row).chain(values(ScheduleRow::CHANGED, row));
    ScheduleRow::TABLE.insert(columns.chain([("owner_kind", kind.as_str().into())])).execute(tx).await?;
    Ok(())
}

/// Writes a changed schedule. If the schedule was changed or claimed since it was read, writes nothing and returns
/// false.
pub async fn save(tx: &mut Tx, row: &ScheduleRow) -> Result<bool> {
    let statement = ScheduleRow::TABLE.update(values(ScheduleRow::CHANGED, row)).push(", version = version + 1");
    let statement = statement.push_bind(" WHERE owner_id = ", row.owner_id).push_bind(" AND version = ", row.version);
    Ok(statement.execute(tx).await? == 1)
}

/// Claims schedules by setting their next slots. A schedule that was changed or claimed since it was read is not
/// claimed. Returns the ids of the jobs or pipelines whose schedule was claimed.
pub async fn claim(tx: &mut Tx, schedules: &[(&ScheduleRow, Option<DateTime<Utc>>)]) -> Result<HashSet<Uuid>> {
    let mut claimed = HashSet::with_capacity(schedules.len());
    for schedules in schedules.chunks(MOST_VALUES) {
        let mut statement = sql("WITH claim (owner, next, seen) AS (VALUES ");
        for (index, (row, next)) in schedules.iter().enumerate() {
            let values = [row.owner_id.into(), (*next).into(), row.version.into()];
            statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple(values);
        }
        let rows: Vec<(Uuid,)> = statement
            .push(
                ") UPDATE schedules SET next_run_at = claim.next, version = schedules.version + 1 FROM claim \
                 WHERE schedules.owner_id = claim.owner AND schedules.version = claim.seen RETURNING owner_id",
            )
            .fetch_all(&mut *tx)
            .await?;
        claimed.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(claimed)
}

/// Deletes a schedule. Returns false if it does not exist.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool> {
    Ok(sql("DELETE FROM schedules WHERE owner_id = $1").bind(id).execute(tx).await? == 1)
}
