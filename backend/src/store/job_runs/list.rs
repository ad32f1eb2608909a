//! Pages of job runs, and the newest runs of several jobs.

use super::{JobRunRow, find_all};
use crate::{
    error::Result,
    ids::{JobId, RunId},
    model::{Page, PageRequest, Total, job::JobRunFilter},
    store::{
        db::{Db, Sql, sql},
        pagination,
    },
};

/// The maximum number of parts of one compound statement.
const MOST_PARTS: usize = 100;

/// Reads a page of runs, newest first.
pub async fn list(db: &Db, filter: &JobRunFilter, request: PageRequest) -> Result<Page<JobRunRow>> {
    let conditions = |mut statement: Sql| {
        if let Some(job) = filter.job_id {
            statement = statement.push_bind(" AND job_id = ", job);
        }
        match filter.status.as_slice() {
            [] => statement,
            statuses => {
                let any_of = statuses.iter().map(|status| status.to_string().into());
                statement.push(" AND status IN ").push_tuple(any_of)
            }
        }
    };
    let total = match (request.is_counted, filter.job_id) {
        (false, _) => Total::AtLeast(0),
        (true, Some(_)) => {
            let (total,): (i64,) = conditions(sql("SELECT COUNT(*) FROM job_runs WHERE 1 = 1")).fetch_one(db).await?;
            Total::Exactly(total.unsigned_abs())
        }
        (true, None) => {
            let counted = conditions(sql("SELECT COUNT(*) FROM (SELECT 1 AS found FROM job_runs WHERE 1 = 1"));
            let bound = Total::COUNTING_STOPS_AT.cast_signed() + 1;
            let (found,): (i64,) = counted.push_bind(" LIMIT ", bound).push(") AS counted").fetch_one(db).await?;
            Total::counted(found.unsigned_abs())
        }
    };
    let statement = conditions(sql("SELECT id FROM job_runs WHERE 1 = 1"));
    let ids: Vec<(RunId,)> = pagination::cut(statement, request).fetch_all(db).await?;
    let page = pagination::page(ids, request, total);
    let ids: Vec<RunId> = page.items.iter().map(|(id,)| *id).collect();
    Ok(Page { items: find_all(db, &ids).await?, request, total: page.total, has_more: page.has_more })
}

/// Reads the newest runs of each of these jobs: for each, at most the number that follows its id. The result is ordered
/// newest first.
pub async fn newest(db: &Db, of: &[(JobId, u64)]) -> Result<Vec<JobRunRow>> {
    let mut found = Vec::new();
    for of in of.chunks(MOST_PARTS) {
        let mut statement = sql("");
        for (index, (job, count)) in of.iter().enumerate() {
            let lead = if index == 0 { "SELECT id FROM (" } else { " UNION ALL SELECT id FROM (" };
            statement = statement
                .push(lead)
                .push_bind("SELECT id FROM job_runs WHERE job_id = ", *job)
                .push_bind(" ORDER BY id DESC LIMIT ", count.cast_signed())
                .push(") AS part");
        }
        let ids: Vec<(RunId,)> = statement.fetch_all(db).await?;
        let ids: Vec<RunId> = ids.into_iter().map(|(id,)| id).collect();
        found.extend(find_all(db, &ids).await?);
    }
    found.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    Ok(found)
}
