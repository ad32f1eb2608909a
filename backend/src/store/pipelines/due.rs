//! When the schedules of pipelines are due.

use chrono::{DateTime, Utc};

use super::scoped;
use crate::{
    actor::Scope,
    error::Result,
    ids::PipelineId,
    store::db::{Db, MOST_VALUES, sql},
};

/// When those of these pipelines that are in the scope and have a schedule are due next, in no order.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn due_next(db: &Db, scope: Scope, ids: &[PipelineId]) -> Result<Vec<(PipelineId, DateTime<Utc>)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT p.id, s.next_run_at FROM pipelines p JOIN schedules s ON s.owner_id = p.id \
             WHERE s.next_run_at IS NOT NULL AND p.id IN ")
        .push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(scoped(statement, scope).fetch_all::<(PipelineId, DateTime<Utc>)>(db).await?);
    }
    Ok(found)
}
