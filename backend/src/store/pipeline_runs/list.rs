//! Pages of pipeline runs, the newest runs of several pipelines, and the plans and drafts of runs.

use serde_json::Value;

use super::{PipelineRunRow, find_all};
use crate::{
    error::Result,
    ids::{PipelineId, RunId},
    model::{Page, PageRequest, Total, pipeline::run::PipelineRunFilter},
    store::{
        db::{Db, JsonColumn, MOST_VALUES, Sql, sql},
        pagination,
    },
};

/// The maximum number of parts of one compound statement.
const MOST_PARTS: usize = 100;

/// Reads a page of runs, newest first.
pub async fn list(db: &Db, filter: &PipelineRunFilter, request: PageRequest) -> Result<Page<PipelineRunRow>> {
    let conditions = |mut statement: Sql| {
        if let Some(pipeline) = filter.pipeline_id {
            statement = statement.push_bind(" AND pipeline_id = ", pipeline);
        }
        match filter.status.as_slice() {
            [] => statement,
            statuses => {
                let any_of = statuses.iter().map(|status| status.to_string().into());
                statement.push(" AND status IN ").push_tuple(any_of)
            }
        }
    };
    let total = match (request.is_counted, filter.pipeline_id) {
        (false, _) => Total::AtLeast(0),
        (true, Some(_)) => {
            let counted = conditions(sql("SELECT COUNT(*) FROM pipeline_runs WHERE 1 = 1"));
            let (total,): (i64,) = counted.fetch_one(db).await?;
            Total::Exactly(total.unsigned_abs())
        }
        (true, None) => {
            let counted = conditions(sql("SELECT COUNT(*) FROM (SELECT 1 AS found FROM pipeline_runs WHERE 1 = 1"));
            let bound = Total::COUNTING_STOPS_AT.cast_signed() + 1;
            let (found,): (i64,) = counted.push_bind(" LIMIT ", bound).push(") AS counted").fetch_one(db).await?;
            Total::counted(found.unsigned_abs())
        }
    };
    // The ids first: they are found in the index alone, and `id` means one thing only.
    let ids = conditions(sql("SELECT id FROM pipeline_runs WHERE 1 = 1"));
    let ids: Vec<(RunId,)> = pagination::cut(ids, request).fetch_all(db).await?;
    let page = pagination::page(ids, request, total);
    let ids: Vec<RunId> = page.items.iter().map(|(id,)| *id).collect();
    Ok(Page { items: newest_first(db, &ids).await?, request, total: page.total, has_more: page.has_more })
}

/// Reads the newest runs of each of these pipelines: for each, at most the number that follows its id. The result is
/// ordered newest first.
pub async fn newest(db: &Db, of: &[(PipelineId, u64)]) -> Result<Vec<PipelineRunRow>> {
    let mut found = Vec::new();
    for of in of.chunks(MOST_PARTS) {
        let mut statement = sql("");
        for (index, (pipeline, count)) in of.iter().enumerate() {
            let lead = if index == 0 { "SELECT id FROM (" } else { " UNION ALL SELECT id FROM (" };
            statement = statement
                .push(lead)
                .push_bind("SELECT id FROM pipeline_runs WHERE pipeline_id = ", *pipeline)
                .push_bind(" ORDER BY id DESC LIMIT ", count.cast_signed())
                .push(") AS part");
        }
        let ids: Vec<(RunId,)> = statement.fetch_all(db).await?;
        found.extend(ids.into_iter().map(|(id,)| id));
    }
    newest_first(db, &found).await
}

/// Reads the plans of these runs, in the form that a dry run returns, in no particular order.
pub async fn plans(db: &Db, ids: &[RunId]) -> Result<Vec<(RunId, Value)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT id, plan FROM pipeline_runs WHERE id IN ");
        let rows: Vec<(RunId, JsonColumn<Value>)> =
            statement.push_tuple(ids.iter().map(|id| (*id).into())).fetch_all(db).await?;
        found.extend(rows.into_iter().map(|(id, plan)| (id, plan.0)));
    }
    Ok(found)
}

/// Reads the drafts, as they were sent, of those of these runs that execute one, in no particular order. The result has
/// no entry for a run whose draft was purged.
pub async fn drafts(db: &Db, ids: &[RunId]) -> Result<Vec<(RunId, String)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT id, draft_yaml FROM pipeline_runs WHERE draft_yaml IS NOT NULL AND id IN ");
        let rows: Vec<(RunId, String)> = statement.push_tuple(ids.iter().map(|id| (*id).into())).fetch_all(db).await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Returns those of these runs whose draft is still stored, in no particular order.
pub async fn with_drafts(db: &Db, ids: &[RunId]) -> Result<Vec<RunId>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT id FROM pipeline_runs WHERE draft_yaml IS NOT NULL AND id IN ");
        let rows: Vec<(RunId,)> = statement.push_tuple(ids.iter().map(|id| (*id).into())).fetch_all(db).await?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

async fn newest_first(db: &Db, ids: &[RunId]) -> Result<Vec<PipelineRunRow>> {
    let mut rows = find_all(db, ids).await?;
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    Ok(rows)
}
