//! Pipeline runs that are due, active, or wait for agents that are offline or revoked.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_query::Value;
use uuid::Uuid;

use crate::{
    error::Result,
    ids::{PipelineId, RunId},
    model::{pipeline::run::PipelineRunStatus, schedule::Overlap},
    store::db::{Conn, Db, MOST_VALUES, Tx, sql},
};

/// A run that the engine must advance now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueRun {
    /// The run.
    pub id: RunId,
    /// The revision of the run when it was read.
    pub revision: i64,
}

impl std::fmt::Display for DueRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.id, f)
    }
}

/// Reads the runs that are due, ordered by id and with ids greater than that of `after`; at most `limit`.
pub async fn due(db: &Db, now: DateTime<Utc>, after: Option<DueRun>, limit: i64) -> Result<Vec<DueRun>> {
    let mut statement =
        sql("SELECT id, revision FROM pipeline_runs").push_bind(" WHERE due_at IS NOT NULL AND due_at <= ", now);
    if let Some(after) = after {
        statement = statement.push_bind(" AND id > ", after.id);
    }
    let rows: Vec<(RunId, i64)> = statement.push_bind(" ORDER BY id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id, revision)| DueRun { id, revision }).collect())
}

/// Reads the ids of runs with an unfinished step whose agent is lost: it was revoked, or it has been offline since
/// before `cutoff` and the step was sent before `cutoff`. The ids are in ascending order and greater than `after`; at
/// most `limit`.
pub async fn with_lost_agents(db: &Db, cutoff: DateTime<Utc>, after: Option<RunId>, limit: i64) -> Result<Vec<RunId>> {
    let mut statement = sql("SELECT DISTINCT s.run_id FROM pipeline_steps s JOIN agents a ON a.id = s.agent_id \
         WHERE s.sent_at IS NOT NULL AND s.completed_at IS NULL AND (a.revoked_at IS NOT NULL OR (")
    .push_bind("a.offline_since <= ", cutoff)
    .push_bind(" AND s.sent_at <= ", cutoff)
    .push("))");
    if let Some(after) = after {
        statement = statement.push_bind(" AND s.run_id > ", after);
    }
    let rows: Vec<(RunId,)> = statement.push_bind(" ORDER BY s.run_id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Reads the ids of the runs of a pipeline that have not ended, oldest first.
pub async fn under_way(conn: impl Into<Conn<'_>>, pipeline: PipelineId) -> Result<Vec<RunId>> {
    let statement = sql("SELECT id FROM pipeline_runs").push_bind(" WHERE pipeline_id = ", pipeline);
    let rows: Vec<(RunId,)> =
        statement.push(" AND status IN ").push_tuple(active_statuses()).push(" ORDER BY id").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether the schedule must not start a run of a pipeline now, because an earlier run has not ended and the overlap
/// policy is not `allow`.
pub async fn is_held_up(conn: impl Into<Conn<'_>>, pipeline: PipelineId) -> Result<bool> {
    let statement = sql("SELECT id FROM pipeline_runs")
        .push_bind(" WHERE pipeline_id = ", pipeline)
        .push(" AND status IN ")
        .push_tuple(active_statuses())
        .push_bind(" AND NOT EXISTS (SELECT 1 FROM schedules WHERE owner_id = ", pipeline)
        .push_bind(" AND overlap = ", Overlap::Allow.to_string())
        .push(") LIMIT 1");
    let row: Option<(RunId,)> = statement.fetch_optional(conn).await?;
    Ok(row.is_some())
}

/// Returns those of these pipelines that have a run which has not ended.
pub async fn busy(tx: &mut Tx, pipelines: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut busy = HashSet::new();
    for pipelines in pipelines.chunks(MOST_VALUES) {
        let statement = sql("SELECT DISTINCT pipeline_id FROM pipeline_runs WHERE pipeline_id IN ")
            .push_tuple(pipelines.iter().map(|id| (*id).into()))
            .push(" AND status IN ")
            .push_tuple(active_statuses());
        let rows: Vec<(Uuid,)> = statement.fetch_all(&mut *tx).await?;
        busy.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(busy)
}

fn active_statuses() -> [Value; 2] {
    [PipelineRunStatus::Queued, PipelineRunStatus::Running].map(|status| status.to_string().into())
}
