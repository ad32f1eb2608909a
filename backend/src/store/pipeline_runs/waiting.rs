//! Which runs have to be looked at.

use chrono::{DateTime, Utc};

use crate::{
    error::Result,
    ids::{PipelineId, RunId},
    model::pipeline::run::PipelineRunStatus,
    store::db::{Conn, Db, sql},
};

/// Up to 100 of the runs that are due, those that have waited longest first.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn due(db: &Db, now: DateTime<Utc>) -> Result<Vec<RunId>> {
    let statement = sql("SELECT id FROM pipeline_runs").push_bind(" WHERE due_at IS NOT NULL AND due_at <= ", now);
    let rows: Vec<(RunId,)> = statement.push(" ORDER BY due_at, id LIMIT 100").fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Up to 100 of the runs with a step at an agent that was revoked, or that has been offline since before `cutoff`, as long
/// as the step is with it.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn with_lost_agents(db: &Db, cutoff: DateTime<Utc>) -> Result<Vec<RunId>> {
    let statement = sql("SELECT DISTINCT s.run_id FROM pipeline_steps s JOIN agents a ON a.id = s.agent_id \
         WHERE s.sent_at IS NOT NULL AND s.completed_at IS NULL AND (a.revoked_at IS NOT NULL OR (")
    .push_bind("a.offline_since <= ", cutoff)
    .push_bind(" AND s.sent_at <= ", cutoff)
    .push(")) ORDER BY s.run_id LIMIT 100");
    let rows: Vec<(RunId,)> = statement.fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The runs of a pipeline that have not ended, oldest first.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn under_way(conn: impl Into<Conn<'_>>, pipeline: PipelineId) -> Result<Vec<RunId>> {
    let statuses = [PipelineRunStatus::Queued, PipelineRunStatus::Running].map(|status| status.to_string().into());
    let statement = sql("SELECT id FROM pipeline_runs").push_bind(" WHERE pipeline_id = ", pipeline);
    let rows: Vec<(RunId,)> =
        statement.push(" AND status IN ").push_tuple(statuses).push(" ORDER BY id").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
